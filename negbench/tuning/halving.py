"""Successive halving: weak trials end after a part of the epochs, by one rule for every row.

Synchronous (Jamieson & Talwalkar, AISTATS 2016): all trials of a row are trained to a quarter of
the epoch cap, the best quarter of them to a half, the best sixteenth to the whole: 64, 16, 4. Trial
0, the published default, is never cut. Halving favours methods that learn early, so how well a rung
orders the trials must be measured, by the rank correlation of its validation values with the end's:
over a search in full, as in a halving search only selected trials reach the end.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import spearmanr

from negbench.storage.cell_store import Cell
from negbench.storage.training_end import kept_from
from negbench.tuning.selection import ranked
from negbench.tuning.validation import failure

EPOCHS = (1 / 4, 1 / 2)
"""The shares of the epoch cap at which trials are cut."""
KEPT = (1 / 4, 1 / 16)
"""The shares of the trials that go on from there."""
LEAST = 3
"""The fewest trials that a rank correlation is given for."""
Value = float | None
"""A validation value; None where a trial failed or has none yet."""


@dataclass(frozen=True)
class Rung:
    """A cap of epochs, and how many trials go on from it."""

    epochs: int
    keep: int
    """The best so many, and trial 0 beside them; of the last rung the finalists."""


def rungs(trials: int, epochs: int, finalists: int = 1) -> tuple[Rung, ...]:
    """The rungs of so many trials under a cap of epochs; the last one is the whole cap.

    At least `finalists` trials, or all where there are fewer, reach the end. A rung that cuts no
    trial, or saves no epoch, is left out.
    """
    least = max(1, min(finalists, trials))
    steps: list[Rung] = []
    alive = trials
    for of_epochs, of_trials in zip(EPOCHS, KEPT, strict=True):
        cap = math.ceil(epochs * of_epochs)
        keep = max(least, math.ceil(trials * of_trials))
        if keep + 1 < alive and cap < epochs and (not steps or cap > steps[-1].epochs):
            steps.append(Rung(cap, keep))
            alive = keep + 1
    return (*steps, Rung(epochs, least))


def survivors(valid: Mapping[int, Value], keep: int) -> tuple[int, ...]:
    """The trials that go on, in the order of their numbers.

    These are the best `keep` by validation, failed ones last and equal ones by their number, and
    trial 0 in a place of its own: so every row has as many, however good its default is.
    """
    usable = {trial: _finite(value) for trial, value in valid.items() if trial != 0}
    own = [0] if 0 in valid else []
    return tuple(sorted([*own, *ranked(usable)[:keep]]))


def rank_correlation(rung: Sequence[Value], end: Sequence[Value]) -> float | None:
    """Spearman's rank correlation of the trials that have a value at a rung and at the end.

    None for fewer than three of them, or where one side is the same for all.
    """
    pairs = _in_both(rung, end)
    one, other = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    if len(pairs) < LEAST or len(set(one)) == 1 or len(set(other)) == 1:
        return None
    return float(spearmanr(one, other).statistic)


@dataclass(frozen=True)
class Curve:
    """The validation values of one trial that was trained in full."""

    valid: Mapping[int, float]
    """The value after each validated epoch; empty for a trial that failed."""
    begins: int = 1
    """The first epoch of the method's own phase: earlier ones are a warm-up, and count for none."""

    @classmethod
    def of(cls, cell: Cell) -> "Curve":
        """The curve of a finished or failed cell, of the metric that its early stopping read."""
        column = f"valid_{cell.spec['train'].get('select')}"
        rows = cell.epochs() if cell.done and not failure(cell) else []
        valid = {int(row["epoch"]): row[column] for row in rows if column in row}
        return cls(valid, kept_from(cell.record.get("fit") or {}))

    def best(self, until: float = math.inf) -> Value:
        """The best value up to an epoch: what a training capped there would be judged by."""
        values = (v for epoch, v in self.valid.items() if self.begins <= epoch <= until)
        return max(filter(math.isfinite, values), default=None)


def correlation_of_full(curves: Sequence[Curve], epochs: int) -> float | None:
    """Rank correlation of the best value up to an epoch with the end's, of a search in full.

    All trials that finished count, so it is what decides whether halving may be used.
    """
    return rank_correlation([c.best(epochs) for c in curves], [c.best() for c in curves])


def trained_at(curves: Mapping[int, Curve], steps: Sequence[Rung]) -> list[tuple[int, ...]]:
    """The trials that halving would have trained at each of these rungs, of a search in full.

    `curves` are those of all trials by number, failed ones too.
    """
    at = [tuple(curves)]
    for step in steps[:-1]:
        at.append(survivors({t: curves[t].best(step.epochs) for t in at[-1]}, step.keep))
    return at


def best_that_are_cut(
    curves: Mapping[int, Curve], steps: Sequence[Rung], best: int
) -> tuple[int, ...]:
    """Which of the best trials at the end of a search in full these rungs would have cut."""
    end = {trial: curve.best() for trial, curve in curves.items()}
    finished = [trial for trial in ranked(end) if end[trial] is not None]
    last = trained_at(curves, steps)[-1]
    return tuple(trial for trial in finished[:best] if trial not in last)


def _in_both(rung: Sequence[Value], end: Sequence[Value]) -> list[tuple[float, float]]:
    pairs = ((_finite(one), _finite(other)) for one, other in zip(rung, end, strict=True))
    return [(one, other) for one, other in pairs if one is not None and other is not None]


def _finite(value: Value) -> Value:
    return value if value is not None and math.isfinite(value) else None
