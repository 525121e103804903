"""Sentences of a verdict on how the rows train and what they show, from numbers alone.

False negatives, popularity bias, cost. They describe what was counted and are not tested, so they
speak of no chance. A sentence whose numbers are missing is empty.
"""

from collections.abc import Iterable, Sequence

from ..measures.false_negatives import LOWER
from ..number_format import counted, fixed, listed, seconds
from ..tables.row_phrases import named
from .inputs import BlockInputs, Means, winners


def false_negatives(block: BlockInputs, best: str) -> str:
    """The rows that train most and least on false negatives, and the best method's place."""
    base = block.base(best)
    lift, hard = block.means("risk", "fnr_lift"), block.means("risk", "fhnr")
    # Held-out positives are a part of the true ones, and every sentence has to say so.
    bounded = LOWER in set(block.parts["risk"]["knowledge"])
    sentences = []
    if lift:
        counted_on = "on held-out positives, so shares are lower bounds" if bounded else "exact"
        tops, low = winners(lift), list(lift)[-1]
        most = f"{listed(tops)} met {_met(block, tops)} what uniform draws would"
        if low not in tops:
            most += f", the most{_level(block, 'fnr', tops[0], lift)}; {low} {_met(block, [low])}"
            most += f", the least{_level(block, 'fnr', low, lift)}"
        sentences.append(f"False negatives ({counted_on}): {most}{block.rising(lift)}.")
        if best != base and best in lift and base in lift:
            counted_on = "on held-out positives; " if bounded else ""
            sentences.append(
                f"The best method, {best}, met {lift[best]:.2f} times the false negatives of "
                f"uniform draws, {base} {lift[base]:.2f} times ({counted_on}"
                f"{_apart(block, 'fnr', best, base)}){block.rising((best, base))}."
            )
    if len(hard) > 1:
        top, low = winners(hard)[0], list(hard)[-1]
        # No "at least": the share itself is an estimate, and its interval reaches below it.
        false = "held-out positives (a lower bound of the false ones)" if bounded else "false"
        sentences.append(
            f"Of the hard negatives of {top} {_percent(hard[top])} are {false}, "
            f"the most{_level(block, 'fhnr', top, hard)}; of those of {low} "
            f"{_percent(hard[low])}, the least{_level(block, 'fhnr', low, hard)}"
            f"{block.rising(hard)}."
        )
    return " ".join(sentences)


def popularity_bias(block: BlockInputs, best: str) -> str:
    """Popularity and evenness of the best method's lists against the baseline's."""
    base, clauses = block.base(best), []
    for name, (more, less, same), form in _BIAS:
        values = block.means("bias", metric=name)
        if best == base or best not in values or base not in values:
            continue
        own, other = form.format(values[best]), form.format(values[base])
        word = same if own == other else more if values[best] > values[base] else less
        clauses.append(f"{word} ({_LABELS.get(name, name)} {own} to {other})")
    if not clauses:
        return ""
    return f"Against {base}, {best} {listed(clauses)}{block.rising((best, base))}."


def cost(block: BlockInputs, best: str) -> str:
    """Seconds an epoch of the best method, and its time to 95 % of its best value."""
    base = block.base(best)
    train, ratio = block.means("cost", "seconds"), block.means("cost", "ratio")
    sentence = ""
    if best != base and best in train:
        sentence = f"An epoch of {best} takes {seconds(train[best])} {block.rows[best].clock} s"
        alike = block.means("cost", "alike").get(best, 0.0)
        apart = "" if alike else ", which ran on another machine or number of threads"
        times = f", {seconds(ratio[best])} times that of {base}{apart}" if best in ratio else ""
        sentence += f"{times}."
    after, wall = block.means("time", "epochs"), block.means("time", "wall")
    if best not in after:
        return sentence
    reached = f"{best} reaches 95% of its best validation value after {_epochs(after, wall, best)}"
    rows = [best]
    if best != base and base in after:
        reached += f", {base} after {_epochs(after, wall, base)}"
        rows.append(base)
    return f"{sentence} {reached}{block.rising(rows)}.".strip()


OVERLAP = "95 % intervals overlap"
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


def _percent(share: float) -> str:
    """A share; rare things need a digit more."""
    return f"{fixed(100 * share, 1 if share == 0 or share >= 0.01 else 2)}%"


def _met(block: BlockInputs, rows: Sequence[str]) -> str:
    rate, whose = block.means("risk", "fnr"), "its" if len(rows) == 1 else "their"
    share = f" ({_percent(rate[rows[0]])} of {whose} negatives)" if rows[0] in rate else ""
    return f"{block.means('risk', 'fnr_lift')[rows[0]]:.2f} times{share}"


def _level(block: BlockInputs, rate: str, row: str, others: Iterable[str]) -> str:
    """The other rows whose intervals of the counts overlap that of a row."""
    level = [o for o in others if o != row and _apart(block, rate, row, o) == OVERLAP]
    return f" (95 % interval of its count overlaps that of {named(level)})" if level else ""


def _apart(block: BlockInputs, rate: str, one: str, other: str) -> str:
    """Whether the intervals of two rates overlap, as far as their counts were kept."""
    low, high = block.means("risk", f"{rate}_low"), block.means("risk", f"{rate}_high")
    if not {one, other} <= set(low) & set(high):
        return "not tested"
    overlap = low[one] <= high[other] and low[other] <= high[one]
    return OVERLAP if overlap else "95 % intervals do not overlap"


def _epochs(after: Means, wall: Means, row: str) -> str:
    n = after[row]
    epochs = counted(int(n), "epoch") if n == int(n) else f"{n:.1f} epochs"
    return f"{epochs} ({seconds(wall[row])} s)" if row in wall else epochs
