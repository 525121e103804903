"""The anchors, against naive twins."""

import numpy as np
import pytest
from helpers.audience_on_paper import audience, drawn

from negbench.analysis.audit.inputs import System
from negbench.analysis.audit.item_groups import ItemGroups
from negbench.analysis.audit.shown import (
    most_popular_lists,
    of_history,
    of_most_popular,
    of_random,
    of_system,
)


@pytest.mark.parametrize("seed", range(5))
def test_the_most_popular_lists_are_those_of_a_naive_sort(seed):
    of = drawn(np.random.default_rng(seed), metric=("ndcg", 4))
    counts = of.train.counts
    for user, top in enumerate(most_popular_lists(of)):
        own = set(of.seen.row(user).tolist())
        best = sorted((counts[i] for i in range(of.n_items) if i not in own), reverse=True)[:4]
        assert [counts[item] for item in top] == best
        assert not own & set(top.tolist()) and len(set(top.tolist())) == 4


def test_a_user_who_has_seen_nearly_all_has_a_short_list():
    of = audience([[0, 1, 2], [0]], [[3], [1]], 4, metric=("ndcg", 3))
    assert most_popular_lists(of)[0].tolist() == [3, -1, -1]


def test_nothing_is_more_popular_than_the_most_popular_and_random_is_the_mean_of_all():
    of = drawn(np.random.default_rng(1), metric=("recall", 3))
    popular, chance = of_most_popular(of), of_random(of)
    assert (popular.popularity >= chance.popularity).all()
    for user in of.users:
        free = np.setdiff1d(np.arange(of.n_items), of.seen.row(user))
        assert chance.popularity[0, user] == pytest.approx(of.train.counts[free].mean())
        assert chance.shares[0, user] == pytest.approx(
            [(of.bands.labels[free] == band).mean() for band in range(3)]
        )


def test_a_system_that_gives_back_the_histories_is_the_histories():
    train = [[0, 1], [1, 2], [0, 3]]
    of = audience(train, [[2], [0], [1]], 5)
    same = of_system(of, System("same", "lists", np.array([train]), np.full((1, 3), np.nan)))
    own = of_history(of)
    for name in ("popularity", "shares", "exposure", "coverage"):
        assert getattr(same, name) == pytest.approx(getattr(own, name)), name


def test_groups_of_items_share_an_item_of_several_values():
    groups = ItemGroups.of("genre", ["war|drama", "war", "", "drama | war|war"], np.ones(4, int))
    assert groups.names == ("war", "(none)", "drama")
    assert groups.weights.sum(axis=1) == pytest.approx(np.ones(4))
    assert groups.weights[0].tolist() == [0.5, 0, 0.5] and groups.weights[2].tolist() == [0, 1, 0]
    of = audience([[0, 1], [2]], [[], []], 4, groups=groups)
    assert of_history(of).groups[0].tolist() == [[0.75, 0, 0.25], [0, 1, 0]]


def test_of_many_values_the_smallest_are_together():
    words = [f"g{at:02d}" for at in range(30) for _ in range(30 - at)]
    groups = ItemGroups.of("genre", words, np.ones(len(words), int))
    assert groups.names[:2] == ("g00", "g01") and groups.names[-1] == "(others)"
    assert len(groups.names) == 12 and groups.weights.sum() == pytest.approx(len(words))
