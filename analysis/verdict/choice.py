"""The rule by which a row is chosen over all blocks; where the tests do not carry one, none is.

A method passes if, in more than half of the blocks,

    no row is told to be above it,
    it is told to be above its baseline, and
    it is told to be above the best reference, where most blocks have any.

Of the methods that pass, those that no row is above in the most blocks are tied, and the cheapest
of them is the choice. Where no method is told to be above the best reference in more than half of
the blocks, a reference that meets the first two is the choice. Where training must be cheap, the
choice is the least seconds a run among all rows that no row is told to be above in the most blocks,
less those whose mean is below that of their baseline in half or more of the blocks: with few seeds
the tests tell little, and no row is told to be above one that is far behind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from math import inf, isnan, nan

from ..runs.frames import REFERENCE
from .standings import Standing


class Why(Enum):
    """Why there is no choice, or why it is a reference."""

    PASSES = auto()
    ONE_SEED = auto()
    NO_REFERENCE_BEATEN = auto()
    NONE_PASSES = auto()
    ALL_LEVEL = auto()
    NO_SECONDS = auto()
    BELOW_BASE = auto()


@dataclass(frozen=True)
class Choice:
    """The row that a rule chooses; none where `row` is empty."""

    row: str = ""
    tied: tuple[str, ...] = ()
    """The other rows that meet the rule as well; the choice is the cheapest of them."""
    why: Why = Why.PASSES
    closest: str = ""
    """Where there is none: the method that comes closest to passing."""


def best_choice(
    lines: Sequence[Standing], prices: Mapping[str, float], *, covered: int, referenced: int
) -> Choice:
    """The choice on one measure.

    `prices` are costs of the rows, NaN where unknown; `covered` counts the blocks whose tests count
    the seeds, and `referenced` those that have a reference.
    """
    asked = _most(referenced, lines)
    methods = [line for line in lines if line.kind != REFERENCE]
    if not methods or not _most(covered, lines):
        return Choice(why=Why.ONE_SEED if methods else Why.NONE_PASSES)
    beaten = [line for line in methods if not asked or _most(line.above_reference, lines)]
    passing = [line for line in beaten if _passes(line)]
    if passing:
        return _cheapest(passing, prices)
    if not beaten:
        references = [line for line in lines if line.kind == REFERENCE and _passes(line)]
        if references:
            top = _unbeaten(references)
            row = min(top, key=lambda line: (line.rank, line.row)).row
            tied = tuple(line.row for line in top if line.row != row)
            return Choice(row, tied, Why.NO_REFERENCE_BEATEN, _closest(methods, asked))
    why = Why.NONE_PASSES if beaten else Why.NO_REFERENCE_BEATEN
    return Choice(why=why, closest=_closest(methods, asked))


def cheap_choice(
    lines: Sequence[Standing], seconds: Mapping[str, float], *, telling: int
) -> Choice:
    """The least seconds a run among the rows that no row is told to be above, references too.

    None of them is below its baseline in half or more of the blocks. `telling` counts the blocks in
    which any two rows are told apart.
    """
    if not _most(telling, lines):
        return Choice(why=Why.ALL_LEVEL)
    level = [line for line in lines if _most(line.unbeaten, lines)]
    if not level:
        return Choice(why=Why.NONE_PASSES)
    level = [line for line in level if 2 * _below_base(line) < line.blocks]
    if not level:
        return Choice(why=Why.BELOW_BASE)
    if any(isnan(seconds.get(line.row, nan)) for line in _unbeaten(level)):
        return Choice(why=Why.NO_SECONDS)
    return _cheapest(level, seconds)


def _most(count: int, lines: Sequence[Standing]) -> bool:
    """Whether a count is more than half of the blocks."""
    return bool(lines) and 2 * count > lines[0].blocks


def _passes(line: Standing) -> bool:
    """Whether no row is above it, and it is above its baseline or is that, in most blocks."""
    is_base = line.kind == REFERENCE and set(line.bases) == {line.row}
    return 2 * line.unbeaten > line.blocks and (is_base or 2 * line.above_base > line.blocks)


def _below_base(line: Standing) -> int:
    """Blocks in which its mean is below that of its baseline; none where that is unknown."""
    return sum(gain < 0 for gain in line.base_gains)


def _unbeaten(lines: Sequence[Standing]) -> list[Standing]:
    """Those that no row is above in the most blocks."""
    most = max(line.unbeaten for line in lines)
    return [line for line in lines if line.unbeaten == most]


def _cheapest(lines: Sequence[Standing], prices: Mapping[str, float]) -> Choice:
    """The cheapest of the tied; of equal price the better mean rank, then the name."""

    def order(line: Standing) -> tuple[float, float, str]:
        price = prices.get(line.row, inf)
        return inf if isnan(price) else price, line.rank, line.row

    row, *tied = sorted(_unbeaten(lines), key=order)
    return Choice(row.row, tuple(line.row for line in tied))


def _closest(methods: Sequence[Standing], asked: bool) -> str:
    """The method whose counts come closest to passing; `asked` is whether references count."""

    def order(line: Standing) -> tuple[float, ...]:
        counts = [line.unbeaten, line.above_base]
        counts += [line.above_reference] if asked else []
        return -min(counts), -sum(counts), line.rank

    return min(methods, key=lambda line: (order(line), line.row)).row
