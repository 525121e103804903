"""Versions of a split rule: legal rules of one family, the first the rule as it is."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negbench.data.interactions import Interactions
from negbench.errors import UserError
from negbench.scenario.rule_family import same_family
from negbench.scenario.scenario import prepare
from negbench.scenario.split_variants import split_variants
from negbench.scenario.splits import split

TIMED = ("ratio", "ratio(0.6,0.2,0.2)", "temporal", "temporal(0.7,0.8,0.9)", "loo")
DRAWN = ("random", "random(0.8,0.1,0.1,seed=4)", "users(0.8,0.1,0.1,last=2)", "popularity_shift")


def data(**more: Any) -> Interactions:
    rng = np.random.default_rng(0)
    keys = rng.permutation(np.unique(rng.integers(0, 50 * 300, 2000)))
    users, items = np.divmod(keys, 300)
    return Interactions("toy", users, items, 50, 300, **more)


def timed(**more: Any) -> Interactions:
    n = len(data())
    return data(times=np.random.default_rng(1).random(n) * 1e6 + 1e9, order="time", **more)


@pytest.mark.parametrize("rule", [*TIMED, *DRAWN])
def test_they_are_other_splits_of_one_family_and_the_first_is_the_rule(rule: str) -> None:
    variants = split_variants(rule, 3, timed())
    splits = [split(timed(), each) for each in variants]
    assert [each.rule for each in splits] == list(variants)
    assert splits[0].hash == split(timed(), rule).hash
    assert len({each.hash for each in splits}) == 3
    assert all(same_family(one, other) for one in variants for other in variants)


@pytest.mark.parametrize("rule", TIMED)
def test_moved_back_in_time_no_pair_is_a_test_pair_twice_and_sizes_stay(rule: str) -> None:
    splits = [split(timed(), each) for each in split_variants(rule, 3, timed())]
    tests = [each.test.keys for each in splits]
    assert len(np.unique(np.concatenate(tests))) == sum(map(len, tests))
    for part in ("valid", "test"):
        sizes = [len(getattr(each, part)) for each in splits]
        assert max(sizes) - min(sizes) <= 50  # a pair more or less for each of 50 users
    assert all(len(later.train) < len(earlier.train) for earlier, later in pairwise(splits))


def test_a_version_trains_on_what_was_known_before_its_test_window() -> None:
    whole = timed()
    by_pair = dict(zip((whole.users * 300 + whole.items).tolist(), whole.times, strict=True))
    for rule in split_variants("temporal(0.8,0.9)", 3, whole):
        parts = split(whole, rule)
        train, test = ([by_pair[k] for k in p.keys.tolist()] for p in (parts.train, parts.test))
        assert max(train) < min(test)
    assert split_variants("temporal(0.8,0.9)", 3, whole)[2] == "temporal(0.6,0.7,0.8)"


def test_what_is_left_out_is_said() -> None:
    whole = timed()
    parts = split(whole, split_variants("ratio", 2, whole)[1])
    left = len(whole) - len(parts.train) - len(parts.valid) - len(parts.test)
    sentence = f"{left:,} of {len(whole):,} pairs are newer than the test pairs of {parts.rule}"
    assert left > 100 and f"{sentence} and in no part." in parts.notes


def test_auto_is_resolved_first() -> None:
    assert split_variants("auto", 2, timed())[1] == "ratio(0.7,0.1,0.1,0.1)"
    assert split_variants("auto", 2, data())[1] == "random(0.8,0.1,0.1,seed=1)"
    parts = np.arange(len(data())) % 5 // 4 * np.int8(2)
    assert split_variants("auto", 2, data(part=parts))[1] == "files(0.1,seed=1)"


def test_given_parts_cannot_be_repeated() -> None:
    parts = (np.arange(len(data())) % 3).astype(np.int8)
    assert split_variants("files", 1, data(part=parts)) == ("files(0.1,seed=0)",)
    with pytest.raises(UserError, match="the parts of toy are given; use --split ratio"):
        split_variants("files", 2, data(part=parts))


@pytest.mark.parametrize(
    ("rule", "n", "why"),
    [
        ("temporal(1/3,2/3)", 3, "moves split rule `temporal.1/3,2/3.` back by 2 test parts"),
        ("ratio(0.8,0.2,0)", 2, "back by 1 test part, and no train part is left"),
        ("ratio(0.8,0.2)", 2, "three shares"),
        ("nosuch", 2, "unknown split rule"),
        ("random", 0, "--splits must be 1 or more; got 0"),
    ],
)
def test_refused(rule: str, n: int, why: str) -> None:
    with pytest.raises(UserError, match=why):
        split_variants(rule, n, timed())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("random(0.8,0.1,0.1,seed=0)", "random(0.6,0.2,0.2,seed=1)"),
        ("random(0.8,0.1,0.1,seed=0)", "ratio(0.8,0.1,0.1)"),
        ("temporal(0.8,0.9)", "temporal(0.6,0.8)"),
        ("users(0.8,0.1,0.1,seed=0)", "users(0.8,0.1,0.1,last=2,seed=1)"),
        ("ratio(0.8,0.1,0.1)", "ratio(0.7,0.2,0.1)"),
        ("files", "no rule at all!"),
    ],
)
def test_rules_that_do_not_repeat_one(one: str, other: str) -> None:
    assert not same_family(one, other)


def test_random_noise_is_no_pair_that_a_version_leaves_out(tmp_path: Path) -> None:
    whole = timed()
    lines = zip(whole.users, whole.items, whole.times, strict=True)  # type: ignore[arg-type]
    path = tmp_path / "toy.csv"
    text = "\n".join(f"{user},{item},{time:.0f}" for user, item, time in lines)
    path.write_text(f"user,item,timestamp\n{text}\n", "utf-8")
    scenario = prepare(str(path), rule="ratio(0.3,0.1,0.1,0.5)", noise=0.9)
    every, noise = scenario.interactions, scenario.noise
    assert noise is not None and len(noise) > 400
    assert not np.isin(noise.keys, every.users * every.n_items + every.items).any()
