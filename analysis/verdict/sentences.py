"""Claims: what a verdict says beyond who ranks best, one function a claim, each from numbers alone.

For whom (bands of items, quarters of users), at what false-negative risk, with what bias to the
popular, at what cost. A claim whose numbers are missing is empty.
"""

import numpy as np

from ..measures import bands
from ..measures.false_negatives import LOWER
from ..number_format import counted, listed, seconds, spelled
from ..statistics.paired_tests import paired_t
from ..statistics.test_procedure import ALPHA
from .inputs import Case, Means


def whom(case: Case) -> str:
    """The best row on each band, and the one most even over them."""
    names = [n for n in case.parts["bands"]["band"].unique() if n not in _NOT_BANDS]
    tops = {name: case.means("bands", band=name) for name in names}
    said = [f"{n} items {_first(m)} ({m[_first(m)]:.4f})" for n, m in tops.items() if m]
    if not said:
        return ""
    told = f"Best for {listed(said)}."
    even, total = (case.means("bands", band=b) for b in (bands.BALANCE, bands.TOTAL))
    if not even or _first(even) not in total:
        return told
    row = _first(even)
    return (
        f"{told} Most even over the bands: {row} (balance {even[row]:.2f}, at "
        f"{spelled(*case.metric)} {total[row]:.4f})."
    )


def turn(case: Case, best: str) -> str:
    """Whether the conclusion on the least met items is another than on the most met."""
    names = [n for n in bands.names(case.run) if case.means("bands", band=n)]
    if len(names) < 2:
        return ""
    first, last = names[0], names[-1]
    head, tail = (case.means("bands", band=name) for name in (first, last))
    there = f"On {last} items the order turns:"
    if not _winners(head) & _winners(tail):
        lead, other = _first(tail), _first(head)
        if other not in tail:
            return f"{there} {lead} leads with {tail[lead]:.4f}, not {other} as on {first} items."
        return (
            f"{there} {lead} leads with {tail[lead]:.4f} and {other}, the best on {first} items, "
            f"has {tail[other]:.4f}{_chance(case, lead, other, last)}."
        )
    if best == case.vs or not all(row in m for row in (best, case.vs) for m in (head, tail)):
        return ""
    up, down = head[best] - head[case.vs], tail[best] - tail[case.vs]
    if up * down >= 0:
        return ""
    side, other = ("below", "above") if down < 0 else ("above", "below")
    return (
        f"{there} {best} is {side} {case.vs} there ({tail[best]:.4f} to {tail[case.vs]:.4f}) and "
        f"{other} it on {first} items{_chance(case, best, case.vs, last)}."
    )


def active(case: Case) -> str:
    """Whether the least and the most active users are served best by different rows."""
    found = case.parts["activity"]["quarter"].unique()
    known = sorted(q for q in found if q != bands.TOTAL)
    if len(known) < 2:
        return ""
    low, high = (case.means("activity", quarter=quarter) for quarter in (known[0], known[-1]))
    if not low or not high or _winners(low) & _winners(high):
        return ""
    one, other = _first(low), _first(high)
    beside = f"; {one} {high[one]:.4f}" if one in high else ""
    return (
        f"The least active quarter of users is served best by {one} ({low[one]:.4f}), the most "
        f"active by {other} ({high[other]:.4f}{beside})."
    )


def risk(case: Case, best: str) -> str:
    """Who trains most and least on false negatives, and where the best row stands."""
    lift, hard = case.means("risk", "fnr_lift"), case.means("risk", "fhnr")
    said = []
    if lift:
        bound = "lower bounds" if LOWER in set(case.parts["risk"]["knowledge"]) else "exact"
        top, low = _first(lift), _last(lift)
        met = f"False negatives ({bound}): {top} meets {_met(case, top)} what uniform draws would"
        said.append(f"{met}." if top == low else f"{met}, the most; {low} {_met(case, low)}.")
        if best != case.vs and best in lift and case.vs in lift:
            said.append(
                f"The best row, {best}, is {_side(lift[best], lift[case.vs])} {case.vs} in this "
                f"({lift[best]:.2f} to {lift[case.vs]:.2f})."
            )
    if len(hard) > 1:
        top, low = _first(hard), _last(hard)
        said.append(
            f"Of the hard negatives of {top} {_percent(hard[top])} are false, the most; of those "
            f"of {low} {_percent(hard[low])}, the least."
        )
    return " ".join(said)


def bias(case: Case, best: str) -> str:
    """How popular and how even the lists of the best row are against the baseline's."""
    said = []
    for name, (more, less, same), form in _BIAS:
        found = case.means("bias", metric=name)
        if best == case.vs or best not in found or case.vs not in found:
            continue
        own, other = form.format(found[best]), form.format(found[case.vs])
        word = same if own == other else more if found[best] > found[case.vs] else less
        said.append(f"{word} ({_SPELLED.get(name, name)} {own} to {other})")
    return f"Against {case.vs}, {best} {listed(said)}." if said else ""


def paid(case: Case, best: str) -> str:
    """What an epoch of the best row takes, and how soon it is nearly as good as it gets."""
    train, ratio = case.means("cost", "train"), case.means("cost", "ratio")
    said = ""
    if best != case.vs and best in train:
        said = f"An epoch of {best} takes {seconds(train[best])} s"
        said += f", {seconds(ratio[best])} times that of {case.vs}." if best in ratio else "."
    after, wall = case.means("time", "epochs"), case.means("time", "wall")
    if best not in after:
        return said
    told = f"{best} reaches 95% of its best validation value after {_epochs(after, wall, best)}"
    if best != case.vs and case.vs in after:
        told += f", {case.vs} after {_epochs(after, wall, case.vs)}"
    return f"{said} {told}.".strip()


_NOT_BANDS = (bands.TOTAL, bands.BALANCE)
_SPELLED = {"arp": "ARP", "gini": "Gini"}
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


def _met(case: Case, row: str) -> str:
    rate = case.means("risk", "fnr")
    share = f" ({_percent(rate[row])} of its negatives)" if row in rate else ""
    return f"{case.means('risk', 'fnr_lift')[row]:.2f} times{share}"


def _winners(means: Means) -> set[str]:
    top = max(means.values())
    return {row for row, value in means.items() if np.isclose(value, top, rtol=1e-9, atol=0)}


def _side(one: float, other: float) -> str:
    if f"{one:.2f}" == f"{other:.2f}":
        return "level with"
    return "above" if one > other else "below"


def _chance(case: Case, one: str, other: str, band: str) -> str:
    """Whether the users of a band bear out a difference; a single test, so uncorrected."""
    pairs = (case.users(one, band) - case.users(other, band)).dropna()
    if len(pairs) < 2:
        return ""
    p = paired_t(pairs.to_numpy())[1]
    if p >= ALPHA:
        return "; the difference there may be chance"
    said = "< 0.001" if p < 0.001 else f"= {p:.3f}"
    return f"; the difference there is beyond chance (paired t, uncorrected, p {said})"


def _epochs(after: Means, wall: Means, row: str) -> str:
    n = after[row]
    said = counted(int(n), "epoch") if n == int(n) else f"{n:.1f} epochs"
    return f"{said} ({seconds(wall[row])} s)" if row in wall else said
