"""Errors that users can fix: one sentence and an exit code, never a traceback."""

import difflib


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


def did_you_mean(name: str, known: list[str]) -> str:
    """Suggestion for a mistyped name: the most similar known names, or all of them."""
    similar = [k for k in known if k.startswith(name.lower())][:3]
    similar = similar or difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.55)
    similar += [k for k in known if k not in similar and name.lower() in k][: 3 - len(similar)]
    if similar:
        return f"did you mean {', '.join(similar)}?"
    return f"known: {', '.join(known)}"
