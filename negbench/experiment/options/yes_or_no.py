"""The value of an option that is a flag on the command line: true or false in files and Python."""

from typing import Any

from negbench.errors import UserError, shown

_WORDS = {"true": True, "false": False}


def yes_or_no(value: Any, key: str) -> bool:
    """True or False, also as text. Raises UserError for anything else."""
    known = value if isinstance(value, bool) else None
    if isinstance(value, str):
        known = _WORDS.get(value.strip().lower())
    if known is None:
        raise UserError(f"--{key.replace('_', '-')} must be true or false; got {shown(value)}")
    return known
