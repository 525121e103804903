"""popularity_shift: drawn as the law says, never a user's last pair, valid without the shift."""

from itertools import combinations_with_replacement

import numpy as np
import pytest
from scipy.stats import chisquare

from negbench.data.interactions import Interactions
from negbench.errors import UserError
from negbench.scenario.item_distribution import item_distributions
from negbench.scenario.popularity_shift import assign_parts
from negbench.scenario.rule_syntax import Rule
from negbench.scenario.splits import split

COUNTS = np.array([8, 4, 2, 1])


def small() -> Interactions:
    """Fifteen pairs of five users: no two draws can take all of a user."""
    return Interactions("toy", np.arange(15) % 5, np.repeat(np.arange(4), COUNTS), 5, 4)


def skewed(n_users: int = 400, n_items: int = 200, each: int = 20) -> Interactions:
    """Users who have met items by a power law of their rank."""
    generator = np.random.default_rng(0)
    law = 1 / np.arange(1, n_items + 1)
    items = [generator.choice(n_items, each, False, law / law.sum()) for _ in range(n_users)]
    users = np.repeat(np.arange(n_users), each)
    return Interactions("skewed", users, np.concatenate(items), n_users, n_items)


def chances(alpha: float) -> dict[tuple[int, int], float]:
    """Of the items of the first two pairs drawn, by going through all pairs of pairs."""
    items = np.repeat(np.arange(4), COUNTS)
    weights = COUNTS[items] ** -(1 - alpha)
    p = weights / weights.sum()
    shares = dict.fromkeys(combinations_with_replacement(range(4), 2), 0.0)
    for first in range(15):
        for second in set(range(15)) - {first}:
            low, high = sorted((int(items[first]), int(items[second])))
            shares[low, high] += p[first] * p[second] / (1 - p[first])
    return shares


@pytest.mark.parametrize("alpha", ["1", "0.5", "0"])
def test_the_items_of_two_draws_come_as_often_as_the_law_says(alpha: str) -> None:
    data, wanted, n = small(), chances(float(alpha)), 3000
    seen = dict.fromkeys(wanted, 0)
    for seed in range(n):
        parts = assign_parts(data, Rule("popularity_shift", (alpha, "0.14"), seed))
        low, high = sorted(data.items[parts == 2].tolist())
        seen[low, high] += 1
    assert seen.pop((3, 3)) == wanted.pop((3, 3)) == 0  # it has one pair
    assert chisquare(list(seen.values()), n * np.array(list(wanted.values()))).pvalue > 1e-3


def test_alpha_one_draws_every_pair_alike() -> None:
    data = small()
    drawn = sum(
        assign_parts(data, Rule("popularity_shift", ("1", "0.2"), seed)) == 2
        for seed in range(2000)
    )
    assert chisquare(drawn).pvalue > 1e-3


def test_the_smaller_alpha_the_flatter_test_and_the_farther_from_train() -> None:
    shifts = [
        item_distributions(split(skewed(), f"popularity_shift({alpha})"))
        for alpha in (1, 0.75, 0.5, 0)
    ]
    ginis, kls = ([getattr(t["test"], name) for t in shifts] for name in ("gini", "kl"))
    assert ginis == sorted(ginis, reverse=True) and kls == sorted(kls)
    assert ginis[0] - ginis[-1] > 0.2 and shifts[-1]["test"].effective > shifts[0]["test"].effective
    assert shifts[0]["test"].gini == pytest.approx(shifts[0]["valid"].gini, abs=0.04)
    assert shifts[0]["test"].kl == pytest.approx(shifts[0]["valid"].kl, abs=0.04)


def test_valid_is_as_popular_as_what_test_left() -> None:
    data = skewed()
    counts = np.bincount(data.items)
    means = []
    for seed in range(30):
        parts = assign_parts(data, Rule("popularity_shift", ("0",), seed))
        popularity = counts[data.items]
        means.append([popularity[parts == part].mean() for part in range(3)])
    train, valid, test = np.mean(means, 0)
    assert valid == pytest.approx(train, rel=0.01) and test < 0.6 * valid


def test_sizes_and_the_rule_in_full() -> None:
    parts = split(skewed(), "popularity_shift(0.5)", seed=4)
    assert parts.rule == "popularity_shift(0.5,0.1,seed=4)"
    assert (len(parts.train), len(parts.valid), len(parts.test)) == (6400, 800, 800)
    assert split(skewed(), "popularity_shift").rule == "popularity_shift(0,0.1,seed=0)"
    assert "nothing is stopped or selected" in parts.notes[0]


def test_the_seed_decides() -> None:
    data = skewed()
    first, other = (split(data, "popularity_shift(0)", seed=seed).hash for seed in (1, 2))
    assert first == split(data, "popularity_shift(0,0.1,seed=1)").hash != other


def test_a_user_keeps_a_train_pair_even_of_rare_items() -> None:
    # Users 0 to 9 have the only pairs of two rare items each, the others share one item.
    users = np.concatenate([np.repeat(np.arange(10), 2), 10 + np.arange(300)])
    items = np.concatenate([1 + np.arange(20), np.zeros(300, np.int64)])
    data = Interactions("rare", users, items, 310, 21)
    parts = split(data, "popularity_shift(0,0.4)")
    assert (parts.train.lengths == 1).all()
    assert len(parts.test) == 10  # asked for 124; the pairs that no user can spare stay in train


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("popularity_shift(1.1)", "an alpha from 0 (all items alike) to 1"),
        ("popularity_shift(-0.1)", "an alpha from 0"),
        ("popularity_shift(0.5,0.1,0.1)", "an alpha from 0"),
        ("popularity_shift(0.5,0)", "above 0 and below 0.5"),
        ("popularity_shift(0.5,0.5)", "above 0 and below 0.5"),
    ],
)
def test_mistakes_are_one_sentence(rule: str, words: str) -> None:
    with pytest.raises(UserError) as error:
        split(small(), rule)
    assert words in str(error.value) and rule in str(error.value) and "\n" not in str(error.value)
