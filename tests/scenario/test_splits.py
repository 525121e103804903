"""Splits: a partition of the pairs, in order, also for small users, with clear errors."""

import dataclasses
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from negbench.data.interactions import Csr, Interactions, Split
from negbench.errors import UserError
from negbench.scenario.splits import split

RULES = ("ratio", "ratio(0.5,0.25,0.25)", "random", "temporal(0.5,0.75)", "leave_one_out")
RULES += ("popularity_shift(0.5,0.2)",)


def make(users: Any, items: Any, **more: Any) -> Interactions:
    users, items = np.asarray(users, np.int64), np.asarray(items, np.int64)
    n_users, n_items = int(users.max()) + 1, int(items.max()) + 1
    return Interactions("toy", users, items, n_users, n_items, **more)


def one_user(n: int, **more: Any) -> Interactions:
    return make(np.zeros(n), np.arange(n), **{"order": "rows", **more})


def sizes(parts: Split) -> tuple[int, int, int]:
    return len(parts.train), len(parts.valid), len(parts.test)


def pairs(part: Csr) -> set[tuple[int, int]]:
    return set(zip(part.rows.tolist(), part.indices.tolist(), strict=True))


@st.composite
def data(draw: st.DrawFn) -> Interactions:
    cells = draw(
        st.lists(
            st.tuples(st.integers(0, 6), st.integers(0, 9)), min_size=8, max_size=50, unique=True
        )
    )
    times = draw(st.lists(st.integers(0, 5), min_size=len(cells), max_size=len(cells)))
    users, items = zip(*cells, strict=True)
    return make(users, items, times=np.array(times, float), order="time")


def attempt(interactions: Interactions, rule: str, seed: int = 0) -> Split | None:
    try:
        return split(interactions, rule, seed=seed)
    except UserError as error:  # tiny data can leave a part empty, which is an error
        assert "leaves the" in str(error)
        return None


@given(data(), st.sampled_from(RULES), st.integers(0, 3))
def test_every_pair_is_in_exactly_one_part(
    interactions: Interactions, rule: str, seed: int
) -> None:
    parts = attempt(interactions, rule, seed)
    if parts is None:
        return
    all_pairs = sorted(zip(interactions.users.tolist(), interactions.items.tolist(), strict=True))
    three = [pair for p in (parts.train, parts.valid, parts.test) for pair in pairs(p)]
    assert sorted(three) == all_pairs
    if not rule.startswith("temporal"):
        assert (parts.train.lengths[np.unique(interactions.users)] >= 1).all()


@given(data(), st.sampled_from(RULES))
def test_rows_and_parts_follow_time(interactions: Interactions, rule: str) -> None:
    parts = attempt(interactions, rule)
    if parts is None:
        return
    assert interactions.times is not None
    triples = zip(
        interactions.users.tolist(), interactions.items.tolist(), interactions.times, strict=True
    )
    when = {(u, i): t for u, i, t in triples}
    for u in range(parts.n_users):
        rows = [
            [when[u, int(i)] for i in part.row(u)]
            for part in (parts.train, parts.valid, parts.test)
        ]
        assert all(row == sorted(row) for row in rows)
        if not rule.startswith(("random", "popularity_shift")):
            flat = sum(rows, [])
            assert flat == sorted(flat)


@given(data())
def test_temporal_draws_one_line_for_all_users(interactions: Interactions) -> None:
    parts = attempt(interactions, "temporal(0.5,0.75)")
    if parts is None:
        return
    assert interactions.times is not None
    keys = interactions.users * parts.n_items + interactions.items
    times = [
        interactions.times[np.isin(keys, part.keys)]
        for part in (parts.train, parts.valid, parts.test)
        if len(part)
    ]
    for before, after in zip(times, times[1:], strict=False):
        assert before.max() < after.min()


@given(data(), st.sampled_from(RULES))
def test_the_resolved_rule_makes_the_same_split(interactions: Interactions, rule: str) -> None:
    first = attempt(interactions, rule, seed=5)
    if first is None:
        return
    again = split(interactions, first.rule, seed=9)
    assert (first.rule, first.hash) == (again.rule, again.hash)


