"""Sentences of a verdict beyond who ranks best, one function each, from numbers alone.

Best rows by band of items and by quarter of users, false negatives, popularity bias, cost. A
sentence whose numbers are missing is empty.
"""

import numpy as np

from ..measures import bands
from ..measures.false_negatives import LOWER
from ..number_format import counted, listed, metric_label, seconds
from ..statistics.paired_tests import paired_t
from ..statistics.test_procedure import ALPHA
from .inputs import BlockInputs, Means


def best_by_band(block: BlockInputs) -> str:
    """The best row on each band, and the one with the highest balance over them."""
    names = [n for n in block.parts["bands"]["band"].unique() if n not in _NOT_BANDS]
    tops = {name: block.means("bands", band=name) for name in names}
    bests = [f"{n} items {_first(m)} ({m[_first(m)]:.4f})" for n, m in tops.items() if m]
    if not bests:
        return ""
    sentence = f"Best for {listed(bests)}."
    even, total = (block.means("bands", band=b) for b in (bands.BALANCE, bands.TOTAL))
    if not even or _first(even) not in total:
        return sentence
    row = _first(even)
    return (
        f"{sentence} Most even over the bands: {row} (balance {even[row]:.2f}, at "
        f"{metric_label(block.metric)} {total[row]:.4f})."
    )


def order_reversal(block: BlockInputs, best: str) -> str:
    """Whether the least popular items have another order of methods than the most popular."""
    names = [n for n in bands.names(block.run) if block.means("bands", band=n)]
    if len(names) < 2:
        return ""
    first, last = names[0], names[-1]
    head, tail = (block.means("bands", band=name) for name in (first, last))
    there = f"On {last} items the order turns:"
    if not _winners(head) & _winners(tail):
        lead, other = _first(tail), _first(head)
        if other not in tail:
            return f"{there} {lead} leads with {tail[lead]:.4f}, not {other} as on {first} items."
        return (
            f"{there} {lead} leads with {tail[lead]:.4f} and {other}, the best on {first} items, "
            f"has {tail[other]:.4f}{_chance(block, lead, other, last)}."
        )
    if best == block.vs or not all(row in m for row in (best, block.vs) for m in (head, tail)):
        return ""
    up, down = head[best] - head[block.vs], tail[best] - tail[block.vs]
    if up * down >= 0:
        return ""
    side, other = ("below", "above") if down < 0 else ("above", "below")
    return (
        f"{there} {best} is {side} {block.vs} there ({tail[best]:.4f} to {tail[block.vs]:.4f}) and "
        f"{other} it on {first} items{_chance(block, best, block.vs, last)}."
    )


def best_by_activity(block: BlockInputs) -> str:
    """Whether the least and the most active users are served best by different rows."""
    quarters = block.parts["activity"]["quarter"].unique()
    known = sorted(q for q in quarters if q != bands.TOTAL)
    if len(known) < 2:
        return ""
    low, high = (block.means("activity", quarter=quarter) for quarter in (known[0], known[-1]))
    if not low or not high or _winners(low) & _winners(high):
        return ""
    one, other = _first(low), _first(high)
    beside = f"; {one} {high[one]:.4f}" if one in high else ""
    return (
        f"The least active quarter of users is served best by {one} ({low[one]:.4f}), the most "
        f"active by {other} ({high[other]:.4f}{beside})."
    )


def false_negatives(block: BlockInputs, best: str) -> str:
    """The rows that train most and least on false negatives, and the best row's place."""
    lift, hard = block.means("risk", "fnr_lift"), block.means("risk", "fhnr")
    sentences = []
    if lift:
        bound = "lower bounds" if LOWER in set(block.parts["risk"]["knowledge"]) else "exact"
        top, low = _first(lift), _last(lift)
        met = f"False negatives ({bound}): {top} meets {_met(block, top)} what uniform draws would"
        sentences.append(f"{met}." if top == low else f"{met}, the most; {low} {_met(block, low)}.")
        if best != block.vs and best in lift and block.vs in lift:
            sentences.append(
                f"The best row, {best}, is {_side(lift[best], lift[block.vs])} {block.vs} in this "
                f"({lift[best]:.2f} to {lift[block.vs]:.2f})."
            )
    if len(hard) > 1:
        top, low = _first(hard), _last(hard)
        sentences.append(
            f"Of the hard negatives of {top} {_percent(hard[top])} are false, the most; of those "
            f"of {low} {_percent(hard[low])}, the least."
        )
    return " ".join(sentences)


