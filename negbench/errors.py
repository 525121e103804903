"""Errors that are the user's to mend: one sentence, an exit code, never a traceback."""

import difflib


class UserError(Exception):
    """The rule that failed, the value seen and the remedy, in one sentence."""

    exit_code = 2


class NoRoom(UserError):
    """The run's folder can no longer be written to: the disk is full, or the folder is locked."""

    exit_code = 1


class DataError(UserError):
    """Data that cannot be had: not found, a wrong checksum, no mirror that answers."""

    exit_code = 3


class NothingToReport(UserError):
    """A run folder that holds no result to read."""

    exit_code = 4


def did_you_mean(name: str, known: list[str]) -> str:
    """A remedy for a mistyped name: the nearest known ones, or all of them."""
    begun = [k for k in known if k.startswith(name.lower())][:3]
    near = begun or difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.55)
    near += [k for k in known if k not in near and name.lower() in k][: 3 - len(near)]
    if near:
        return f"did you mean {', '.join(near)}?"
    return f"known: {', '.join(known)}"