@pytest.mark.parametrize(
    ("n", "expected"),
    [(2, (1, 0, 1)), (3, (2, 0, 1)), (5, (4, 0, 1)), (6, (4, 1, 1)), (9, (7, 1, 1))]
    + [(10, (8, 1, 1)), (11, (8, 1, 2)), (100, (80, 10, 10))],
)
def test_ratio_sizes_by_hand(n: int, expected: tuple[int, int, int]) -> None:
    assert sizes(split(one_user(n))) == expected


def test_shares_are_exact_and_not_at_the_mercy_of_floats() -> None:
    assert sizes(split(one_user(100), "ratio(0.29,0.28,0.43)")) == (29, 28, 43)


def test_a_user_with_one_pair_keeps_it_in_train() -> None:
    parts = split(make([0] * 10 + [1], [*range(10), 3], order="rows"))
    assert parts.train.row(1).tolist() == [3]


def test_ratio_follows_times_and_breaks_equal_ones_by_the_file() -> None:
    times = np.array([9, 1, 5, 5, 0, 2, 3, 4, 6, 7], float)
    parts = split(one_user(10, times=times, order="time"))
    assert parts.rule == "ratio(0.8,0.1,0.1)" and parts.order == "time"
    assert parts.train.row(0).tolist() == [4, 1, 5, 6, 7, 2, 3, 8]
    assert (parts.valid.row(0).tolist(), parts.test.row(0).tolist()) == ([9], [0])


def test_data_in_the_order_of_their_rows_are_not_ordered_by_their_times() -> None:
    backwards = one_user(4, times=np.array([9.0, 8.0, 7.0, 6.0]))
    assert split(backwards, "leave_one_out").test.indices.tolist() == [3]
    by_time = dataclasses.replace(backwards, order="time")
    assert split(by_time, "leave_one_out").test.indices.tolist() == [0]


def test_leave_one_out_by_hand() -> None:
    interactions = make([0, 0, 0, 0, 1, 1], [3, 1, 0, 2, 0, 1], order="rows")
    parts = split(interactions, "loo")
    assert parts.rule == "leave_one_out" and any("future" in note for note in parts.notes)
    assert parts.train.row(0).tolist() == [3, 1]
    assert (parts.valid.row(0).tolist(), parts.test.row(0).tolist()) == ([0], [2])
    assert parts.train.row(1).tolist() == [0, 1]  # two pairs: too few to leave one out


def test_random_depends_on_the_seed_and_keeps_row_order() -> None:
    interactions = one_user(40, order="rows")
    first, same, other = (split(interactions, "random", seed=s) for s in (0, 0, 1))
    assert first.hash == same.hash != other.hash
    assert first.rule == "random(0.8,0.1,0.1,seed=0)"
    assert sizes(first) == (32, 4, 4)
    assert first.train.row(0).tolist() == sorted(first.train.row(0).tolist())
    assert first.train.row(0).tolist() != list(range(32))


def test_auto_by_what_is_known() -> None:
    plain = one_user(20, order="none")
    part = np.array([0] * 15 + [2] * 5, np.int8)
    truth = Csr.of([0, 0], [0, 1], n_rows=1, n_columns=20)
    assert split(plain).rule.startswith("random(")
    assert split(dataclasses.replace(plain, order="rows")).rule.startswith("ratio(")
    assert split(dataclasses.replace(plain, part=part)).rule == "files(0.1,seed=0)"
    few = make([0] * 10, range(10), truth=Csr.of([0], [9], n_rows=1, n_columns=10))
    with pytest.raises(UserError, match="test part of toy empty"):
        split(few)
    with pytest.raises(UserError, match="test part"):
        split(dataclasses.replace(plain, truth=truth))


