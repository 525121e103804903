"""How long a run still takes, by what ran so far in its folder: nothing is timed, nothing assumed.

A cell that is trained now counts by its own pace: seconds an epoch, and as many epochs as cells of
its kind (data set, backbone, method) took. One that waits takes the mean of its kind, or of all
trained cells where none of its kind has ended; how many those are is told. References, which
are not trained by epochs, tell nothing about cells that are. The cells are then dealt out to those
who work, in order.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from negbench.storage.claims import Claim

REFERENCE = "reference"
"""The backbone's name of cells that no method trains."""
Kind = tuple[str, ...]


@dataclass(frozen=True)
class Ended:
    """A cell that is done: its kind, the seconds that it took, and its epochs (0: not trained)."""

    kind: Kind
    seconds: float
    epochs: float


@dataclass(frozen=True)
class TimeLeft:
    """Seconds, None where nothing tells them yet."""

    seconds: float | None
    no_early_stop: bool = False
    """Whether a trained cell counts with its whole budget, since none like it has ended: it may
    stop earlier."""
    unlike: int = 0
    """Cells whose seconds or epochs are the mean of other kinds, since none of their own ended."""


def kind_of(entry: Mapping[str, Any]) -> Kind:
    """Data set, backbone and method of a planned cell."""
    return tuple(str(entry[name]) for name in ("dataset", "backbone", "method"))


def time_left(
    pending: Sequence[Mapping[str, Any]],
    ended: Sequence[Ended],
    working: Mapping[str, Claim],
    at_a_time: int,
) -> TimeLeft:
    """The time until the last pending cell ends, where so many are worked on at a time.

    `pending` are entries of run.json, `working` the live claims by the cell's name.
    """
    if not pending:
        return TimeLeft(0.0)
    outlook = _Outlook(pending, ended, working)
    busy = [outlook.rest(each) for each in pending if each["cell"] in working]
    waiting = [outlook.whole(each) for each in pending if each["cell"] not in working]
    if None in busy or None in waiting:
        return TimeLeft(None)
    known = [seconds for seconds in busy if seconds is not None]
    ends = known + [0.0] * (max(at_a_time, 1) - len(known))
    heapq.heapify(ends)
    for seconds in waiting:
        heapq.heapreplace(ends, ends[0] + (seconds or 0.0))
    return TimeLeft(max(ends), outlook.no_early_stop, len(outlook.unlike))


class _Outlook:
    """What a cell is likely to take, by the cells that ended and those that are at work."""

    def __init__(
        self,
        pending: Sequence[Mapping[str, Any]],
        ended: Sequence[Ended],
        working: Mapping[str, Claim],
    ) -> None:
        self.ended, self.working = ended, working
        self.running = [each for each in pending if each["cell"] in working]
        self.no_early_stop = False
        self.unlike: set[str] = set()

    def rest(self, entry: Mapping[str, Any]) -> float | None:
        """Seconds until a cell at work ends; None where nothing tells."""
        claim = self.working[entry["cell"]]
        if claim.progress is not None:
            now, epochs = claim.progress, self._epochs(entry)
            left = max(epochs - now.epoch, 0.0) * now.seconds / max(1, now.epoch)
            return max(0.0, left - now.age)
        whole = self.whole(entry)
        return None if whole is None else max(0.0, whole - claim.seconds)

    def whole(self, entry: Mapping[str, Any]) -> float | None:
        """Seconds of a cell from its start; None where nothing tells."""
        known = self._like(entry, lambda each: each.seconds, self.ended)
        if known is not None:
            return known
        if entry["backbone"] == REFERENCE and self.ended:  # nothing better is known of it
            self.unlike.add(entry["cell"])
            return fmean(each.seconds for each in self.ended)
        projected = [seconds for each in self.running if (seconds := self._projected(each))]
        return fmean(projected) if projected else None

    def _projected(self, entry: Mapping[str, Any]) -> float | None:
        """Seconds of a cell at work from its start, at its pace; None before its first epoch."""
        now = self.working[entry["cell"]].progress
        return None if now is None else self._epochs(entry) * now.seconds / max(1, now.epoch)

    def _epochs(self, entry: Mapping[str, Any]) -> float:
        """The epochs that a cell at work is likely to train; its budget where none has ended."""
        now = self.working[entry["cell"]].progress
        budget = now.epochs if now is not None else 0
        trained = [each for each in self.ended if each.epochs]
        likely = self._like(entry, lambda each: each.epochs, trained)
        if likely is None:
            self.no_early_stop = True
            return budget
        return min(likely, budget)

    def _like(
        self, entry: Mapping[str, Any], measure: Callable[[Ended], float], ended: Sequence[Ended]
    ) -> float | None:
        """The mean of those of this kind; else of all that are trained too, or are not."""
        is_reference = entry["backbone"] == REFERENCE
        alike = [each for each in ended if each.kind == kind_of(entry)]
        family = [each for each in ended if (each.kind[1] == REFERENCE) == is_reference]
        if family and not alike:
            self.unlike.add(entry["cell"])
        return fmean(map(measure, alike or family)) if alike or family else None
