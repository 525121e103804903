"""The main table as values: what `table` gathers and `layouts` and the report lay out."""

from dataclasses import dataclass
from math import isnan

from negbench.evaluation.metric_names import Metric

from ..number_format import percent, seconds, spelled, spread
from ..runs.frames import REFERENCE


@dataclass(frozen=True)
class Column:
    """A metric, its K and its band, and how the head of the table says it."""

    metric: str
    k: int
    band: str

    @property
    def name(self) -> str:
        """The key of the column in machine-readable forms: ndcg@20 or ndcg@20/tail."""
        whole = f"{self.metric}@{self.k}"
        return whole if self.band == "all" else f"{whole}/{self.band}"

    @property
    def head(self) -> str:
        """The head for readers: NDCG@20, or the band's name."""
        return spelled(self.metric, self.k) if self.band == "all" else self.band


@dataclass(frozen=True)
class Entry:
    """A mean and its spread; `best` where no method of the block has a higher mean."""

    mean: float
    std: float
    best: bool = False

    @property
    def said(self) -> str:
        """Mean ± standard deviation, or "-"."""
        return spread(self.mean, self.std)


@dataclass(frozen=True)
class Line:
    """A row of the table."""

    label: str
    method: str
    variant: str
    kind: str
    seeds: int
    expected: int
    entries: tuple[Entry, ...]
    epoch: float = float("nan")
    """Wall seconds an epoch."""
    fnr: float = float("nan")
    """Share of the used negatives that the user would have liked."""
    verdict: str = ""
    p_holm: float = float("nan")
    tied: bool = False

    @property
    def whole(self) -> bool:
        """Whether every seed finished; else the row has no mean."""
        return self.seeds >= self.expected

    @property
    def count(self) -> str:
        """How many seeds of a half row are there: (2/3)."""
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
    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    protocol: tuple[str, ...] = ()
    """Those of the notes that a caption must not do without: split, exclusion, seeds."""

    @property
    def methods(self) -> tuple[Line, ...]:
        """The rows that were compared."""
        return tuple(line for line in self.lines if line.kind != REFERENCE)

    @property
    def references(self) -> tuple[Line, ...]:
        """The guard rows."""
        return tuple(line for line in self.lines if line.kind == REFERENCE)


@dataclass(frozen=True)
class Table:
    """The whole table, ready to be laid out."""

    metric: Metric
    vs: str
    columns: tuple[Column, ...]
    blocks: tuple[Block, ...]
    notes: tuple[str, ...]
    protocol: tuple[str, ...] = ()
    """Those of the notes that a caption must not do without: test, correction, K."""

    @property
    def watched(self) -> bool:
        """Whether any row knows its rate of false negatives."""
        return any(not isnan(line.fnr) for block in self.blocks for line in block.lines)

    @property
    def last_heads(self) -> list[str]:
        """The heads behind the metrics."""
        return [*(["FN rate"] if self.watched else []), "s/epoch"]

    def last_values(self, line: Line) -> list[str]:
        """What stands under them."""
        return [*([percent(line.fnr)] if self.watched else []), seconds(line.epoch)]

    @property
    def primary(self) -> int:
        """The place of the tested metric among the columns."""
        return self.columns.index(Column(*self.metric, "all"))