def test_files_as_given_and_valid_carved_only_where_it_is_missing() -> None:
    given_parts = np.array([0, 0, 1, 2, 2, 0], np.int8)
    interactions = make([0] * 6, [5, 4, 3, 2, 1, 0], part=given_parts)
    parts = split(interactions, "files")
    assert parts.rule == "files"
    assert [p.row(0).tolist() for p in (parts.train, parts.valid, parts.test)] == [
        [5, 4, 0],
        [3],
        [2, 1],
    ]
    users = np.repeat([0, 1, 2, 3], [4, 5, 30, 1])
    items = np.concatenate([np.arange(n) for n in (4, 5, 30, 1)])
    whole = make(np.r_[users, 0], np.r_[items, 40], part=np.r_[np.zeros(40), 2].astype(np.int8))
    carved = split(whole, "files", seed=3)
    assert carved.rule == "files(0.1,seed=3)"
    assert carved.valid.lengths.tolist() == [0, 1, 3, 0]
    assert pairs(carved.train.join(carved.valid)) == set(
        zip(users.tolist(), items.tolist(), strict=True)
    )
    assert whole.part is not None and (whole.part == 1).sum() == 0  # what came in is untouched
    assert carved.hash != split(whole, "files", seed=4).hash


def test_a_share_near_one_still_leaves_a_train_pair() -> None:
    whole = make([0, 0, 0], [0, 1, 2], part=np.array([0, 0, 2], np.int8))
    assert sizes(split(whole, "files(0.99)")) == (1, 1, 1)


def test_truth_tests_what_is_true_and_was_not_observed() -> None:
    truth = Csr.of([0, 0, 0, 1, 1], [0, 5, 7, 2, 3], n_rows=2, n_columns=10)
    interactions = make([0] * 10 + [1], [*range(5), 9, 8, 6, 7, 1, 2], truth=truth)
    parts = split(interactions)
    assert parts.rule == "truth(0.1,seed=0)"
    assert pairs(parts.test) == {(0, 5), (1, 3)}
    assert (len(parts.train), len(parts.valid)) == (10, 1)
    judged = Csr.of([0, 1, 1], [5, 4, 2], n_rows=2, n_columns=10)
    assert pairs(split(dataclasses.replace(interactions, judged=judged)).test) == {(0, 5)}


def test_the_hash_changes_with_data_rule_and_order() -> None:
    a = make([0] * 10, range(10), order="rows")
    b = make([0] * 10, [1, 0, *range(2, 10)], order="rows")
    hashes = {split(a).hash, split(b).hash, split(a, "loo").hash, split(a, "random").hash}
    assert len(hashes) == 4 and all(len(h) == 12 for h in hashes)
    assert split(a, "ratio:0.8,0.1,0.1").hash == split(a, " Ratio(0.8, 0.1, 0.1)").hash
    assert split(a).hash == "12071fd35020"  # the same word on every machine


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("ratoi", "unknown split rule `ratoi`; did you mean ratio"),
        ("ratio(0.8,0.1)", "three shares that sum to 1"),
        ("ratio(0.8,0.1,0.2)", "three shares that sum to 1"),
        ("ratio(0,0.5,0.5)", "first above 0"),
        ("ratio(1.2,-0.1,-0.1)", "three shares"),
        ("ratio(a,0.1,0.1)", "takes numbers such as 0.8 or 1/3; got `a`"),
        ("ratio((", "a split rule is a word"),
        ("temporal", "needs the time of every pair"),
        ("temporal(0.9,0.8)", "two rising shares"),
        ("loo(3)", "takes no numbers"),
        ("files", "come as one list"),
        ("truth", "true relevance is known"),
    ],
)
def test_mistakes_are_one_sentence(rule: str, words: str) -> None:
    with pytest.raises(UserError) as error:
        split(one_user(20), rule)
    assert words in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("rule", ["ratio", "loo"])
def test_a_rule_that_needs_an_order_refuses_data_without(rule: str) -> None:
    with pytest.raises(UserError, match="needs an order"):
        split(one_user(20, order="none"), rule)


def test_equal_times_leave_nothing_to_train_on() -> None:
    with pytest.raises(UserError, match="leaves the train part of toy empty"):
        split(one_user(9, times=np.ones(9), order="time"), "temporal")


def test_a_million_pairs_in_a_moment() -> None:
    generator = np.random.default_rng(0)
    keys = generator.choice(20_000 * 5_000, 1_000_000, replace=False)
    users, items = np.divmod(keys, 5_000)
    interactions = make(users, items, order="time", times=generator.random(len(keys)))
    for rule in ("ratio", "random", "loo", "temporal"):
        start = time.process_time()
        split(interactions, rule)
        assert time.process_time() - start < 2
