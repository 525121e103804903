"""Caveats of a split, counted: who and what is ranked untrained, what is learnt from the future.

Every sentence holds numbers, and there is none where its number is zero. "The future" are the train
pairs later than the earliest test pair of another user: a model deployed at that time could not
have had them.
"""

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from negbench.data.fold_in import FOLD_IN, TEST, TRAIN
from negbench.data.interactions import Csr, Interactions, Split
from negbench.data.number_words import counted, percent

SHIFT = (
    "under popularity_shift the test pairs are drawn against popularity, the valid pairs are not: "
    "nothing is stopped or selected under the shift."
)
COLD = (
    "under cold_items the cold items are in test only: no negative that is drawn by popularity or "
    "from the batch is one of them, negatives drawn from all items may be, and no positive is; "
    "valid has none, so nothing is stopped or selected on them. Figures over all items mix cold "
    "and warm ones; --bands count:1 shows the items without a train pair apart, as tail."
)
NO_VALID = (
    "no valid pairs: nothing stops early and no epoch is selected, so the last epoch is tested."
)
BY_USER = ("ratio", "leave_one_out")
"""Rules that cut each user's history by itself, wherever the others' are cut."""
Parts = NDArray[np.int8]


def caveats(
    data: Interactions, pair_parts: Parts, parts: Split, mask: str = "seen"
) -> tuple[str, ...]:
    """One sentence for each caveat of these parts; `pair_parts` [n] is the part of each pair, and
    `mask` is what is left out of the ranking: seen, train or none."""
    several = (
        SHIFT if parts.rule_name == "popularity_shift" else "",
        COLD if parts.rule_name == "cold_items" else "",
        NO_VALID if not len(parts.valid) else "",
        _left_out(pair_parts, parts),
        _nothing_to_rank(parts, mask),
        _users_without_train(parts),
        _items_without_train(data, parts),
        _in_two_parts(parts, mask != "none"),
        _in_the_history(parts, mask),
        _future(data, pair_parts, parts),
    )
    return tuple(sentence for sentence in several if sentence)


def _left_out(pair_parts: Parts, parts: Split) -> str:
    n = int((pair_parts > FOLD_IN).sum())
    if not n:
        return ""
    return (
        f"{n:,} of {counted(len(pair_parts), 'pair')} {'is' if n == 1 else 'are'} newer than the "
        f"test pairs of {parts.rule} and in no part."
    )


def _nothing_to_rank(parts: Split, mask: str) -> str:
    """Test users of whom only test items are ranked: any order of these is perfect."""
    folded = () if parts.fold_in is None else (parts.fold_in,)
    masked = {"seen": (parts.train, parts.valid, *folded), "train": (parts.train, *folded)}
    several = (parts.test, *masked.get(mask, ()))
    tested = parts.test.lengths > 0
    full = np.flatnonzero(tested & (sum(part.lengths for part in several) >= parts.n_items))
    of_user = (np.concatenate([part.row(user) for part in several]) for user in full)
    n = sum(len(np.unique(items)) == parts.n_items for items in of_user)
    if not n:
        return ""
    return (
        f"{n:,} of {counted(int(tested.sum()), 'test user')} "
        f"{'has' if n == 1 else 'have'} no unseen item beside their test items: any ranking of "
        "them is perfect."
    )


def _users_without_train(parts: Split) -> str:
    """Test users with neither a train pair nor a history that is folded in."""
    known = parts.train.lengths > 0
    if parts.fold_in is not None:
        known = known | (parts.fold_in.lengths > 0)
    tested = parts.test.lengths > 0
    cold = tested & ~known
    n = int(cold.sum())
    if not n:
        return ""
    pairs = int(parts.test.lengths[cold].sum())
    return (
        f"{n:,} of {counted(int(tested.sum()), 'test user')} "
        f"{'has' if n == 1 else 'have'} no train pair ({pairs:,} of "
        f"{counted(len(parts.test), 'test pair')}): ranked by an untrained vector."
    )


