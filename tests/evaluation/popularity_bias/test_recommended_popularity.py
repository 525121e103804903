import numpy as np
import pytest
from helpers.audit_on_paper import LABELS, POP, TOP, TRAIN
from hypothesis import given
from hypothesis import strategies as st

from negbench.data.interactions import Csr
from negbench.evaluation.popularity_bias.recommended_popularity import aplt, arp, relative_arp

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


def naive_relative_arp(top, users, popularity, seen):
    shown, even, highest = [], [], []
    for row, user in zip(top, users, strict=True):
        items = [i for i in row if i >= 0]
        unseen = sorted(popularity[i] for i in range(len(popularity)) if i not in seen[user])
        if items:
            shown.append(np.mean([popularity[i] for i in items]))
            even.append(np.mean(unseen))
            highest.append(np.mean(unseen[-len(items) :]))
    below = np.mean(even)
    return (np.mean(shown) - below) / (np.mean(highest) - below)


@given(st.integers(0, 10**6))
def test_relative_arp_equals_naive_loops_and_is_at_most_1(seed):
    rng = np.random.default_rng(seed)
    popularity = np.append(rng.integers(0, 4, 7), [5, 9])
    sets = [set(rng.choice(9, rng.integers(0, 6), replace=False).tolist()) for _ in range(5)]
    pairs = [(u, i) for u, items in enumerate(sets) for i in items for _ in range(1 + i % 2)]
    seen = Csr.of([u for u, _ in pairs], [i for _, i in pairs], n_rows=5, n_columns=9)
    users, top = np.array([3, 0, 4]), np.full((3, 3), -1)
    for row, user in zip(top, users, strict=True):
        unseen = [i for i in range(9) if i not in sets[user]]
        shown = rng.choice(unseen, rng.integers(1, 4), replace=False)
        row[: len(shown)] = shown
    value = relative_arp(top, users, popularity, seen)
    if np.isnan(value):  # all that these users have not seen is equally popular
        return
    assert value == pytest.approx(naive_relative_arp(top, users, popularity, sets), abs=1e-9)
    assert value <= 1 + 1e-12


def test_relative_arp_on_paper():
    # Unseen of users 0 .. 4: 2345, 345, 1245, 12345, 0235 with pop 1110, 110, 3110, 31110, 4110:
    # random 3/4 2/3 5/4 6/5 6/4, highest of 2 (1 of user 4): 1 1 2 2 4, as the lists have.
    assert relative_arp(TOP, np.arange(5), POP, TRAIN) == pytest.approx(1)
    least = np.array([[5, 2], [5, 3], [5, 4], [5, 2], [5, -1]])  # 1/2 1/2 1/2 1/2 0: mean 2/5
    below = (3 / 4 + 2 / 3 + 5 / 4 + 6 / 5 + 6 / 4) / 5
    expected = (2 / 5 - below) / (2 - below)
    assert relative_arp(least, np.arange(5), POP, TRAIN) == pytest.approx(expected)


def test_relative_arp_of_nothing_is_nan():
    empty, even = np.full((5, 2), -1), np.ones(6, int)
    assert np.isnan(relative_arp(empty, np.arange(5), POP, TRAIN))
    assert np.isnan(relative_arp(TOP, np.arange(5), even, TRAIN))
