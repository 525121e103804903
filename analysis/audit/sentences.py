"""Sentences of an audit: who gains, who loses, by how much, how sure.

For readers who know no terms. Each is true when it is quoted alone: it names the system with its
caveats, the metric, what it is set against, and its interval. Nobody is named a loser unless the
whole interval is on one side.
"""

from collections.abc import Sequence

from ..number_format import listed, metric_label, number
from .findings import BlockFindings, GroupLine, Share, SystemFindings
from .user_groups import ACTIVITY, TASTE
from .words import covers, interval, percent, points, signed, times


def warning(numbers: BlockFindings) -> str:
    """The warning on top where no system is shown to beat the most popular items; else empty."""
    best = numbers.nearest
    if best is None or best.gain.side > 0:
        return ""
    metric = metric_label(numbers.block.audience.metric)
    better = [each.name for each in numbers.overviews if each.gain.side > 0]
    none = f"no method here (but {listed(better)})" if better else "nothing here"
    return (
        f"WARNING: {none} is shown to be more accurate than showing everybody the most popular "
        f"items. The nearest is {best.label}: {metric} {signed(best.gain.value)} "
        f"{interval(best.gain, signed)} against them. Until something beats them, what follows "
        "describes lists that a simple count may serve as well."
    )


def in_short(numbers: BlockFindings, system: SystemFindings) -> str:
    """The findings on a system in one sentence without numbers; the others give them."""
    view = system.overview
    if not view.accuracy.known:
        return ""
    how = {
        1: "serves users better than",
        -1: "serves users worse than",
        0: "is not clearly better or worse for users than",
    }[view.gain.side]
    parts = [f"{view.label} {how} the most popular items"]
    taste = [line for line in system.users if line.by == TASTE]
    for side, verb in ((1, "gain"), (-1, "lose")):
        those = [_users(line) for line in taste if line.gain.side == side]
        parts += [f"{listed(those)} {verb}"] if those else []
    worst = min(taste, key=lambda line: line.accuracy.value, default=None)
    if worst is not None and worst.apart.side < 0:
        parts.append(f"{_users(worst)} are served worst")
    lean = (view.lift.low > 1) - (view.lift.high < 1)
    words = {1: "more", -1: "less", 0: "not clearly more or less"}[lean]
    parts.append(f"its lists hold {words} popular items than these users chose")
    return f"In short: {'; '.join(parts)} ({covers(system.n_seeds)})."


def accuracy(numbers: BlockFindings, system: SystemFindings) -> str:
    """The accuracy of a system against the most popular items and random lists."""
    view, (_, popular, random) = system.overview, numbers.anchors
    metric = metric_label(numbers.block.audience.metric)
    if not view.accuracy.known:
        return (
            f"Accuracy of {view.name} is unknown: no test pairs were given, so nothing here says "
            "whether the lists are any good."
        )
    how = {1: "more accurate than", -1: "less accurate than", 0: "not clearly better or worse than"}
    chance = number(random.accuracy.value)
    against = f"; random lists have {chance}" if random.accuracy.known else ""
    return (
        f"{view.label} has {metric} {number(view.accuracy.value)} {interval(view.accuracy)} "
        f"{covers(system.n_seeds)}; it is {how[view.gain.side]} showing everybody the most popular "
        f"items, which has {number(popular.accuracy.value)}: {signed(view.gain.value)} "
        f"{interval(view.gain, signed)}{against}."
    )


def popularity(numbers: BlockFindings, system: SystemFindings) -> str:
    """How much more popular the lists are than the users' own histories."""
    view, (_, popular, random) = system.overview, numbers.anchors
    side = (view.lift.low > 1) - (view.lift.high < 1)
    how = {
        1: "more popular than",
        -1: "less popular than",
        0: "neither clearly more nor clearly less popular than",
    }
    return (
        f"The items in the lists of {view.name} are {how[side]} those that the same users chose "
        f"themselves: {times(view.lift.value)} times as popular {interval(view.lift, times)} "
        f"{covers(system.n_seeds)}. Lists of the most popular items would be "
        f"{times(popular.lift.value)} times as popular as the histories, random lists "
        f"{times(random.lift.value)} times."
    )


def bands(numbers: BlockFindings, system: SystemFindings) -> str:
    """What the most and the least popular items have of the lists, against the histories."""
    first, last = system.bands[0], system.bands[-1]
    n_items = numbers.block.audience.n_items
    return (
        f"{_band(first, 'most', n_items, system.overview.name)}; "
        f"{_band(last, 'least', n_items, system.overview.name)}; both {covers(system.n_seeds)}."
    )


def _band(share: Share, which: str, n_items: int, name: str) -> str:
    verb = {1: "more than", -1: "less than", 0: "not clearly more or less than"}[share.change.side]
    return (
        f"the {which} popular items ({share.name}, {share.n_items:,.0f} of {n_items:,}) fill "
        f"{percent(share.lists.value)} of the places in the lists of {name}, {verb} the "
        f"{percent(share.history)} that they are of the users' histories: "
        f"{points(share.change.value)} points {interval(share.change, points)}"
    )


