"""What a row costs and risks over all blocks: seconds, false negatives, budget and tuning.

cost factor   geometric mean over blocks of its seconds an epoch over those of its baseline
seconds       mean over blocks of the seconds of one run, probes and evaluation among them;
              a search of its settings is not counted
fn_lift       mean over blocks of its false negatives over those of uniform draws

Seconds of rows that ran on other machines, or with other numbers of threads, do not compare: there
neither of the first two is known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, geometric_mean

import pandas as pd

from ..measures.cost import CPU, WALL, cost
from ..measures.false_negatives import LOWER, false_negatives
from ..runs.frames import REFERENCE, Run
from ..tables.main_table_values import MainTable, Row
from .standings import BlockTests

NAN = float("nan")
Values = Mapping[tuple[str, str, str], float]
"""A value of each data set, backbone and row; a reference has the backbone `reference`."""


@dataclass(frozen=True)
class RowFacts:
    """One row over the blocks that hold it; NaN where a value is unknown in any of them."""

    row: str
    kind: str
    cost_factor: float
    seconds: float
    clock: str
    """CPU or wall: whose seconds these are, the same of all rows."""
    fn_lift: float
    held_out_only: bool
    """Whether the false negatives are counted on held-out positives, a part of the true ones."""
    cells: int
    capped: int
    """How many of its trained cells were still rising when their budget ended."""
    trials: int
    """How many settings its searches tried, the fewest of a block where it was tuned; else 0."""
    untuned: int
    """In how many blocks it was not tuned, and no other row of the block was."""
    blocks: int


def row_facts(
    run: Run, table: MainTable, blocks: Sequence[BlockTests], labels: Sequence[str]
) -> dict[str, RowFacts]:
    """The facts of these rows, which every block holds."""
    costs, risks = cost(run, table.vs), false_negatives(run)
    trained = costs[costs["kind"] != REFERENCE]
    clock = CPU if (trained["clock"] == CPU).all() else WALL
    factor = _column(costs.assign(ratio=costs["ratio"].where(costs["alike"])), "ratio")
    seconds = (
        _column(costs, "cpu_total" if clock == CPU else "total") if _alike(costs, blocks) else {}
    )
    lift, bounded = _column(risks, "fnr_lift"), set(risks.loc[risks["knowledge"] == LOWER, "row"])
    facts = {}
    for label in labels:
        rows = [block.rows[label] for block in blocks]
        keys = [_key(block, label) for block in blocks]
        facts[label] = RowFacts(
            row=label,
            kind=rows[0].kind,
            cost_factor=_geometric([factor.get(key, NAN) for key in keys]),
            seconds=fmean(seconds.get(key, NAN) for key in keys),
            clock=clock,
            fn_lift=fmean(lift.get(key, NAN) for key in keys),
            held_out_only=label in bounded,
            cells=sum(row.cells for row in rows),
            capped=sum(row.capped for row in rows),
            trials=min((row.trials for row in rows if row.trials), default=0),
            untuned=sum(not row.trials for row in rows),
            blocks=len(rows),
        )
    return facts


def marks(row: RowFacts) -> str:
    """What a sentence on a row must say of it, in brackets: its tuning, and a budget too small.

    Rows of one data set were all tuned, or none was (`runs/comparability.py`).
    """
    if row.untuned == row.blocks:
        clauses = ["untuned, as every row"]
    else:
        clauses = [f"{row.trials} trials" if row.trials > 1 else "nothing to tune"]
    if 0 < row.untuned < row.blocks:
        clauses.append(f"untuned, as every row, in {row.untuned} of {row.blocks} blocks")
    if row.capped:
        clauses.append(f"still rising in {row.capped} of {row.cells} cells")
    return f"({'; '.join(clauses)})"


def _key(block: BlockTests, label: str) -> tuple[str, str, str]:
    row: Row = block.rows[label]
    dataset, backbone = block.where
    return dataset, REFERENCE if row.kind == REFERENCE else backbone, label


def _alike(costs: pd.DataFrame, blocks: Sequence[BlockTests]) -> bool:
    """Whether all rows of each block ran on the same machines, with as many threads."""
    machines = {
        (line["dataset"], line["backbone"], line["row"]): line["machines"]
        for line in costs.to_dict("records")
    }
    of_blocks = [{machines.get(_key(block, label)) for label in block.rows} for block in blocks]
    return all(len(each) == 1 for each in of_blocks)


def _column(frame: pd.DataFrame, name: str) -> Values:
    keys = frame[["dataset", "backbone", "row"]].itertuples(index=False, name=None)
    return dict(zip(keys, frame[name].astype(float), strict=True))


def _geometric(values: Sequence[float]) -> float:
    """The geometric mean; NaN where a value is unknown or not above 0."""
    return geometric_mean(values) if all(value > 0 for value in values) else NAN
