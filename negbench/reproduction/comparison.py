"""Published and measured values side by side: differences, verdicts, and the order of a block."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

from negbench.reproduction.experiments import OURS, THEIRS, Way
from negbench.reproduction.measured import Measured, measured
from negbench.reproduction.order import DIGITS, Order, compare
from negbench.reproduction.targets import CHOSEN, UPPER, Block, Target, why_not

SEEDS = 3
"""A verdict is of the mean of so many seeds; of fewer it is for the time being."""


@dataclass(frozen=True)
class Line:
    """One row: as published, under their protocol and under ours."""

    block: Block
    row: Target
    theirs: Measured | None
    ours: Measured | None
    why: str
    """Why the row cannot be run here; empty where it can."""

    @property
    def chosen(self) -> str:
        """How the published number was selected: its mark, and whether that is an upper kind."""
        return self.row.selected + (" upper" if self.row.selected in UPPER else "")

    @property
    def selection(self) -> str:
        """The same in words."""
        words = CHOSEN[self.row.selected]
        upper = ": an upper kind of number" if self.row.selected in UPPER else ""
        return words + upper

    def difference(self, metric: int) -> float | None:
        """Ours under their protocol against the published value, relative to it."""
        if self.theirs is None or not self.row.values[metric]:
            return None
        return self.theirs.mean(metric) / self.row.values[metric] - 1

    @property
    def passed(self) -> bool | None:
        """Whether the row is reproduced: within the tolerance, or to the digit; None without cells.

        A tolerance is of the first metric; what is exact agrees in all.
        """
        if self.theirs is None:
            return None
        if self.row.exact:
            pairs = enumerate(self.row.values)
            return all(round(self.theirs.mean(at), DIGITS) == value for at, value in pairs)
        away = self.difference(0)
        return away is not None and isfinite(away) and abs(away) <= self.block.tolerance

    @property
    def verdict(self) -> str:
        """The verdict in words."""
        if self.theirs is None:
            return f"not run: {self.why}" if self.why else "no result yet"
        if self.row.exact:
            return "exact" if self.passed else "differs"
        words = [f"{'within' if self.passed else 'outside'} {self.block.tolerance * 100:g} %"]
        spread = self.theirs.spread(0)
        if not self.passed and spread:
            away = abs(self.theirs.mean(0) - self.row.values[0]) / spread
            words.append(f"{away:.1f} sd of the seeds")
        if len(self.theirs) < SEEDS and not self.row.reference:  # references have none
            words.append(f"{len(self.theirs)} of {SEEDS} seeds")
        return ", ".join(words)


@dataclass(frozen=True)
class Comparison:
    """A block with its lines."""

    block: Block
    lines: tuple[Line, ...]

    def orders(self) -> Iterator[tuple[str, str, Order]]:
        """(protocol, metric, order) of the rows that have results; two rows or more are needed.

        Exact rows are guards, not lines of the publication, and are left out.
        """
        rows = [each for each in self.lines if not each.row.exact]
        for protocol in (THEIRS, OURS):
            there = [(x, m) for x in rows if (m := getattr(x, protocol)) is not None]
            if len(there) < 2:
                continue
            for at, metric in enumerate(self.block.metrics):
                yield (
                    protocol,
                    metric,
                    compare(
                        [line.row.label for line, _ in there],
                        [line.row.values[at] for line, _ in there],
                        [values.mean(at) for _, values in there],
                    ),
                )

    @property
    def counts(self) -> tuple[int, int, int]:
        """Rows reproduced, rows with results under their protocol, and all rows."""
        verdicts = [each.passed for each in self.lines if each.passed is not None]
        return sum(verdicts), len(verdicts), len(self.lines)


def comparison(block: Block, rows: Sequence[Target], way: Way) -> Comparison:
    """What a folder holds of a block, beside the publication."""
    theirs, ours = (measured(block, rows, protocol, way) for protocol in (THEIRS, OURS))
    return Comparison(
        block,
        tuple(
            Line(block, row, theirs.get(row.name), ours.get(row.name), why_not(block, row))
            for row in rows
        ),
    )
