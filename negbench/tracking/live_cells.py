"""Cells while they train: a tracker is told of each evaluation, as `status --watch` reads it.

Training writes a small file a cell, whether anybody reads it or not (`training_progress`). What is
told live goes when the cell ends: the finished cell, with all its values, takes its place.
"""

import os
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from negbench.storage import claims, training_progress
from negbench.storage.claims import Claim
from negbench.tracking.tracked_cell import EpochValues, plain


@dataclass(frozen=True)
class LiveCell:
    """A cell that is being trained."""

    token: str
    """Of this training: one that goes on later has another."""
    name: str
    """Data set, backbone, method and seed."""
    evaluations: tuple[EpochValues, ...]
    """The last ones, each with its validation value."""


class LiveTracker(Protocol):
    """A place that shows cells while they train."""

    def live(self) -> Iterable[str]:
        """Tokens of the cells that are there live, whoever tells of them."""
        ...

    def begin(self, cell: LiveCell) -> None:
        """Make a place for a cell; any error is passed on, here and below."""
        ...

    def log(self, token: str, values: Sequence[EpochValues]) -> None:
        """Add evaluations of a cell that was begun here."""
        ...

    def end(self, token: str) -> None:
        """Take a cell away that is there live."""
        ...


class LiveCells:
    """Tells one tracker of the cells that this command trains on this machine."""

    def __init__(self, tracker: LiveTracker) -> None:
        """Nothing is told yet."""
        self.tracker = tracker
        self.last: dict[str, int] = {}
        """The epoch of the last evaluation that was told of each cell, by token."""
        self.others: set[str] | None = None
        """What was there before, of other processes; None before the first look."""

    def look(self, training: Sequence[LiveCell], alive: set[str]) -> None:
        """Tell of new evaluations; take away what is not `alive`, leftovers of others too."""
        if self.others is None:
            self.others = set(self.tracker.live())
        for token in ({*self.last} | self.others) - alive:
            self._end(token)
        for cell in training:
            new = [each for each in cell.evaluations if each.epoch > self.last.get(cell.token, 0)]
            if new and cell.token not in self.others:
                if cell.token not in self.last:
                    self.tracker.begin(cell)
                self.last[cell.token] = new[-1].epoch
                self.tracker.log(cell.token, new)

    def close(self) -> None:
        """Take away all that was told here."""
        for token in list(self.last):
            self._end(token)

    def _end(self, token: str) -> None:
        self.last.pop(token, None)
        if self.others is not None:
            self.others.discard(token)
        self.tracker.end(token)


def look_at(run: Path) -> tuple[list[LiveCell], set[str]]:
    """The cells with evaluations that this command trains here, and the tokens of all at work."""
    claimed = [each for each in claims.claims(run) if not each.stale]
    ours = [_live(run, each) for each in claimed if each.progress is not None and _is_ours(each)]
    return [each for each in ours if each.evaluations], {each.token for each in claimed}


def _live(run: Path, claim: Claim) -> LiveCell:
    assert claim.progress is not None
    listed = training_progress.evaluations(run / claims.FOLDER, claim.cell, claim.token)
    written = time.time() - claim.progress.age
    name = f"epoch/{plain(f'valid_{claim.progress.metric}')}"
    return LiveCell(
        claim.token,
        claim.label,
        tuple(
            EpochValues(at.epoch, written - claim.progress.seconds + at.seconds, {name: at.valid})
            for at in listed
        ),
    )


def _is_ours(claim: Claim) -> bool:
    """Whether the process that trains is of the command that started this one.

    A command, its workers and this process are one process group; other commands tell their own.
    """
    if claim.host != socket.gethostname():
        return False
    try:
        return os.getpgid(claim.process) == os.getpgid(0)
    except AttributeError:  # a system without process groups
        return True
    except OSError:  # it has ended
        return False
