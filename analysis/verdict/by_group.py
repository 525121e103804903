"""Sentences on whom the rows serve: best rows by band of items and by quarter of users.

Rows are picked by looking, so a difference on a band is tested with all pairs of the block
(`statistics/told_apart.py`) and a row that is not told apart from the best stands beside it.
Quarters of users are not tested, and the sentence says so.
"""

from ..measures import bands
from ..number_format import listed, metric_label, p_words
from ..statistics.told_apart import ToldApart
from ..tables.row_phrases import covered, named
from .inputs import BlockInputs, Means, winners


def best_by_band(block: BlockInputs) -> str:
    """The best row on each band, and the one with the highest balance over them."""
    names = [n for n in block.parts["bands"]["band"].unique() if n not in _NOT_BANDS]
    tops = {name: means for name in names if (means := block.means("bands", band=name))}
    if not tops:
        return ""
    bests = [
        f"{name} items {winners(means)[0]} ({means[winners(means)[0]]:.4f}"
        f"{_ties(block.tests(name), means)})"
        for name, means in tops.items()
    ]
    compared = dict.fromkeys(row for means in tops.values() for row in means)
    sentence = f"Best for {listed(bests)}{_covers(block)}{block.rising(compared)}."
    even, total = (block.means("bands", band=b) for b in (bands.BALANCE, bands.TOTAL))
    if not even or winners(even)[0] not in total:
        return sentence
    row = winners(even)[0]
    return (
        f"{sentence} Most even over the bands: {row} (balance {even[row]:.2f}, at "
        f"{metric_label(block.metric)} {total[row]:.4f}{_ties(block.tests(bands.BALANCE), even)})"
        f"{_covers(block)}{block.rising(even)}."
    )


def order_reversal(block: BlockInputs, best: str) -> str:
    """Whether the least popular items have another order of rows than the most popular."""
    shown = [n for n in block.parts["bands"]["band"].unique() if n not in _NOT_BANDS]
    names = [name for name in shown if block.means("bands", band=name)]
    if len(names) < 2:
        return ""
    head, tail = (block.means("bands", band=name) for name in (names[0], names[-1]))
    lead, other = winners(tail)[0], winners(head)[0]
    if not set(winners(head)) & set(winners(tail)) and lead in head and other in tail:
        return _turn(block, lead, other, names[0], names[-1])
    base = block.base(best)
    if best == base or not all(row in m for row in (best, base) for m in (head, tail)):
        return ""
    up, down = head[best] - head[base], tail[best] - tail[base]
    if up * down >= 0:
        return ""
    pair = (best, base) if down > 0 else (base, best)
    return _turn(block, *pair, names[0], names[-1])


def best_by_activity(block: BlockInputs) -> str:
    """Whether the least and the most active users are served best by different rows."""
    quarters = block.parts["activity"]["quarter"].unique()
    known = sorted(q for q in quarters if q != bands.TOTAL)
    if len(known) < 2:
        return ""
    low, high = (block.means("activity", quarter=quarter) for quarter in (known[0], known[-1]))
    if not low or not high or set(winners(low)) & set(winners(high)):
        return ""
    one, other = winners(low)[0], winners(high)[0]
    beside = f"; {one} {high[one]:.4f}" if one in high else ""
    return (
        f"The least active quarter of users has its highest mean with {listed(winners(low))} "
        f"({low[one]:.4f}), the most active with {listed(winners(high))} ({high[other]:.4f}"
        f"{beside}); these differences are not tested{block.rising({**low, **high})}."
    )


_NOT_BANDS = (bands.TOTAL, bands.BALANCE)


def _turn(block: BlockInputs, lead: str, other: str, first: str, last: str) -> str:
    """`lead` is higher on the last band, and `other` on the first: is it so beyond doubt?"""
    head, tail = (block.means("bands", band=band) for band in (first, last))
    tests = {band: block.tests(band) for band in (first, last)}
    values = (
        f"{lead} is above {other} there ({tail[lead]:.4f} to {tail[other]:.4f}) and below it on "
        f"{first} items ({head[lead]:.4f} to {head[other]:.4f})"
    )
    open_bands = [band for band, p in tests.items() if p is None or not p.side(lead, other)]
    end = f"{_covers(block)}{block.rising((lead, other))}."
    if open_bands:
        where = " and ".join(open_bands)
        return (
            f"The highest on {last} items is not that on {first} items: {values}, but the two are "
            f"not told apart on {where} items{end}"
        )
    p_values = " and ".join(p_words(p.p_of(lead, other)) for p in tests.values() if p is not None)
    return f"On {last} items the order turns: {values}; told apart on both ({p_values}){end}"


def _ties(tested: ToldApart | None, means: Means) -> str:
    """The rows that are not told apart from the best one."""
    top = winners(means)[0]
    if tested is None:
        equal = winners(means)[1:]
        return f", as {listed(equal)}" if equal else ""
    ties = tested.untold(top, means)
    return f", not told apart from {named(ties)}" if ties else ""


def _covers(block: BlockInputs) -> str:
    tested = block.tests(bands.TOTAL)
    return covered(tested.covers_seeds) if tested is not None else ""
