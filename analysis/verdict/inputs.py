"""Inputs of verdicts: the frames of a run, and their part of one data set and backbone.

All is read once for the whole run. References compete with the methods; rows that never left their
warm-up are left out, for they were not the methods that they are named after.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from negbench.errors import UserError
from negbench.evaluation.metric_names import Metric

from ..measures import bands
from ..measures.convergence import time_to
from ..measures.cost import cost
from ..measures.false_negatives import false_negatives
from ..runs import frames, recut
from ..runs.frames import REFERENCE, Run
from ..runs.over_seeds import over_seeds
from ..statistics.told_apart import ToldApart, told_apart
from ..tables.main_table_values import Block, Row
from ..tables.row_phrases import rising

AUDIT = ("arp", "gini", "coverage")
"""The measures of popularity bias in a verdict."""
Means = Mapping[str, float]
"""A mean of each row."""


@dataclass(frozen=True, eq=False)
class RunInputs:
    """The frames of a run that verdicts are computed from, for all blocks."""

    run: Run
    metric: Metric
    vs: str
    frames: Mapping[str, pd.DataFrame]

    @classmethod
    def of(cls, run: Run, metric: Metric, vs: str) -> "RunInputs":
        """Run every analysis that verdicts need."""
        results = {
            "bands": bands.bands(run, metric),
            "activity": bands.activity(run, metric),
            "risk": false_negatives(run),
            "cost": cost(run, vs),
            "time": time_to(run),
            "bias": _bias_frame(run, metric.k),
        }
        return cls(run, metric, vs, results)

    def at(self, block: Block) -> "BlockInputs":
        """The part of one data set and backbone."""
        where = (block.dataset, block.backbone)
        left_out = {row.label for row in block.rows if row.warm_up_only}
        parts = {}
        for name, frame in self.frames.items():
            here = (frame["dataset"] == where[0]) & frame["backbone"].isin([where[1], REFERENCE])
            parts[name] = frame[here & ~frame["row"].isin(left_out)]
        return BlockInputs(
            self.metric,
            self.vs,
            parts,
            {row.label: row for row in block.rows},
            lambda band: told_apart(self.run, self.metric, band).get(where),
        )


@dataclass(frozen=True, eq=False)
class BlockInputs:
    """The frames of one data set and backbone, its rows, and the tests between them."""

    metric: Metric
    vs: str
    parts: Mapping[str, pd.DataFrame]
    rows: Mapping[str, Row]
    tests: Callable[[str], ToldApart | None]
    """The tests of all pairs on all items, on a band, or on the balance over bands."""

    def means(self, part: str, column: str = "mean", **where: str) -> Means:
        """The known values of a column by row, the highest first; ties by name."""
        frame = self.parts[part]
        for name, value in where.items():
            frame = frame[frame[name] == value]
        if column not in frame:
            return {}
        known = frame.dropna(subset=[column]).sort_values(
            [column, "row"], ascending=[False, True], kind="stable"
        )
        return {str(row): float(value) for row, value in known.set_index("row")[column].items()}

    def base(self, row: str) -> str:
        """The label of a row's baseline; of no row where it has none."""
        return (self.rows[row].baseline if row in self.rows else "") or self.vs

    def rising(self, labels: Iterable[str]) -> str:
        """The clause on those of the compared rows that were still rising."""
        return rising([self.rows[label] for label in labels if label in self.rows])


def winners(means: Means) -> list[str]:
    """The rows with the highest value; several if they are equal."""
    top = max(means.values())
    return [row for row, value in means.items() if np.isclose(value, top, rtol=1e-9, atol=0)]


def _bias_frame(run: Run, k: int) -> pd.DataFrame:
    try:
        lines = recut.bias_lines(run, k)
    except UserError:  # the lists are shorter than that K: nothing is said of them
        lines = frames.results(run).iloc[:0]
    here = lines["metric"].isin(AUDIT) & (lines["band"] == "all") & (lines["k"] == k)
    return over_seeds(run, lines[here], by=("metric",))