def _items_without_train(data: Interactions, parts: Split) -> str:
    tested, trained = parts.test.occurrences, parts.train.counts
    cold = (tested > 0) & (trained == 0)
    n = int(cold.sum())
    if not n:
        return ""
    return (
        f"{n:,} of {counted(int((tested > 0).sum()), 'test item')} "
        f"{'has' if n == 1 else 'have'} no train pair ({int(tested[cold].sum()):,} of "
        f"{counted(len(parts.test), 'test pair')}): scored by untrained vectors{_unless(data)}."
    )


def _unless(data: Interactions) -> str:
    """What a backbone may read of an item in the place of pairs, as the end of a clause."""
    readable = {"features": data.item_features, "texts": data.item_texts}
    words = " or ".join(word for word, there in readable.items() if there is not None)
    return f", but where a backbone reads their {words} (two_tower)" if words else ""


def _in_two_parts(parts: Split, masks: bool) -> str:
    """Data hold each pair once, unless repeats are kept."""
    n = _common(parts.train, parts.test)
    if not n:
        return ""
    what = "what was trained on is masked in the ranking, so these count as missed"
    what = what if masks else "no item is masked in the ranking, so these can be hit"
    shared = counted(n, "train pair is also a test pair", "train pairs are also test pairs")
    return f"{shared}: {what}."


def _in_the_history(parts: Split, mask: str) -> str:
    """Test pairs that a user had before, but not in train: in valid, or in what is folded in."""
    masked = {"seen": (parts.valid, parts.fold_in), "train": (parts.fold_in,)}.get(mask, ())
    before = [part.keys for part in masked if part is not None]
    if not before:
        return ""
    untrained = parts.test.keys[~np.isin(parts.test.keys, parts.train.keys)]
    n = int(np.isin(untrained, np.concatenate(before)).sum())
    if not n:
        return ""
    are = "is" if n == 1 else "are"
    return (
        f"{n:,} of {counted(len(parts.test), 'test pair')} {are} in the user's history before the "
        "test part too: it is masked in the ranking, so these count as missed."
    )


def _common(train: Csr, test: Csr) -> int:
    if not len(train):
        return 0
    at = np.searchsorted(train.keys, test.keys).clip(max=len(train) - 1)
    return int((train.keys[at] == test.keys).sum())


def _future(data: Interactions, pair_parts: Parts, parts: Split) -> str:
    if data.times is None:
        if parts.rule_name in BY_USER:
            return (
                f"{parts.rule} cuts each user's history by itself, so train may hold pairs that "
                "are later than another user's test pair and so sees the future (how many is not "
                "known: there are no times)."
            )
        return ""
    if parts.rule_name == "truth":  # its test pairs have no times
        return ""
    train, test = pair_parts == TRAIN, pair_parts == TEST
    test &= parts.test.lengths[data.users] > 0  # `--users with-history` ranks not all of them
    if not test.any():
        return ""
    later, first = _later(data, train, test)
    if not later:
        return ""
    of = int(train.sum())
    return (
        f"under {parts.rule} {later:,} of {counted(of, 'train pair')} ({percent(later, of)}) are "
        f"later than the earliest test pair of another user ({_day(first)} is the first), so train "
        "sees the future; `temporal(0.8,0.9)` does not."
    )


def _later(
    data: Interactions, train: NDArray[np.bool_], test: NDArray[np.bool_]
) -> tuple[int, float]:
    """How many train pairs are later than another user's first test pair, and the first of all."""
    assert data.times is not None  # checked by the caller
    times, users = data.times[test], data.users[test]
    first = int(times.argmin())
    others = users != users[first]
    # Who has the first test pair of all is compared with the first of the others.
    second = float(times[others].min()) if others.any() else np.inf
    own = data.users[train] == users[first]
    least = np.where(own, second, times[first])
    return int((data.times[train] > least).sum()), float(times[first])


def _day(time: float) -> str:
    if not 5e8 < time < 5e9:  # not seconds since 1970
        return f"{time:g}"
    return datetime.fromtimestamp(time, UTC).date().isoformat()
