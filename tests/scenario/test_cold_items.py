"""cold_items: a share of the items in test only, the other pairs as by `random`, told in a note."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negbench.data.features import Features, Numeric
from negbench.data.interactions import Interactions
from negbench.errors import UserError
from negbench.scenario.cold_items import cold_items
from negbench.scenario.popularity_bands import Bands
from negbench.scenario.rule_syntax import Rule
from negbench.scenario.split_variants import split_variants
from negbench.scenario.splits import split


def met(n_users: int = 40, n_items: int = 50, each: int = 12, seed: int = 0) -> Interactions:
    draw = np.random.default_rng(seed)
    items = [draw.choice(n_items, each, replace=False) for _ in range(n_users)]
    users = np.repeat(np.arange(n_users), each)
    return Interactions("toy", users, np.concatenate(items), n_users, n_items)


@settings(max_examples=25)
@given(st.integers(0, 50), st.sampled_from(["0.1", "0.3", "1/2"]), st.integers(10, 30))
def test_cold_items_are_in_test_only_and_the_others_split_as_by_random(
    seed: int, share: str, n_items: int
) -> None:
    data = met(n_items=n_items, each=5)
    cold = cold_items(data, Rule("cold_items", (share,), seed))
    assert cold.sum() == int(Fraction(share) * n_items)
    parts = split(data, f"cold_items({share},seed={seed})")
    warm = ~cold[data.items]
    rest = replace(data, users=data.users[warm], items=data.items[warm])
    twin = split(rest, f"random(0.8,0.1,0.1,seed={seed})")
    assert (parts.train.keys == twin.train.keys).all()
    assert (parts.valid.keys == twin.valid.keys).all()
    late = data.users[~warm] * n_items + data.items[~warm]
    assert (parts.test.keys == np.sort(np.concatenate([twin.test.keys, late]))).all()


def test_every_item_is_cold_as_often_as_the_share_says() -> None:
    data, n = met(n_items=10, each=5), 400
    drawn = sum(cold_items(data, Rule("cold_items", ("0.3",), s)).astype(int) for s in range(n))
    assert drawn.sum() == 3 * n and (abs(drawn - 0.3 * n) < 4 * np.sqrt(0.21 * n)).all()


@pytest.mark.parametrize("rule", ["cold_items(0)", "cold_items(1)", "cold_items(0.1,0.1)"])
def test_other_shares_are_refused(rule: str) -> None:
    with pytest.raises(UserError, match=r"needs one share of the items"):
        split(met(), rule)
    with pytest.raises(UserError, match="less than one of the 50 items"):
        split(met(), "cold_items(0.01)")


def test_the_notes_say_who_is_cold_and_who_draws_them() -> None:
    data = met()
    parts = split(data, "cold_items")
    assert parts.rule == "cold_items(0.1,seed=0)"
    cold = int((parts.train.counts[np.unique(parts.test.indices)] == 0).sum())
    about = next(note for note in parts.notes if "no train pair" in note)
    assert cold >= 5 and about.startswith(f"{cold} of ") and about.endswith("untrained vectors.")
    assert any("under cold_items the cold items are in test only" in note for note in parts.notes)
    bands = Bands.of(parts.train.counts, "count:1")
    assert bands.sizes["tail"] == int((parts.train.counts == 0).sum())
    known = replace(data, item_features=Features((), (Numeric("size", np.zeros(50)),)))
    about = next(note for note in split(known, "cold_items").notes if "no train pair" in note)
    assert about.endswith(", but where a backbone reads their features (two_tower).")


def test_it_is_repeated_under_the_next_seeds() -> None:
    assert split_variants("cold_items(0.2)", 2, met()) == (
        "cold_items(0.2,seed=0)",
        "cold_items(0.2,seed=1)",
    )
