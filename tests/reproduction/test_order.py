"""The order of two lists: Kendall's tau against scipy's, ties, and the pairs that turn."""

import math

import numpy as np
import pytest
from scipy.stats import kendalltau

from negbench.reproduction.order import compare


@pytest.mark.parametrize("seed", range(5))
def test_without_ties_it_is_kendalls_tau(seed):
    rng = np.random.default_rng(seed)
    published, ours = (rng.permutation(9) / 100 for _ in range(2))
    order = compare([str(at) for at in range(9)], published.tolist(), ours.tolist())
    assert order.tau == pytest.approx(kendalltau(published, ours).statistic)
    assert (order.pairs, order.ties) == (36, 0)
    assert len(order.turned) == round(36 * (1 - order.tau) / 2)


def test_the_order_that_holds_has_a_tau_of_1():
    order = compare(["a", "b", "c"], [0.1, 0.2, 0.3], [0.5, 0.6, 0.7])
    assert order.tau == 1 and order.holds


def test_a_tie_as_published_counts_neither_way():
    names, published = ["sl", "bsl", "psl"], [0.1719, 0.1719, 0.1718]
    for ours in ([0.2, 0.1, 0.05], [0.1, 0.2, 0.05]):
        order = compare(names, published, ours)
        assert (order.tau, order.pairs, order.ties, order.turned) == (1.0, 2, 1, ())
    turned = compare(names, published, [0.2, 0.1, 0.15])
    assert turned.tau == 0 and [(x.better, x.worse) for x in turned.turned] == [("bsl", "psl")]


def test_a_tie_here_is_no_pair_in_order_and_none_that_turns():
    order = compare(["a", "b"], [0.2, 0.1], [0.3, 0.3])
    assert order.tau == 0 and order.holds


def test_turned_pairs_say_by_how_much_the_largest_first():
    order = compare(["a", "b", "c"], [0.1, 0.2, 0.4], [0.3, 0.25, 0.2])
    assert [(x.better, x.worse) for x in order.turned] == [("c", "a"), ("c", "b"), ("b", "a")]
    assert order.turned[0].published == pytest.approx(0.3)
    assert order.turned[0].ours == pytest.approx(-0.1)


def test_all_ties_have_no_tau():
    order = compare(["a", "b"], [0.1, 0.1], [0.2, 0.3])
    assert math.isnan(order.tau) and order.holds and order.ties == 1
