"""Errors that are the user's to mend: one sentence, an exit code, never a traceback."""


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
