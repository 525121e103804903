"""Inputs of verdicts: the frames of a run, and their part of one data set and backbone.

All is read once for the whole run. References are left out, for verdicts choose among methods.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from negbench.evaluation.metric_names import Metric

from ..measures import bands
from ..measures.convergence import time_to
from ..measures.cost import cost
from ..measures.false_negatives import false_negatives
from ..runs import frames
from ..runs.frames import REFERENCE, Run
from ..runs.over_seeds import over_seeds

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

    def at(self, dataset: str, backbone: str) -> "BlockInputs":
        """The part of one data set and backbone, without references."""
        parts = {}
        for name, frame in self.frames.items():
            here = (frame["dataset"] == dataset) & (frame["backbone"] == backbone)
            parts[name] = frame[here & (frame["kind"] != REFERENCE)]
        return BlockInputs(self.run, self.metric, self.vs, dataset, backbone, parts)


@dataclass(frozen=True, eq=False)
class BlockInputs:
    """The frames of the methods of one data set and backbone."""

    run: Run
    metric: Metric
    vs: str
    dataset: str
    backbone: str
    parts: Mapping[str, pd.DataFrame]

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

    def users(self, row: str, band: str = "all") -> pd.Series:
        """The value of each user of a row, over seeds."""
        here = (self.dataset, self.backbone, row)
        values = [
            frames.user_values(cell, self.metric, band)
            for cell, label in self.run.done
            if (cell.spec["dataset"], cell.spec["backbone"], label) == here
        ]
        return pd.concat(values, axis=1).mean(axis=1) if values else pd.Series(dtype=float)


def _bias_frame(run: Run, k: int) -> pd.DataFrame:
    results = frames.results(run)
    here = results["metric"].isin(AUDIT) & (results["split"] == "test")
    here &= (results["band"] == "all") & (results["k"] == k)
    return over_seeds(run, results[here], by=("metric",))
