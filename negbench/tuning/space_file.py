"""Space files: ranges of one's own in place of the cards' (TOML or YAML).

[shared]                     the ranges of every method
lr = ["log", 1e-4, 1e-2]
[dns]                        a method's, backbone's or reference's own, in order of importance
candidates = ["of", 4, 16, 64]
"""

from collections.abc import Mapping
from dataclasses import fields
from os import PathLike
from pathlib import Path
from typing import Any

from negbench.errors import UserError, did_you_mean, shown
from negbench.experiment.options.experiment_file import read_file, require_words
from negbench.plugins import registry
from negbench.tuning.parameter import Parameter
from negbench.tuning.points import SHARED
from negbench.tuning.space import Ranges

_FAMILIES = ("methods", "backbones", "references")


def space_of(given: Mapping[str, Any] | str | PathLike[str] | None) -> Ranges:
    """The ranges that were given: a mapping of them, or a file; none where nothing was.

    Raises UserError for anything else, and as `check_space` and `read_space` do.
    """
    if isinstance(given, Mapping):
        require_words(given, "space")
        return check_space(given, "space")
    if given is not None and not isinstance(given, str | PathLike):
        raise UserError(f"--space must be a file, or a mapping of ranges; got {shown(given)}")
    return read_space(Path(given)) if given else {}


def read_space(path: Path) -> Ranges:
    """The ranges of a file, checked.

    Raises UserError for a file that cannot be read, and for a name, parameter or range that is
    unknown or malformed.
    """
    return check_space(read_file(path), str(path))


def check_space(content: Mapping[str, Any], where: str) -> Ranges:
    """The ranges of a mapping, checked; `where` names it in messages.

    Raises UserError for a name, parameter or range that is unknown or malformed.
    """
    for name, ranges in content.items():
        if not isinstance(ranges, Mapping):
            raise UserError(f"{where}: {name} must be a section of ranges; got {shown(ranges)}")
        known = _known(name)
        for parameter, entry in ranges.items():
            if parameter not in known:
                raise UserError(
                    f"{where}: [{name}] must hold parameters of it; got {parameter!r}; "
                    f"{did_you_mean(parameter, known)}"
                )
            Parameter.of("method", f"{parameter} in [{name}] of {where}", entry)
    return {name: dict(ranges) for name, ranges in content.items()}


def _known(name: str) -> list[str]:
    """The parameters that a section of this name may hold."""
    if name == "shared":
        return list(SHARED)
    for family in _FAMILIES:
        if name in registry.names(family):
            config: Any = getattr(registry.load(family, name), "Config", None)
            return [each.name for each in fields(config)] if config else []
    every = ["shared", *(each for family in _FAMILIES for each in registry.names(family))]
    raise UserError(
        f"a space file must hold sections of methods, backbones, references or `shared`; got "
        f"{name!r}; {did_you_mean(name, every)}"
    )