def popularity_bias(block: BlockInputs, best: str) -> str:
    """Popularity and evenness of the best row's lists against the baseline's."""
    clauses = []
    for name, (more, less, same), form in _BIAS:
        values = block.means("bias", metric=name)
        if best == block.vs or best not in values or block.vs not in values:
            continue
        own, other = form.format(values[best]), form.format(values[block.vs])
        word = same if own == other else more if values[best] > values[block.vs] else less
        clauses.append(f"{word} ({_LABELS.get(name, name)} {own} to {other})")
    return f"Against {block.vs}, {best} {listed(clauses)}." if clauses else ""


def cost(block: BlockInputs, best: str) -> str:
    """Seconds an epoch of the best row, and its time to 95 % of its best value."""
    train, ratio = block.means("cost", "train"), block.means("cost", "ratio")
    sentence = ""
    if best != block.vs and best in train:
        sentence = f"An epoch of {best} takes {seconds(train[best])} s"
        sentence += f", {seconds(ratio[best])} times that of {block.vs}." if best in ratio else "."
    after, wall = block.means("time", "epochs"), block.means("time", "wall")
    if best not in after:
        return sentence
    reached = f"{best} reaches 95% of its best validation value after {_epochs(after, wall, best)}"
    if best != block.vs and block.vs in after:
        reached += f", {block.vs} after {_epochs(after, wall, block.vs)}"
    return f"{sentence} {reached}.".strip()


_NOT_BANDS = (bands.TOTAL, bands.BALANCE)
_LABELS = {"arp": "ARP", "gini": "Gini"}
_BIAS = (
    (
        "arp",
        ("shows more popular items", "shows less popular items", "shows items as popular"),
        "{:.1f}",
    ),
    (
        "gini",
        (
            "spreads exposure less evenly",
            "spreads exposure more evenly",
            "spreads exposure as evenly",
        ),
        "{:.3f}",
    ),
    (
        "coverage",
        (
            "covers more of the catalogue",
            "covers less of the catalogue",
            "covers as much of the catalogue",
        ),
        "{:.1%}",
    ),
)


def _first(means: Means) -> str:
    return next(iter(means))


def _last(means: Means) -> str:
    return list(means)[-1]


def _percent(share: float) -> str:
    """A share; rare things need a digit more."""
    return f"{share:.1%}" if share == 0 or share >= 0.01 else f"{share:.2%}"


def _met(block: BlockInputs, row: str) -> str:
    rate = block.means("risk", "fnr")
    share = f" ({_percent(rate[row])} of its negatives)" if row in rate else ""
    return f"{block.means('risk', 'fnr_lift')[row]:.2f} times{share}"


def _winners(means: Means) -> set[str]:
    top = max(means.values())
    return {row for row, value in means.items() if np.isclose(value, top, rtol=1e-9, atol=0)}


def _side(one: float, other: float) -> str:
    if f"{one:.2f}" == f"{other:.2f}":
        return "level with"
    return "above" if one > other else "below"


def _chance(block: BlockInputs, one: str, other: str, band: str) -> str:
    """Paired t test of a difference over the users of a band; one test, so uncorrected."""
    pairs = (block.users(one, band) - block.users(other, band)).dropna()
    if len(pairs) < 2:
        return ""
    p = paired_t(pairs.to_numpy())[1]
    if p >= ALPHA:
        return "; the difference there may be chance"
    p_text = "< 0.001" if p < 0.001 else f"= {p:.3f}"
    return f"; the difference there is beyond chance (paired t, uncorrected, p {p_text})"


def _epochs(after: Means, wall: Means, row: str) -> str:
    n = after[row]
    epochs = counted(int(n), "epoch") if n == int(n) else f"{n:.1f} epochs"
    return f"{epochs} ({seconds(wall[row])} s)" if row in wall else epochs
