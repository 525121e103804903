"""Splits by users: who is where, what is read as history, and that nothing of it is trained on."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from negbench.data.fold_in import FOLD_IN, fold_in
from negbench.data.interactions import Csr, Interactions, Split
from negbench.data.k_core import k_core
from negbench.errors import UserError
from negbench.scenario import noise_injection, planted_false_negatives
from negbench.scenario.popularity_bands import Bands
from negbench.scenario.scenario import Scenario, prepare
from negbench.scenario.splits import split


def make(users: Any, items: Any, **more: Any) -> Interactions:
    users, items = np.asarray(users, np.int64), np.asarray(items, np.int64)
    n_users, n_items = int(users.max()) + 1, int(items.max()) + 1
    return Interactions("toy", users, items, n_users, n_items, **{"order": "rows", **more})


def forty_users(n: int = 5) -> Interactions:
    """Forty users with n items each, the lines of all users mixed."""
    steps, users = np.divmod(np.arange(40 * n), 40)
    return make(users, (users + 7 * steps) % 50)


def pairs(part: Csr) -> set[tuple[int, int]]:
    return set(zip(part.rows.tolist(), part.indices.tolist(), strict=True))


def people(part: Csr) -> set[int]:
    return set(part.rows.tolist())


def scenario_of(data: Interactions, rule: str = "auto") -> Scenario:
    parts = split(data, rule)
    return Scenario(data, parts, Bands.of(parts.train.counts, "mass"), "train")


def given_by_users() -> Interactions:
    """Two train users, one of valid and one of test, as a file would give them."""
    users, items = [0, 0, 0, 1, 1, 2, 2, 3, 3, 3], [0, 1, 2, 1, 0, 1, 0, 4, 0, 2]
    return make(users, items, part=np.array([0, 0, 0, 0, 0, 3, 1, 3, 3, 2], np.int8))


def test_users_are_divided_eight_to_one_to_one() -> None:
    parts = split(forty_users(), "users")
    assert parts.rule == "users(0.8,0.1,0.1,seed=0)" and parts.order == "rows"
    assert parts.fold_in is not None
    groups = [people(part) for part in (parts.train, parts.valid, parts.test)]
    assert [len(group) for group in groups] == [32, 4, 4]
    assert set.union(*groups) == set(range(40))
    assert people(parts.fold_in) == groups[1] | groups[2]


def test_the_last_item_is_the_target_and_the_others_are_history() -> None:
    data = forty_users()
    parts = split(data, "users")
    assert parts.fold_in is not None
    for user in range(40):
        own = data.items[data.users == user].tolist()
        if user in people(parts.train):
            assert parts.train.row(user).tolist() == own
            continue
        target = parts.valid if user in people(parts.valid) else parts.test
        assert (parts.fold_in.row(user).tolist(), target.row(user).tolist()) == (own[:-1], own[-1:])


def test_more_than_one_last_item() -> None:
    parts = split(forty_users(), "users(0.8,0.1,0.1,last=2)")
    assert parts.rule == "users(0.8,0.1,0.1,last=2,seed=0)" and parts.fold_in is not None
    assert set(parts.test.lengths.tolist()) == {0, 2}
    assert parts.fold_in.lengths[parts.test.lengths > 0].tolist() == [3] * 4
    assert split(forty_users(), parts.rule, seed=9).hash == parts.hash
    assert split(forty_users(), "users(0.8,0.1,0.1, seed=0, last=2)").hash == parts.hash


def test_time_decides_what_is_last() -> None:
    data = forty_users()
    backwards = dataclasses.replace(data, times=-np.arange(float(len(data))), order="time")
    parts = split(backwards, "users")
    user = min(people(parts.test))
    own = data.items[data.users == user][::-1].tolist()
    assert parts.fold_in is not None
    assert parts.fold_in.row(user).tolist() + parts.test.row(user).tolist() == own


def test_the_seed_decides_who_is_held_out() -> None:
    first, same, other = (split(forty_users(), "users", seed=seed) for seed in (0, 0, 1))
    assert first.hash == same.hash != other.hash
    assert split(forty_users(), "users(0.8,0.1,0.1,seed=1)").hash == other.hash


def test_the_history_is_part_of_the_hash() -> None:
    data = given_by_users()
    order = np.array([0, 1, 2, 3, 4, 5, 6, 8, 7, 9])
    swapped = dataclasses.replace(data, items=data.items[order])
    assert split(data).hash != split(swapped).hash


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=5, max_size=60, unique=True),
    st.integers(1, 3),
    st.integers(0, 3),
)
def test_every_pair_is_in_one_part_and_no_user_on_both_sides(
    cells: list[tuple[int, int]], last: int, seed: int
) -> None:
    users, items = zip(*cells, strict=True)
    try:
        parts = split(make(users, items), f"users(0.5,0.2,0.3,last={last})", seed=seed)
    except UserError as error:  # tiny data can leave a part empty, which is an error
        assert "leaves the" in str(error)
        return
    assert parts.fold_in is not None
    every = [parts.train, parts.valid, parts.test, parts.fold_in]
    assert sorted(pair for part in every for pair in pairs(part)) == sorted(cells)
    held = people(parts.valid) | people(parts.test)
    assert people(parts.fold_in) == held and not held & people(parts.train)
    assert not people(parts.valid) & people(parts.test)
    assert set(parts.test.lengths[parts.test.lengths > 0].tolist()) == {last}


def test_who_has_too_few_pairs_is_trained_on_and_counted() -> None:
    data = forty_users()
    more = make(np.r_[data.users, [40, 41, 41]], np.r_[data.items, [1, 2, 3]])
    for seed in range(5):
        assert 40 in people(split(more, f"users(0.5,0.2,0.3,seed={seed})").train)
        assert {40, 41} <= people(split(more, f"users(0.5,0.2,0.3,last=2,seed={seed})").train)
    notes = " ".join(scenario_of(more, "users(0.8,0.1,0.1,last=2)").notes)
    assert "2 users have too few pairs to be held out (3 are needed): trained on." in notes
    assert "too few" not in " ".join(scenario_of(data, "users").notes)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("users(0.8,0.2)", "three shares that sum to 1"),
        ("users(0.8,0.1,0.2)", "three shares that sum to 1"),
        ("users(0.8,0.1,0.1,last=0)", "last must be 1 or more, got 0"),
        ("users(0.8,0.1,0.1,first=2)", "takes numbers such as 0.8 or 1/3; got `first=2`"),
        ("ratio(0.8,0.1,0.1,last=2)", "got `last=2`"),
        ("users(0.8,0.2,0)", "leaves the test part of toy empty"),
        ("users(0.8,0.1,0.1,last=5)", "leaves the test part of toy empty"),
    ],
)
def test_mistakes_are_one_sentence(rule: str, words: str) -> None:
    with pytest.raises(UserError) as error:
        split(forty_users(), rule)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_data_without_an_order_are_refused() -> None:
    with pytest.raises(UserError, match="needs an order of each user's pairs"):
        split(dataclasses.replace(forty_users(), order="none"), "users")


def test_a_given_split_by_users() -> None:
    scenario = scenario_of(given_by_users())
    parts = scenario.split
    assert (parts.rule, parts.order) == ("files", "rows") and "order" in scenario.provides
    assert pairs(parts.valid) == {(2, 0)} and pairs(parts.test) == {(3, 2)}
    assert scenario.history("valid").row(2).tolist() == [1]
    assert scenario.history("test").row(3).tolist() == [4, 0]
    assert scenario.history("test").row(0).tolist() == [0, 1, 2]
    assert scenario.masked("test").row(3).tolist() == [4, 0]
    assert people(scenario.excluded) == {0, 1} and parts.train.counts.tolist() == [2, 2, 1, 0, 0]
    assert scenario.record()["split"]["fold_in"] == 3
    (note,) = [note for note in scenario.notes if note.startswith("split by users")]
    assert "2 are trained on; 1 valid user and 1 test user are not" in note
    assert "their last item is ranked" in note


def test_a_given_split_by_users_without_valid_takes_train_users() -> None:
    data = forty_users()
    held = data.users >= 30
    part = fold_in(data.users, np.where(held, np.int8(2), np.int8(0)), np.arange(len(data)))
    parts = split(dataclasses.replace(data, part=part), "files(0.1)", seed=3)
    assert parts.rule == "files(0.1,seed=3)" and parts.fold_in is not None
    assert len(people(parts.valid)) == 3 and people(parts.valid) < set(range(30))
    assert people(parts.test) == set(range(30, 40))
    assert not people(parts.valid) & people(parts.train)
    assert people(parts.fold_in) == people(parts.valid) | people(parts.test)
    assert parts.valid.lengths.max() == 1
    assert parts.hash == split(dataclasses.replace(data, part=part), parts.rule).hash


def test_other_splits_have_no_history_of_their_own() -> None:
    scenario = scenario_of(forty_users(), "leave_one_out")
    assert scenario.split.fold_in is None and scenario.history("valid") is scenario.split.train
    assert pairs(scenario.history("test")) == pairs(scenario.split.train) | pairs(
        scenario.split.valid
    )
    assert "fold_in" not in scenario.record()["split"]


def test_a_given_split_with_an_order_keeps_it_for_every_rule() -> None:
    part = np.array([0, 0, 0, 1, 2] * 2, np.int8)
    data = make([0] * 5 + [1] * 5, [4, 3, 2, 1, 0, 0, 2, 4, 1, 3], part=part)
    scenario = scenario_of(data)
    assert (scenario.split.rule, scenario.split.order) == ("files", "rows")
    assert scenario.history("test").row(1).tolist() == [0, 2, 4, 1]
    left_out = split(data, "leave_one_out")
    assert (left_out.order, left_out.test.row(0).tolist()) == ("rows", [0])
    assert left_out.train.row(0).tolist() == [4, 3, 2]


def test_noise_and_planting_touch_train_users_only() -> None:
    parts = split(given_by_users())
    disliked = Csr.of([0, 3, 2], [3, 1, 4], n_rows=4, n_columns=5)
    noisy, added = noise_injection.inject_disliked(parts, disliked)
    assert pairs(added) == {(0, 3)} and people(noisy.train) == {0, 1}
    wide = split(forty_users(), "users")
    for changed in (
        noise_injection.inject_random(wide, 0.5)[0],
        planted_false_negatives.plant(wide, 0.2)[0],
    ):
        assert people(changed.train) == people(wide.train)
        assert same_held_out(changed, wide)


def same_held_out(one: Split, other: Split) -> bool:
    assert one.fold_in is not None and other.fold_in is not None
    kept = [(one.fold_in, other.fold_in), (one.test, other.test), (one.valid, other.valid)]
    return all(pairs(a) == pairs(b) for a, b in kept)


def test_exclusions_of_held_out_items_are_refused(tmp_path) -> None:
    data = forty_users()
    rows = zip(data.users, data.items, range(len(data)), strict=True)
    path = tmp_path / "shop.csv"
    path.write_text("user,item,time\n" + "".join(f"u{u},i{i},{t}\n" for u, i, t in rows))
    assert prepare(str(path), rule="users").split.rule_name == "users"
    with pytest.raises(UserError, match="no user who is trained on has any"):
        prepare(str(path), rule="users", exclude="all")


def test_a_core_says_whose_target_it_drops() -> None:
    data = make(
        [0, 0, 1, 1, 2, 2, 2],
        [0, 1, 0, 1, 0, 1, 2],
        part=np.array([0, 0, 0, 0, 3, 3, 2], np.int8),
    )
    core = k_core(data, 2)
    assert core.part is not None and core.part.tolist() == [0, 0, 0, 0, FOLD_IN, FOLD_IN]
    assert "1 held-out users lose the item to be ranked" in core.notes[-1]
