"""The main table as values: rows with means, marks and costs; `main_table_text` lays it out."""

from dataclasses import dataclass
from math import isnan

from negbench.evaluation.metric_names import Metric

from ..number_format import metric_label
from ..runs.frames import REFERENCE
from ..runs.notes import Note


@dataclass(frozen=True)
class MetricColumn:
    """A metric on one band of items, or on all."""

    metric: Metric
    band: str

    @property
    def name(self) -> str:
        """The key of the column in machine-readable forms: ndcg@20 or ndcg@20/tail."""
        return str(self.metric) if self.band == "all" else f"{self.metric}/{self.band}"

    @property
    def header(self) -> str:
        """The header for readers: NDCG@20, or the band's name."""
        return metric_label(self.metric) if self.band == "all" else self.band

    @property
    def full_header(self) -> str:
        """The header where bands do not stand beside their metric: NDCG@20 tail."""
        label = metric_label(self.metric)
        return label if self.band == "all" else f"{label} {self.band}"


@dataclass(frozen=True)
class Entry:
    """Mean and standard deviation over seeds; `best` if no row of the block has a higher one.

    References count, and rows that never left their warm-up do not.
    """

    mean: float
    std: float
    best: bool = False


@dataclass(frozen=True)
class Row:
    """A row of the table: a method or a reference model."""

    label: str
    method: str
    variant: str
    kind: str
    seeds: int
    expected: int
    entries: tuple[Entry, ...]
    epoch: float = float("nan")
    """Seconds an epoch, by the clock of the row."""
    clock: str = ""
    """CPU or wall; empty where nothing was trained."""
    cpu: float = float("nan")
    wall: float = float("nan")
    """Seconds an epoch on both clocks."""
    fnr: float = float("nan")
    """Share of the used negatives that the user would have liked."""
    fnr_low: float = float("nan")
    """The exact 95 % interval of its count, to `fnr_high`."""
    fnr_high: float = float("nan")
    baseline: str = ""
    """The row that it is compared with; empty where there is none."""
    verdict: str = ""
    p_corrected: float = float("nan")
    tied: bool = False
    cells: int = 0
    """Finished cells that were trained."""
    capped: int = 0
    """How many of them were still rising when the budget ended."""
    warm_up_only: bool = False
    """Whether the method's own phase began in no cell that was kept."""
    budget_mark: str = ""
    """Behind the label: ^ still rising when the budget ended, ~ warm-up only."""
    trials: int = 0
    """How many settings its search tried; 0 where it was not tuned, 1 with nothing to search."""
    protocols: tuple[str, ...] = ()
    """Hash of the protocol of its search, one a split."""

    @property
    def whole(self) -> bool:
        """Whether every seed finished; else the row has no mean."""
        return self.seeds >= self.expected

    @property
    def count(self) -> str:
        """How many seeds of an incomplete row finished: (2/3)."""
        return "" if self.whole else f" ({self.seeds}/{self.expected})"

    @property
    def mark(self) -> str:
        """`*` better than the baseline, `v` worse, and `=` best or tied with the best."""
        return {"better": "*", "worse": "v"}.get(self.verdict, "") + ("=" if self.tied else "")


@dataclass(frozen=True)
class Block:
    """One data set and backbone."""

    dataset: str
    backbone: str
    rows: tuple[Row, ...]
    notes: tuple[Note, ...]
    headline: str = ""
    """The first thing to say of the block: does any method beat the references?"""

    @property
    def title(self) -> str:
        """The heading of the block."""
        return f"{self.dataset} · {self.backbone}"

    @property
    def methods(self) -> tuple[Row, ...]:
        """The rows of the methods."""
        return tuple(row for row in self.rows if row.kind != REFERENCE)

    @property
    def references(self) -> tuple[Row, ...]:
        """The rows of the reference models."""
        return tuple(row for row in self.rows if row.kind == REFERENCE)


@dataclass(frozen=True)
class MainTable:
    """The whole main table."""

    metric: Metric
    vs: str
    """The row that others are compared with, or the word of several (`runs/baselines.py`)."""
    columns: tuple[MetricColumn, ...]
    blocks: tuple[Block, ...]
    notes: tuple[Note, ...]

    @property
    def has_fn_rates(self) -> bool:
        """Whether any row has a false-negative rate."""
        return any(not isnan(row.fnr) for block in self.blocks for row in block.rows)

    @property
    def primary(self) -> int:
        """The place of the tested metric among the columns."""
        return self.columns.index(MetricColumn(self.metric, "all"))
