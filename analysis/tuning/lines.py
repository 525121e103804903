"""One line a row of a search: default, expected tuned score, gain, oracles, costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan, nan
from statistics import fmean
from typing import Any

from negbench.storage.cell_store import Cell

from . import oracles
from .anova import Shares, shares
from .expected_score import Curve, curve, passes
from .oracles import EpochOracle, over
from .searches import Searched

BAR = "random"
"""The row whose tuned score others have to pass."""
NEVER = "never"


@dataclass(frozen=True)
class Line:
    """The figures of one row; NaN and None where they are not known."""

    searched: Searched
    curve: Curve | None
    default: float
    """The test score of trial 0, the published default."""
    tuned: float
    """E_N: the test score of the trial that validation by one seed puts first."""
    best: float
    """The highest test score of a trial that ran to its end."""
    epoch: EpochOracle | None
    shares: Shares | None
    to_pass: int | str | None = None
    """The least n whose E_n is above E_N of `random`, or never; None where it does not apply."""

    @property
    def reference(self) -> bool:
        """Whether it is a reference model."""
        return self.searched.reference

    @property
    def trials(self) -> str:
        """How many trials: 16, "12 of 16" while some are pending, with how many failed."""
        row = self.searched
        planned, over_now = len(row.trials), len(row.counted)
        failed = sum(trial.failed for trial in row.trials)
        text = f"{planned}" if over_now == planned else f"{over_now} of {planned}"
        return f"{text} ({failed})" if failed else text

    @property
    def gain(self) -> float:
        """What tuning adds to the published default, in the metric."""
        return self.tuned - self.default

    @property
    def gain_share(self) -> float:
        """The same as a share of the default's score."""
        return over(self.tuned, self.default)

    @property
    def setting_inflation(self) -> float:
        """What choosing the setting on test would add, as a share."""
        return over(self.best, self.tuned)

    @property
    def epoch_inflation(self) -> float:
        """What choosing the epoch on test would add, as a share."""
        return self.epoch.inflation if self.epoch else nan

    @property
    def picked(self) -> float:
        """The winner's validation value on the seed that picked the finalists."""
        winner = self.searched.winner or {"trial": -1}
        return next((t.valid for t in self.searched.trials if t.place == winner["trial"]), nan)

    @property
    def fresh(self) -> float:
        """The winner's mean validation value over the seeds that finalists were trained with."""
        winner = self.searched.winner or {"trial": -1}
        for entry in self.searched.search["finalists"]:
            values = [float(value) for value in entry["valid"] if value is not None]
            if entry["trial"] == winner["trial"] and values:
                return fmean(values)
        return nan

    @property
    def curse(self) -> float:
        """How far the first lies above the second, as a share: the winner's curse."""
        return over(self.picked, self.fresh)

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds of all trials that are over, as far as known; NaN if none is."""
        known = [t.cpu_seconds for t in self.searched.counted if not isnan(t.cpu_seconds)]
        return sum(known) if known else nan

    @property
    def settings(self) -> Mapping[str, Any]:
        """The winner's searched settings; empty while undecided."""
        winner = self.searched.winner
        return winner["settings"] if winner else {}


def winner_text(each: Line) -> str:
    """The winner's settings, `!` behind those at an edge of their range; empty while undecided."""
    if each.searched.winner is None:
        return ""
    edges = each.searched.edges
    pieces = [
        f"{r.name}={value_text(each.settings[r.name])}{'!' if r.name in edges else ''}"
        for r in each.searched.space
        if r.name in each.settings
    ]
    return ", ".join(pieces) or "nothing to tune"


def value_text(value: Any) -> str:
    """A setting as tables have it: 0.00123, 16, cosine."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def line(each: Searched, cells: Sequence[Cell] = ()) -> Line:
    """The figures of a row; `cells` are its final cells, for the oracle of the epoch."""
    return Line(
        each,
        curve(each),
        each.trials[0].test if each.trials and each.trials[0].done else nan,
        oracles.first_by_validation(each),
        oracles.best_on_test(each),
        oracles.epoch_oracle(cells, each.metric),
        shares(each),
    )


def with_bar(table: Sequence[Line]) -> list[Line]:
    """The lines of one table, with the trials that each needs to pass its tuned `random`.

    Known where all trials of both are over.
    """
    bar = next((each for each in table if each.searched.row == BAR and not each.reference), None)
    return [replace(each, to_pass=_to_pass(each, bar)) for each in table]


def _to_pass(each: Line, bar: Line | None) -> int | str | None:
    own, other = _whole(each), _whole(bar)
    if bar is each or own is None or other is None:
        return None
    return passes(own.expected, other.final) or NEVER


def _whole(each: Line | None) -> Curve | None:
    """The curve of a row whose trials are all over."""
    return each.curve if each and each.curve and each.curve.complete else None
