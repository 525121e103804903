"""Known negatives: what training may look at, and what measures may."""

from dataclasses import replace

import numpy as np
import pytest

from negbench.data.interactions import Csr, Interactions
from negbench.data.k_core import k_core
from negbench.data.raw_rows import RawRows, raw_ids
from negbench.data.reindex import reindex
from negbench.scenario.known_negatives import (
    known_in_all,
    known_in_training,
    offers_known_negatives,
)
from negbench.scenario.splits import split

SIZE = {"n_rows": 3, "n_columns": 6}


def cells(pairs: list[tuple[int, int]]) -> Csr:
    users, items = zip(*pairs, strict=True) if pairs else ((), ())
    return Csr.of(users, items, **SIZE)


def listed(pairs: Csr) -> list[tuple[int, int]]:
    return list(zip(pairs.rows.tolist(), pairs.indices.tolist(), strict=True))


def data(**more: object) -> Interactions:
    """User 0: items 0 to 3 at times 0 to 3; user 1: items 0 to 2 at 4 to 6; user 2: item 5 at 7."""
    users = np.array([0, 0, 0, 0, 1, 1, 1, 2])
    items = np.array([0, 1, 2, 3, 0, 1, 2, 5])
    times = np.arange(8.0)
    return Interactions("toy", users, items, 3, 6, times=times, order="time", **more)  # type: ignore[arg-type]


def test_what_came_after_the_last_train_pair_is_not_known_in_training() -> None:
    shown = cells([(0, 4), (0, 5), (1, 4), (2, 0)])
    toy = data(unchosen=shown, unchosen_times=np.array([1.0, 2.5, 4.0, 7.0]))
    parts = split(toy, "leave_one_out")  # last train pairs: 0 at 1, 1 at 4, 2 at 7
    assert listed(known_in_training(toy, parts)) == [(0, 4), (1, 4), (2, 0)]
    known = known_in_all(toy, parts)
    assert known is not None and listed(known) == listed(shown)


def test_a_pair_chosen_later_stays_known_in_training_for_nobody_knows_of_it() -> None:
    # Shown to user 0 in vain at 0.5: item 3, the test pair, and item 1, a train pair.
    toy = data(unchosen=cells([(0, 1), (0, 3)]), unchosen_times=np.array([0.5, 0.5]))
    parts = split(toy, "leave_one_out")
    assert parts.test.row(0).tolist() == [3] and 1 in parts.train.row(0)
    assert listed(known_in_training(toy, parts)) == [(0, 3)]
    known = known_in_all(toy, parts)
    assert known is not None and listed(known) == []


def test_judgements_of_the_test_are_for_measures_alone() -> None:
    judged, truth = cells([(0, 4), (0, 5), (1, 5)]), cells([(0, 5)])
    toy = data(truth=truth, judged=judged)
    parts = split(toy, "truth")
    assert not offers_known_negatives(toy, parts) and not len(known_in_training(toy, parts))
    known = known_in_all(toy, parts)
    assert known is not None and listed(known) == [(0, 4), (1, 5)]
    # The same cells shown in the log: then they are known, and nothing tells of the judgement.
    toy = replace(toy, unchosen=cells([(0, 5), (1, 4)]), unchosen_times=np.array([0.0, 4.0]))
    assert listed(known_in_training(toy, parts)) == [(0, 5), (1, 4)]
    known = known_in_all(toy, parts)
    assert known is not None and listed(known) == [(0, 4), (1, 4), (1, 5)]


def test_the_whole_of_a_judged_matrix_has_no_list() -> None:
    toy = data(truth=cells([(0, 5)]))
    assert known_in_all(toy, split(toy, "truth")) is None


@pytest.mark.parametrize(
    ("rule", "known"), [("random", True), ("ratio", False), ("leave_one_out", False)]
)
def test_without_times_only_a_split_without_order_is_fair(rule: str, known: bool) -> None:
    toy = data(disliked=cells([(0, 4)]))
    toy = replace(toy, times=None, order="rows")
    parts = split(toy, rule)
    assert offers_known_negatives(toy, parts) == known
    assert listed(known_in_training(toy, parts)) == ([(0, 4)] if known else [])


