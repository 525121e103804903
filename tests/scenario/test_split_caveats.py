"""Caveats of a split: each sentence has the right numbers, and none comes without a cause."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from negbench.data.interactions import Interactions
from negbench.scenario.splits import split


def make(users: Any, items: Any, **more: Any) -> Interactions:
    users, items = np.asarray(users, np.int64), np.asarray(items, np.int64)
    return Interactions("toy", users, items, int(users.max()) + 1, int(items.max()) + 1, **more)


def eras(users: int = 4, each: int = 10, years: float = 3e7) -> Interactions:
    """Users of different years: whoever comes later has all pairs after the others' last."""
    pairs = [(u, i, 1.3e9 + u * years + i) for u in range(users) for i in range(each)]
    rows, items, times = zip(*pairs, strict=True)
    return make(rows, items, times=np.array(times), order="time")


def future(notes: tuple[str, ...]) -> list[str]:
    return [note for note in notes if "the future" in note]


def test_a_ratio_of_users_of_different_years_sees_the_future() -> None:
    parts = split(eras(), "ratio(0.8,0.1,0.1)")
    assert future(parts.notes) == [
        "under ratio(0.8,0.1,0.1) 24 of 32 train pairs (75 %) are later than the earliest test "
        "pair of another user (2011-03-13 is the first), so train sees the future; "
        "`temporal(0.8,0.9)` does not."
    ]
    assert "24 of 32" in future(split(eras(), "leave_one_out").notes)[0]
    assert not future(split(eras(), "temporal").notes)


def test_without_times_the_future_is_named_and_not_counted() -> None:
    data = make(np.repeat([0, 1], 10), np.tile(np.arange(10), 2), order="rows")
    for rule in ("ratio", "leave_one_out"):
        (note,) = future(split(data, rule).notes)
        assert "there are no times" in note and "train may hold" in note
    assert not future(split(data, "random").notes)


def test_who_tests_alone_does_not_see_an_own_future() -> None:
    one = make(np.zeros(10), np.arange(10), times=np.arange(10.0), order="time")
    assert not future(split(one, "ratio").notes)


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), min_size=12, unique=True),
    st.randoms(use_true_random=False),
)
def test_the_future_against_a_plain_loop(cells: list[tuple[int, int]], chance: Any) -> None:
    users, items = zip(*cells, strict=True)
    times = np.array([float(chance.randint(0, 20)) for _ in cells])
    part = np.array([chance.choice([0, 0, 0, 1, 2]) for _ in cells], np.int8)
    part[:3] = [0, 1, 2]
    data = make(users, items, times=times, order="time", part=part)
    tests = [(u, t) for u, t, p in zip(users, times, part, strict=True) if p == 2]
    count = sum(
        any(t > other and u != v for v, other in tests)
        for u, t, p in zip(users, times, part, strict=True)
        if p == 0
    )
    notes = future(split(data, "files").notes)
    assert len(notes) == (count > 0)
    assert not count or f"under files {count:,} of " in notes[0]


def test_users_and_items_without_a_train_pair_are_counted() -> None:
    users, items = [0, 0, 1, 1, 2, 2, 2], [0, 1, 0, 1, 2, 3, 0]
    part = np.array([0, 0, 0, 2, 2, 2, 2], np.int8)
    no_valid, *notes = split(make(users, items, part=part), "files(0)").notes
    assert no_valid.startswith("no valid pairs")
    assert notes == [
        "1 of 2 test users has no train pair (3 of 4 test pairs): ranked by an untrained vector.",
        "2 of 4 test items have no train pair (2 of 4 test pairs): scored by untrained vectors.",
    ]


def test_temporal_counts_the_users_that_come_late() -> None:
    notes = split(eras(), "temporal(0.5,0.75)").notes
    assert any(note.startswith("1 of 1 test user has no train pair (10 of 10 te") for note in notes)
    assert not any(
        "no train pair" in note for note in split(eras(), "ratio").notes if "user" in note
    )


def test_a_history_that_is_folded_in_is_no_untrained_vector() -> None:
    data = make(np.repeat(np.arange(20), 6), np.tile(np.arange(6), 20), order="rows")
    notes = split(data, "users(0.8,0.1,0.1)").notes
    assert not any("untrained vector." in note for note in notes)


