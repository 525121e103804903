"""Standings: in how many blocks each row is told to be above or below others, and by how much.

A block is one data set and backbone, and each has the tests of all its pairs of rows
(`statistics/told_apart.py`); here their answers are counted, and nothing is tested anew. What is
told over users alone, with one seed, is counted against a row and never for it. Only rows that
every block holds have a standing, but any row of a block may be above them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from ..runs.frames import REFERENCE, Run
from ..statistics.rank_intervals import ranked
from ..statistics.told_apart import ToldApart, Where, told_apart
from ..tables.main_table_values import MainTable, MetricColumn, Row

NAN = float("nan")


@dataclass(frozen=True, eq=False)
class BlockTests:
    """One block on one measure: the means of its rows, and which of two rows is above."""

    where: Where
    rows: Mapping[str, Row]
    """The rows that can be ranked, by label; none that is warm-up only, or lacks a seed."""
    means: Mapping[str, float]
    sides: NDArray[np.int64]
    """[rows, rows], 1 where the row of the line is told to be above that of the column, else -1, 0.
    """
    covers_seeds: bool

    @property
    def labels(self) -> list[str]:
        """The rows in the order of `sides`."""
        return list(self.rows)

    @property
    def best_reference(self) -> str:
        """The reference with the highest mean, the first by name of equals; "" without any."""
        known = sorted(label for label, row in self.rows.items() if row.kind == REFERENCE)
        return max(known, key=lambda label: self.means[label], default="")

    @property
    def tells(self) -> bool:
        """Whether any two rows are told apart, by a test that counts the seeds."""
        return self.covers_seeds and bool(self.sides.any())

    def side(self, row: str, other: str) -> int:
        """1 if `row` is told to be above `other`, -1 if below; 0 also where either is not here."""
        if row not in self.rows or other not in self.rows:
            return 0
        return int(self.sides[self.labels.index(row), self.labels.index(other)])

    def above(self, row: str, other: str) -> bool:
        """Whether `row` is told to be above `other` by a test that counts the seeds."""
        return self.covers_seeds and self.side(row, other) > 0

    def gain(self, row: str, other: str) -> float:
        """The difference of the means as a share of that of `other`; NaN where that is unknown."""
        base = self.means.get(other, NAN)
        return (self.means[row] - base) / base if base > 0 else NAN


@dataclass(frozen=True)
class Standing:
    """How one row stands on one measure over all blocks."""

    row: str
    kind: str
    blocks: int
    unbeaten: int
    """Blocks in which no row is told to be above it."""
    above_base: int
    """Blocks in which it is told to be above its baseline."""
    above_reference: int
    """Blocks in which it is told to be above the reference with the highest mean."""
    mean: float
    """Mean over the blocks."""
    rank: float
    """Mean rank among the rows that every block holds, 1 the highest."""
    rank_low: float
    rank_high: float
    """The means of the ends of its ranks' intervals: the places that the tests leave open."""
    bases: tuple[str, ...]
    """By block: its baseline, "" where it has none."""
    base_gains: tuple[float, ...]
    """By block: the gain over the baseline as a share of it."""
    reference_gains: tuple[float, ...]
    level: tuple[str, ...]
    """The rows that it is told apart from in no block."""


def blocks_on(run: Run, table: MainTable, band: str) -> list[BlockTests]:
    """The tests of each block of the table, on a band or on all items; no block without a method.

    The table is that of the run and holds the band as a column.
    """
    column = table.columns.index(MetricColumn(table.metric, band))
    tests = told_apart(run, table.metric, band)
    blocks = []
    for block in table.blocks:
        if (where := (block.dataset, block.backbone)) in tests:
            rows = [row for row in block.rows if not row.warm_up_only]
            means = {row.label: row.entries[column].mean for row in rows}
            blocks.append(_block(where, rows, means, tests[where]))
    return blocks


def _block(
    where: Where, rows: Sequence[Row], means: Mapping[str, float], tests: ToldApart
) -> BlockTests:
    known = sorted(
        (row for row in rows if row.label in tests.names and not np.isnan(means[row.label])),
        key=lambda row: row.label,
    )
    labels = [row.label for row in known]
    by_label = dict(zip(labels, known, strict=True))
    held = {label: means[label] for label in labels}
    return BlockTests(where, by_label, held, tests.sides(labels), tests.covers_seeds)


def common(blocks: Sequence[BlockTests]) -> list[str]:
    """The rows that every block holds, by name."""
    return sorted(set.intersection(*(set(block.rows) for block in blocks))) if blocks else []


def standings(blocks: Sequence[BlockTests]) -> list[Standing]:
    """The standing of each row that every block holds, the best mean rank first."""
    labels = common(blocks)
    places = [_places(block, labels) for block in blocks]
    lines = [
        _standing(blocks, labels, label, [each[at] for each in places])
        for at, label in enumerate(labels)
    ]
    return sorted(lines, key=lambda line: (line.rank, line.row))


def _places(block: BlockTests, labels: Sequence[str]) -> list[tuple[float, float, float]]:
    """Rank and its interval of each of these rows among them."""
    at = [block.labels.index(label) for label in labels]
    sides = block.sides[np.ix_(at, at)]
    ranks = ranked([[block.means[label] for label in labels]])[0]
    low, high = 1 + (sides < 0).sum(axis=1), len(labels) - (sides > 0).sum(axis=1)
    return [(float(r), float(a), float(b)) for r, a, b in zip(ranks, low, high, strict=True)]


def _standing(
    blocks: Sequence[BlockTests],
    labels: Sequence[str],
    row: str,
    places: Sequence[tuple[float, float, float]],
) -> Standing:
    bases = [block.rows[row].baseline for block in blocks]
    pairs = list(zip(blocks, bases, strict=True))
    rank, low, high = (fmean(place[at] for place in places) for at in range(3))
    return Standing(
        row=row,
        kind=blocks[0].rows[row].kind,
        blocks=len(blocks),
        unbeaten=sum((block.sides[block.labels.index(row)] >= 0).all() for block in blocks),
        above_base=sum(block.above(row, base) for block, base in pairs),
        above_reference=sum(block.above(row, block.best_reference) for block in blocks),
        mean=fmean(block.means[row] for block in blocks),
        rank=rank,
        rank_low=low,
        rank_high=high,
        bases=tuple(bases),
        base_gains=tuple(block.gain(row, base) for block, base in pairs),
        reference_gains=tuple(block.gain(row, block.best_reference) for block in blocks),
        level=tuple(o for o in labels if o != row and not any(b.side(row, o) for b in blocks)),
    )