def test_parts_that_come_with_the_data_may_hold_disliked_pairs_of_the_test() -> None:
    part = np.array([0, 0, 0, 2, 0, 0, 2, 0], np.int8)
    low = {"disliked": cells([(0, 4)]), "disliked_times": np.array([0.0])}
    toy = data(part=part, **low)
    assert not offers_known_negatives(toy, split(toy, "files"))
    toy = data(part=part, unchosen=cells([(0, 4), (2, 1)]))  # the loader's word: of the train log
    assert listed(known_in_training(toy, split(toy, "files"))) == [(0, 4), (2, 1)]


def test_users_who_are_not_trained_on_have_none() -> None:
    toy = data(unchosen=cells([(0, 4), (1, 4), (2, 4)]), unchosen_times=np.zeros(3))
    parts = split(toy, "temporal(0.5,0.7)")  # train: the four pairs of user 0
    assert parts.train.lengths.tolist() == [4, 0, 0]
    assert listed(known_in_training(toy, parts)) == [(0, 4)]


def test_planted_pairs_are_no_known_negatives_of_a_measure() -> None:
    toy = data(unchosen=cells([(0, 4), (0, 5)]), unchosen_times=np.zeros(2))
    known = known_in_all(toy, split(toy, "random"), cells([(0, 5)]))
    assert known is not None and listed(known) == [(0, 4)]


def test_ratings_that_are_too_low_keep_their_earliest_time_and_a_core_keeps_both() -> None:
    rows = RawRows(
        raw_ids(["a", "a", "a", "b", "b", "b", "a"]),
        raw_ids(["x", "y", "z", "x", "z", "y", "y"]),
        np.array([1.0, 9.0, 3.0, 4.0, 6.0, 2.0, 5.0]),
        np.array([5.0, 1.0, 5.0, 5.0, 5.0, 2.0, 1.0]),
    )
    toy = reindex(rows, name="toy", min_rating=4)
    assert toy.disliked is None or not len(toy.disliked)  # nobody likes y: it is no item
    rows = replace(rows, ratings=np.array([5.0, 1.0, 5.0, 5.0, 5.0, 5.0, 1.0]))
    toy = reindex(rows, name="toy", min_rating=4)
    assert toy.disliked is not None and toy.disliked_times is not None
    assert len(toy.disliked) == 1 and toy.disliked_times.tolist() == [5.0]
    core = k_core(toy, 1)
    assert core.disliked_times is not None and core.disliked_times.tolist() == [5.0]
    core = k_core(replace(toy, unchosen=toy.disliked, unchosen_times=toy.disliked_times), 2)
    assert core.n_items == 2 and core.unchosen is not None and core.unchosen_times is not None
    assert len(core.unchosen) == len(core.unchosen_times) == 0


def test_a_pair_that_comes_again_in_the_test_does_not_date_the_train_part() -> None:
    users, items = np.zeros(5, int), np.array([0, 1, 2, 3, 0])
    shown = Csr.of([0, 0], [4, 5], n_rows=1, n_columns=6)
    log = Interactions(
        "log",
        users,
        items,
        1,
        6,
        times=np.array([0.0, 1.0, 2.0, 3.0, 9.0]),
        order="time",
        unchosen=shown,
        unchosen_times=np.array([1.5, 7.0]),
    )
    parts = split(log, "leave_one_out")  # train: 0, 1, 2; valid: 3; test: 0 once more
    assert parts.train.indices.tolist() == [0, 1, 2] and parts.test.indices.tolist() == [0]
    assert listed(known_in_training(log, parts)) == [(0, 4)]


def test_a_positive_in_no_part_is_no_known_negative() -> None:
    toy = data(disliked=cells([(0, 3), (0, 4)]))
    parts = split(toy, "leave_one_out(skip=1)")  # item 3 of user 0 is newer than the test pair
    assert not any(3 in part.row(0) for part in (parts.train, parts.valid, parts.test))
    known = known_in_all(toy, parts)
    assert known is not None and listed(known) == [(0, 4)]