def test_a_train_pair_that_is_also_a_test_pair() -> None:
    data = make([0, 0, 1, 0, 1], [0, 1, 2, 1, 2], part=np.array([0, 0, 0, 2, 2], np.int8))
    no_valid, note = split(data, "files(0)").notes
    assert no_valid.startswith("no valid pairs")
    assert note.startswith("2 train pairs are also test pairs: ")


@pytest.mark.parametrize("rule", ["random", "ratio"])
def test_no_cause_no_sentence(rule: str) -> None:
    items = np.concatenate([np.arange(10), np.arange(10) + 5])  # of 15: each user has unseen ones
    data = make(np.repeat([0, 1], 10), items, times=np.tile(np.arange(10.0), 2))
    notes = split(data.__class__(**{**data.__dict__, "order": "time"}), rule).notes
    assert not any("train pairs are also" in note or "test user" in note for note in notes)


def test_without_valid_pairs_nothing_stops_early() -> None:
    sentence = (
        "no valid pairs: nothing stops early and no epoch is selected, so the last epoch is tested."
    )
    short = make(np.repeat(np.arange(9), 5), np.tile(np.arange(5), 9), order="rows")
    assert sentence in split(short, "ratio").notes
    long = make(np.repeat(np.arange(9), 10), np.tile(np.arange(10), 9), order="rows")
    assert sentence not in split(long, "ratio").notes


def test_who_has_nothing_else_to_rank_is_counted() -> None:
    # User 0 has all of 4 items, one of them to test; user 1 has three of them.
    users, items = [0, 0, 0, 0, 1, 1, 1], [0, 1, 2, 3, 0, 1, 2]
    part = np.array([0, 0, 1, 2, 0, 1, 2], np.int8)
    notes = split(make(users, items, part=part), "files").notes
    assert (
        "1 of 2 test users has no unseen item beside their test items: any ranking of them is "
        "perfect."
    ) in notes
    # A pair that is in train and in test is no further item.
    twice = make([0, 0, 1, 1], [0, 1, 0, 2], part=np.array([0, 2, 0, 2], np.int8))
    assert not any("unseen item" in note for note in split(twice, "files(0)").notes)
    double = make([0, 0, 0, 1], [0, 1, 1, 2], part=np.array([0, 0, 2, 0], np.int8))
    assert not any("unseen item" in note for note in split(double, "files(0)").notes)


def test_seen_items_that_stay_in_the_list_leave_something_to_rank() -> None:
    # User 0 has all items: 0 to 3 in train, 4 in valid, 5 in test.
    data = make([0] * 6 + [1] * 4, [*range(6), *range(4)], order="rows")
    perfect = {
        mask: [note for note in split(data, "leave_one_out", mask=mask).notes if "perfect" in note]
        for mask in ("seen", "train", "none")
    }
    assert [len(notes) for notes in perfect.values()] == [1, 0, 0]
    only = make([0, 0, 1], [0, 1, 0], part=np.array([2, 2, 0], np.int8))
    assert any("perfect" in note for note in split(only, mask="none").notes)


def test_a_kept_repeat_of_a_history_that_is_masked_is_counted_as_missed() -> None:
    # User 0 ends with item 3 twice: in valid and in test.
    data = make([0] * 5 + [1] * 4, [0, 1, 2, 3, 3, 0, 1, 2, 4], order="rows")
    missed = {
        mask: [note for note in split(data, "leave_one_out", mask=mask).notes if "missed" in note]
        for mask in ("seen", "train", "none")
    }
    assert missed == {
        "seen": [
            "1 of 2 test pairs is in the user's history before the test part too: it is masked in "
            "the ranking, so these count as missed."
        ],
        "train": [],
        "none": [],
    }
    folded = split(make([0, 0, 0, 1, 1], [0, 1, 0, 0, 1], part=np.array([3, 3, 2, 0, 0], np.int8)))
    assert any("1 of 1 test pair is in the user's history" in note for note in folded.notes)


def test_the_future_is_counted_from_who_is_ranked() -> None:
    # User 1 has a test pair alone, at 0, and is not ranked where a history is asked for.
    part, times = np.array([2, 0, 0, 2, 0, 2], np.int8), np.array([0.0, 1, 2, 9, 3, 8])
    data = make([1, 0, 0, 0, 2, 2], range(6), part=part, times=times, order="time")
    assert future(split(data, "files(0)").notes)
    assert not future(split(data, "files(0)", with_history=True).notes)
