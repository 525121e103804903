"""Oracles: what choosing the setting, or the epoch, on the test part would show.

    setting   the highest test score of any trial, over that of the trial that validation picks
    epoch     of the final cells: the mean over seeds of the highest test score of any epoch, over
              the mean at the epochs that validation kept

Each is an inflation, as a share of the honest figure beside it, and each is true by itself: the
first is of one seed and of epochs kept by validation, the second of the winner's setting.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path
from statistics import fmean

from negbench.errors import UserError
from negbench.plugins.row_terms import backbone_term
from negbench.storage.cell_store import Cell, read_cells

from .expected_score import ROUNDING
from .searches import Searched

Key = tuple[str, str, str, str]
"""Data set, backbone, row and hash of the protocol."""


@dataclass(frozen=True)
class EpochOracle:
    """Test scores of the final cells by epoch, means over seeds."""

    kept: float
    """At the epoch that validation kept."""
    best: float
    """At the epoch with the highest test score of its seed."""
    seeds: int

    @property
    def inflation(self) -> float:
        """The second over the first, as a share."""
        return over(self.best, self.kept)


def first_by_validation(searched: Searched) -> float:
    """The test score of the trial with the highest validation value of one seed; NaN if unknown.

    Trials that tie share their mean, as in every expected score.
    """
    done = [trial for trial in searched.trials if trial.done]
    top = max((trial.valid for trial in done), default=nan)
    return fmean([trial.test for trial in done if trial.valid == top]) if done else nan


def best_on_test(searched: Searched) -> float:
    """The highest test score of any trial that was trained to its end; NaN if none is known."""
    tested = [trial.test for trial in searched.trials if trial.done and not isnan(trial.test)]
    return max(tested, default=nan)


def over(value: float, base: float) -> float:
    """How far a value lies above a base, as a share of its size; NaN for a base of 0."""
    share = (value - base) / abs(base) if base else nan
    return 0.0 if abs(share) < ROUNDING else share


def final_cells(folders: Iterable[Path]) -> tuple[Mapping[Key, list[Cell]], tuple[str, ...]]:
    """The finished final cells by the search that chose their setting, and what is damaged."""
    cells: dict[Key, list[Cell]] = {}
    problems: list[str] = []
    for folder in dict.fromkeys(folders):
        whole, damaged = read_cells(folder)
        problems += damaged
        for cell in whole:
            tuned = cell.spec.get("tuned")
            if cell.done and tuned:
                where = str(cell.spec["dataset"]), backbone_term(cell.spec)
                cells.setdefault((*where, str(tuned["row"]), str(tuned["protocol"])), []).append(
                    cell
                )
    return cells, tuple(problems)


def epoch_oracle(cells: Iterable[Cell], metric: str) -> EpochOracle | None:
    """The oracle of the epoch over these cells; None where no cell logged its test scores."""
    kept, best = [], []
    for cell in cells:
        scores = _by_epoch(cell, f"test_{metric}")
        chosen = int((cell.record.get("fit") or {}).get("best_epoch") or 0)
        if chosen in scores:
            kept.append(scores[chosen])
            best.append(max(scores.values()))
    return EpochOracle(fmean(kept), fmean(best), len(kept)) if kept else None


def _by_epoch(cell: Cell, column: str) -> dict[int, float]:
    """A logged metric by epoch; empty where it was not logged or the file is damaged."""
    try:
        lines = cell.epochs()
    except UserError:  # the record still counts elsewhere; this column does without the cell
        return {}
    return {
        int(line["epoch"]): line[column]
        for line in lines
        if column in line and not isnan(line[column])
    }
