"""Random lists in closed form, against every list that can be drawn."""

from itertools import permutations

import numpy as np
import pytest
from helpers.audience_on_paper import audience, drawn

from negbench.analysis.audit.list_accuracy import list_accuracy
from negbench.analysis.audit.random_lists import random_accuracy, random_coverage
from negbench.evaluation.metric_names import METRICS


def over_all_lists(of, k):
    """The mean metric of each user over all orders of his unseen items."""
    means = []
    for user in range(len(of.users)):
        free = np.setdiff1d(np.arange(of.n_items), of.seen.row(user))
        values = []
        for order in permutations(free.tolist()):
            top = np.full((len(of.users), k), -1)
            top[user, : min(k, len(order))] = order[:k]
            values.append(list_accuracy(of, top)[user])
        means.append(np.mean(values))
    return np.array(means)


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("average", ["users", "events"])
@pytest.mark.parametrize("k", [1, 3, 7])
def test_the_closed_form_is_the_mean_over_all_lists(name, average, k):
    train = [[0, 1], [2], [3, 4]]
    test = [[2, 3], [5], [0, 1, 2]]
    of = audience(train, test, 6, metric=(name, k), average=average)
    assert random_accuracy(of) == pytest.approx(over_all_lists(of, k))


def test_what_cannot_be_shown_counts_among_those_to_find_and_no_test_item_is_no_value():
    of = audience([[0], [1]], [[0, 2], []], 4, metric=("recall", 2))
    first, second = random_accuracy(of)
    assert first == pytest.approx(1 / 2 * 2 / 3)  # one of two can be shown, in 2 of 3 places
    assert np.isnan(second)


def test_a_metric_of_a_plug_in_has_no_closed_form():
    of = audience([[0]], [[1]], 4, metric=("own", 2))
    assert np.isnan(random_accuracy(of)).all()


def test_coverage_is_the_mean_of_many_draws():
    rng = np.random.default_rng(0)
    of = drawn(rng, n_users=3, n_items=9)
    covered = []
    for _ in range(4000):
        shown = {
            int(item)
            for user in of.users
            for item in rng.choice(np.setdiff1d(np.arange(9), of.seen.row(user)), 2, replace=False)
        }
        covered.append(len(shown) / 9)
    assert random_coverage(of.users, of.seen, 2) == pytest.approx(np.mean(covered), abs=0.01)
    everything = random_coverage(of.users, of.seen, 9)
    unseen_by_all = set.intersection(*(set(of.seen.row(u).tolist()) for u in of.users))
    assert everything == pytest.approx(1 - len(unseen_by_all) / 9)
