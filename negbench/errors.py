"""Errors that users can fix: one sentence and an exit code, never a traceback."""

import difflib

FEW = 15
"""Up to so many known names are shown where none is like the one that was typed."""


class UserError(Exception):
    """Base class: one sentence with the rule that failed, the value seen and the remedy."""

    exit_code = 2


class NoRoom(UserError):
    """The run's folder cannot be written to: the disk is full, or the folder is locked."""

    exit_code = 1


class DataError(UserError):
    """Data that cannot be loaded: not found, invalid, a wrong checksum, no mirror that answers."""

    exit_code = 3


class NothingToReport(UserError):
    """A run folder without results."""

    exit_code = 4


def shown(value: object) -> str:
    """A value for a message: one short line, and of anything big its kind alone."""
    if isinstance(value, list | tuple):
        pieces = [shown(each) for each in value[:3]]
        text = f"[{', '.join([*pieces, *(['...'] if len(value) > 3 else [])])}]"
    elif value is None or isinstance(value, str | bytes | bool | int | float):
        text = repr(value)
    elif isinstance(value, type):
        text = f"the class {value.__name__}"
    else:
        kind = type(value).__name__
        text = f"{'an' if kind[0] in 'AEIOaeio' else 'a'} {kind}"
    return text if len(text) <= 80 else text[:77] + "..."


def did_you_mean(name: str, known: list[str]) -> str:
    """Suggestion for a mistyped name: the most similar known names, or all of them if few."""
    known = list(dict.fromkeys(known))
    similar = [k for k in known if k.startswith(name.lower())][:3]
    similar = similar or difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.55)
    similar += [k for k in known if k not in similar and name.lower() in k][: 3 - len(similar)]
    if similar:
        return f"did you mean {', '.join(similar)}?"
    if len(known) <= FEW:
        return f"known: {', '.join(known)}"
    nearest = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.0)
    return f"the nearest of {len(known)} are {', '.join(nearest)}"
