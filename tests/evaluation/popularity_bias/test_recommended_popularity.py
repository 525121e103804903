import numpy as np
import pytest
from helpers.audit_on_paper import LABELS, POP, TOP
from hypothesis import given
from hypothesis import strategies as st

from negbench.evaluation.popularity_bias.recommended_popularity import aplt, arp

lists = st.lists(st.permutations(range(6)), min_size=1, max_size=5).map(np.array)


def test_arp_on_paper():
    # (1+1)/2, (1+1)/2, (3+1)/2, (3+1)/2, and 4 alone: the mean of 1 1 2 2 4
    assert arp(TOP, POP) == pytest.approx(10 / 5)


def test_aplt_on_paper():
    # only item 4 of the tail {4, 5} is shown, as one of user 1's two: the mean of 0 1/2 0 0 0
    assert aplt(TOP, LABELS, 2) == pytest.approx(0.1)


def test_the_most_popular_items_have_the_highest_arp_of_any_lists():
    best = arp(np.array([[0, 1]]), POP)
    for a in range(6):
        for b in range(6):
            assert a == b or arp(np.array([[a, b]]), POP) <= best


@given(lists)
def test_arp_and_aplt_equal_naive_loops(order):
    top = order[:, :3]
    naive = np.mean([np.mean([POP[i] for i in row]) for row in top])
    assert arp(top, POP) == pytest.approx(naive)
    share = np.mean([sum(i in (4, 5) for i in row) / 3 for row in top])
    assert aplt(top, LABELS, 2) == pytest.approx(share)


def test_empty_lists_are_left_out_and_nothing_is_nan():
    assert arp(np.array([[-1, -1], [0, -1]]), POP) == 4
    assert np.isnan(arp(np.array([[-1, -1]]), POP))
    assert np.isnan(arp(np.zeros((0, 2), int), POP))
    assert np.isnan(aplt(TOP, np.zeros(6, np.int8), 2))  # the tail has no items
