from math import sqrt

import numpy as np
import pytest
from helpers.audit_on_paper import LABELS, TEST, TOP, TRAIN, USERS, csr
from hypothesis import given
from hypothesis import strategies as st

from negbench.evaluation.popularity_bias.group_parity import popreo, poprsp
from negbench.evaluation.popularity_bias.nan_mean import unevenness

sets = st.lists(st.sets(st.integers(0, 5)), min_size=4, max_size=4)


def test_popreo_on_paper():
    # hits of liked: head 2 of 2 (1 by user 2, 0 by user 4), mid 3 of 5, tail 0 of 3
    # 1, 3/5, 0: mean 8/15, deviations 7/15 1/15 -8/15, variance (49 + 1 + 64) / 225 / 3
    expected = sqrt(38) / 15 / (8 / 15)
    assert popreo(TOP, USERS, TEST, LABELS, 3) == pytest.approx(expected)


def test_poprsp_on_paper():
    # shown: head 1 + 2, mid 3 + 2, tail 1; could be shown: 10 less the train pairs 7, 2, 1
    # 3/3, 5/8, 1/9 = 72, 45, 8 of 72: mean 125/3, variance (91^2 + 10^2 + 101^2) / 9 / 3
    expected = sqrt(18582 / 27) / (125 / 3)
    assert poprsp(TOP, USERS, TRAIN, LABELS, 3) == pytest.approx(expected)


def test_equal_hit_rates_are_no_bias():
    test = csr([[0, 2, 4], [1, 3, 5], [0, 2, 4], [1, 3, 5], []])
    everything = np.tile(np.arange(6), (5, 1))
    assert popreo(everything, USERS, test, LABELS, 3) == pytest.approx(0)
    half = np.array([[0, 2, 4], [0, 2, 4], [1, 3, 5], [1, 3, 5], [1, 3, 5]])
    assert popreo(half, USERS, test, LABELS, 3) == pytest.approx(0)  # one half of every band


def test_one_band_alone_is_the_greatest_bias_of_three():
    test = csr([[0, 2, 4]] * 5)
    only = np.array([[0]] * 5)
    assert popreo(only, USERS, test, LABELS, 3) == pytest.approx(sqrt(2))  # 1 0 0: (sqrt 2 / 3) * 3


def test_all_that_can_be_shown_is_parity():
    top = np.full((5, 6), -1)
    for user in range(5):
        rest = np.setdiff1d(np.arange(6), TRAIN.row(user))
        top[user, : len(rest)] = rest
    assert poprsp(top, USERS, TRAIN, LABELS, 3) == pytest.approx(0)


@given(sets, sets, sets)
def test_both_equal_naive_loops(liked, had, shown):
    test, seen = csr([sorted(s) for s in liked]), csr([sorted(s) for s in had])
    users = np.array([u for u in range(4) if liked[u]], np.int64)
    top = np.full((len(users), 6), -1)
    for row, user in enumerate(users):
        top[row, : len(shown[user])] = sorted(shown[user])
    reo, rsp = [], []
    for band in range(3):
        items = {2 * band, 2 * band + 1}
        hits = sum(len(shown[u] & liked[u] & items) for u in users)
        wanted = sum(len(liked[u] & items) for u in users)
        reo.append(hits / wanted if wanted else np.nan)
        could = sum(len(items - had[u]) for u in users)
        given_ = sum(len(shown[u] & items) for u in users)
        rsp.append(given_ / could if could else np.nan)
    assert popreo(top, users, test, LABELS, 3) == pytest.approx(unevenness(reo), nan_ok=True)
    assert poprsp(top, users, seen, LABELS, 3) == pytest.approx(unevenness(rsp), nan_ok=True)


def test_undefined_where_there_is_nothing_to_compare():
    nothing = np.full((5, 2), -1)
    assert np.isnan(popreo(nothing, USERS, TEST, LABELS, 3))  # every rate is 0
    assert np.isnan(poprsp(nothing, USERS, TRAIN, LABELS, 3))
    one_band = csr([[0], [1], [0], [1], [0]])
    assert np.isnan(popreo(TOP, USERS, one_band, LABELS, 3))
    assert np.isnan(popreo(TOP[:0], USERS[:0], TEST, LABELS, 3))


def test_a_band_without_items_is_left_out():
    wide = popreo(TOP, USERS, TEST, LABELS, 4)
    assert wide == pytest.approx(popreo(TOP, USERS, TEST, LABELS, 3))