def variety(numbers: BlockFindings, system: SystemFindings) -> str:
    """How much of the catalogue is shown to anybody."""
    view, (history, popular, random) = system.overview, numbers.anchors
    audience = numbers.block.audience
    return (
        f"{view.name} shows {percent(view.coverage)} of the {audience.n_items:,} items to at least "
        f"one of {len(audience.users):,} users, in lists of {audience.k} (a count, without an "
        f"interval); the histories hold {percent(history.coverage)}, lists of the most popular "
        f"items {percent(popular.coverage)}, random lists {percent(random.coverage)}."
    )


def gains(numbers: BlockFindings, system: SystemFindings, by: str) -> str:
    """Which groups of users gain and lose against the most popular items."""
    lines = [line for line in system.users if line.by == by and line.gain.known]
    if not lines:
        return ""
    metric = metric_label(numbers.block.audience.metric)
    parts = []
    for side, verb in ((1, "gain"), (-1, "lose"), (0, "show no clear difference")):
        those = [_gain(line) for line in lines if line.gain.side == side]
        if those:
            parts.append(f"{listed(those)} {verb}")
    if all(line.gain.side >= 0 for line in lines):
        parts.append("no group clearly loses")
    return (
        f"{_KINDS[by]}, with {system.overview.label} instead of the most popular items, in "
        f"{metric}: {'; '.join(parts)} (intervals hold for all these groups together, "
        f"{covers(system.n_seeds)})."
    )


_KINDS = {
    TASTE: "By taste (niche to blockbuster: from few popular items in the own history to many)",
    ACTIVITY: "By activity (quarters by the length of the own history)",
}


def _gain(line: GroupLine) -> str:
    return f"{_users(line)} ({signed(line.gain.value)}, {interval(line.gain, signed)[1:]}"


def _users(line: GroupLine) -> str:
    return f"{line.name} users" if line.by == TASTE else f"the {line.name}"


def loser(numbers: BlockFindings, system: SystemFindings, by: str) -> str:
    """The group served worst, named only where it is clearly below all other users."""
    lines = [line for line in system.users if line.by == by and line.apart.known]
    if len(lines) < 2:
        return ""
    metric, name = metric_label(numbers.block.audience.metric), system.overview.label
    worst = min(lines, key=lambda line: line.accuracy.value)
    own = f"{metric} {number(worst.accuracy.value)}, {signed(worst.apart.value)}"
    end = f"{interval(worst.apart, signed)} against all other users, {covers(system.n_seeds)}"
    if worst.apart.side < 0:
        return f"By {by}, {_users(worst)} ({worst.words}) are served worst by {name}: {own} {end}."
    return (
        f"By {by}, no group is clearly served worse by {name} than the others: the lowest, "
        f"{_users(worst)} ({worst.words}), has {own} {end}."
    )


def pushed(numbers: BlockFindings, system: SystemFindings) -> str:
    """Whose lists stray most from their own taste towards the popular."""
    lines = [line for line in system.users if line.by == TASTE and line.lift.known]
    if not lines:
        return ""
    parts = [
        f"{times(line.lift.value)} times as popular for {_users(line)} {interval(line.lift, times)}"
        for line in lines
    ]
    most = max(lines, key=lambda line: line.lift.value)
    others = [line for line in lines if line is not most]
    apart = all(most.lift.low > line.lift.high for line in others)
    end = ""
    if others and apart and most.lift.low > 1:
        end = f": those of {_users(most)} are pushed most"
    elif others and not apart:
        end = "; the highest is not clear of all others, so no group is clearly pushed most"
    return (
        f"Against the users' own histories, the lists of {system.overview.name} are "
        f"{listed(parts)}, {covers(system.n_seeds)}{end}."
    )


def item_groups(numbers: BlockFindings, system: SystemFindings) -> str:
    """The values of the column that are shown most beyond, and below, their share of histories."""
    lines = system.item_groups
    groups = numbers.block.audience.groups
    if not lines or groups is None:
        return ""
    parts = []
    for side, word in ((1, "more"), (-1, "less")):
        those = sorted(
            (line for line in lines if line.change.side == side),
            key=lambda line: -side * line.change.value,
        )[:3]
        if those:
            each = [
                f"{line.name} ({percent(line.lists.value)} of the places, {percent(line.history)} "
                f"of the histories, {points(line.change.value)} points "
                f"{interval(line.change, points)})"
                for line in those
            ]
            parts.append(f"shown {word} than chosen: {listed(each)}")
    name = system.overview.name
    if not parts:
        return f"By {groups.column}, {name} shows no value clearly more or less than it is chosen."
    return (
        f"By {groups.column}, {name}: {'; '.join(parts)} (intervals hold for all values together, "
        f"{covers(system.n_seeds)})."
    )


def all_of(numbers: BlockFindings, system: SystemFindings) -> Sequence[str]:
    """The sentences on a system in the order of the page; those that say nothing are left out."""
    texts = [
        in_short(numbers, system),
        accuracy(numbers, system),
        gains(numbers, system, TASTE),
        loser(numbers, system, TASTE),
        gains(numbers, system, ACTIVITY),
        loser(numbers, system, ACTIVITY),
        popularity(numbers, system),
        pushed(numbers, system),
        bands(numbers, system),
        item_groups(numbers, system),
        variety(numbers, system),
    ]
    return [
        text[:1].upper() + text[1:] if text.startswith("the ") else text for text in texts if text
    ]
