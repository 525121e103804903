"""Evidence: the frames that a verdict is drawn from, and what they say of one block.

All is read once for the whole run; a `Case` is the part of one data set and backbone, without the
references, which are guards and not candidates.
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
"""What a verdict looks at of the lists' popularity."""
Means = Mapping[str, float]
"""One number a row."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """The frames of a run that verdicts are drawn from, once for all blocks."""

    run: Run
    metric: Metric
    vs: str
    frames: Mapping[str, pd.DataFrame]

    @classmethod
    def of(cls, run: Run, metric: Metric, vs: str) -> "Evidence":
        """Everything that is asked for."""
        name = f"{metric[0]}@{metric[1]}"
        found = {
            "bands": bands.bands(run, name),
            "activity": bands.activity(run, name),
            "risk": false_negatives(run),
            "cost": cost(run, vs),
            "time": time_to(run),
            "bias": _bias_frame(run, metric[1]),
        }
        return cls(run, metric, vs, found)

    def at(self, dataset: str, backbone: str) -> "Case":
        """The same of the methods of one data set and backbone."""
        parts = {}
        for name, frame in self.frames.items():
            here = (frame["dataset"] == dataset) & (frame["backbone"] == backbone)
            parts[name] = frame[here & (frame["kind"] != REFERENCE)]
        return Case(self.run, self.metric, self.vs, dataset, backbone, parts)


@dataclass(frozen=True, eq=False)
class Case:
    """What speaks for and against the methods of one data set and backbone."""

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
        found = [
            frames.user_values(cell, *self.metric, band)
            for cell, label in self.run.done
            if (cell.spec["dataset"], cell.spec["backbone"], label) == here
        ]
        return pd.concat(found, axis=1).mean(axis=1) if found else pd.Series(dtype=float)


def _bias_frame(run: Run, k: int) -> pd.DataFrame:
    told = frames.results(run)
    wanted = told["metric"].isin(AUDIT)
    told = told[wanted & (told["split"] == "test") & (told["band"] == "all") & (told["k"] == k)]
    return over_seeds(run, told, by=("metric",))
