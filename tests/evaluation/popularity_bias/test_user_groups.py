from math import log2

import numpy as np
import pytest
from helpers.audit_on_paper import LABELS, NAN, POP, TOP, TRAIN, USERS, csr
from scipy.spatial.distance import jensenshannon

from negbench.evaluation.popularity_bias.list_statistics import (
    list_means,
    list_shares,
    profile_means,
    profile_shares,
)
from negbench.evaluation.popularity_bias.user_groups import dgap, jensen_shannon, taste_groups, upd

PROFILES = profile_shares(TRAIN, USERS, LABELS, 3)
LISTS = list_shares(TOP, LABELS, 3)
BEFORE, AFTER = profile_means(TRAIN, USERS, POP), list_means(TOP, POP)
GROUPS = taste_groups(PROFILES[:, 0], BEFORE)


def test_profiles_and_lists_on_paper():
    assert BEFORE == pytest.approx([7 / 2, 8 / 3, 5 / 2, 4, 2])
    assert AFTER == pytest.approx([1, 1, 2, 2, 4])
    assert PROFILES == pytest.approx(
        np.array([[1, 0, 0], [2 / 3, 1 / 3, 0], [0.5, 0.5, 0], [1, 0, 0], [0.5, 0, 0.5]])
    )
    assert LISTS == pytest.approx(
        np.array([[0, 1, 0], [0, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0.5, 0], [1, 0, 0]])
    )


def test_groups_on_paper():
    # shares of the head 1 2/3 1/2 1 1/2; users 2 and 4 are level, and 4's items are less popular
    # (2 against 2.5); users 0 and 3 are level, and 3's are more popular (4 against 3.5)
    assert GROUPS.tolist() == [1, 1, 1, 2, 0]


def test_dgap_on_paper():
    # all: profiles (21 + 16 + 15 + 24 + 12) / 6 / 5 = 44/15, lists 2: (30 - 44) / 44
    assert dgap(AFTER, BEFORE) == pytest.approx(-14 / 44)
    # niche: (4 - 2) / 2; blockbuster: (2 - 4) / 4
    assert dgap(AFTER[GROUPS == 0], BEFORE[GROUPS == 0]) == pytest.approx(1)
    assert dgap(AFTER[GROUPS == 2], BEFORE[GROUPS == 2]) == pytest.approx(-0.5)
    # diverse: profiles (7/2 + 8/3 + 5/2) / 3 = 26/9, lists 4/3 = 12/9
    assert dgap(AFTER[GROUPS == 1], BEFORE[GROUPS == 1]) == pytest.approx(-14 / 26)


def test_upd_on_paper():
    # user 0: nothing shared: 1. User 2: the same shares: 0.
    # users 3 and 4: (1, 0) against (1/2, 1/2), middle (3/4, 1/4):
    level = (log2(4 / 3) + 0.5 * log2(2 / 3) + 0.5 * log2(2)) / 2
    # user 1: (2/3, 1/3, 0) against (0, 1/2, 1/2), middle (1/3, 5/12, 1/4):
    one = (2 / 3 * log2(2) + 1 / 3 * log2(4 / 5) + 0.5 * log2(6 / 5) + 0.5 * log2(2)) / 2
    assert jensen_shannon(PROFILES, LISTS) == pytest.approx([1, one, 0, level, level])
    # niche {4}, diverse {0, 1, 2}, blockbuster {3}
    expected = (level + (1 + one + 0) / 3 + level) / 3
    assert upd(PROFILES, LISTS, GROUPS) == pytest.approx(expected)


def test_lists_like_the_profiles_have_no_lift_and_no_deviation():
    top = np.full((5, 3), -1)
    for user in range(5):
        top[user, : len(TRAIN.row(user))] = TRAIN.row(user)
    after, lists = list_means(top, POP), list_shares(top, LABELS, 3)
    for group in range(3):
        mine = GROUPS == group
        assert dgap(after[mine], BEFORE[mine]) == pytest.approx(0)
    assert dgap(after, BEFORE) == pytest.approx(0)
    assert upd(PROFILES, lists, GROUPS) == pytest.approx(0, abs=1e-12)


def test_divergence_is_that_of_scipy_and_lies_between_0_and_1():
    rng = np.random.default_rng(0)
    p, q = (rng.dirichlet([0.3, 0.3, 0.3], 50) for _ in range(2))
    p[:10] = q[:10]
    divergence = jensen_shannon(p, q)
    for at in range(50):
        assert divergence[at] == pytest.approx(jensenshannon(p[at], q[at], base=2) ** 2, abs=1e-9)
    assert (divergence >= 0).all() and (divergence <= 1).all()


def test_a_fifth_of_the_users_on_either_side():
    rng = np.random.default_rng(1)
    groups = taste_groups(rng.random(53), rng.random(53))
    assert np.bincount(groups).tolist() == [10, 33, 10]
    share = rng.random(53)
    groups = taste_groups(share, share)
    assert share[groups == 0].max() < share[groups == 1].min()
    assert share[groups == 1].max() < share[groups == 2].min()


def test_a_user_without_a_profile_is_in_no_group():
    train = csr([[], [0], [1], [2], [3], [4]])
    users = np.arange(6)
    shares, before = profile_shares(train, users, LABELS, 3), profile_means(train, users, POP)
    assert np.isnan(shares[0]).all() and np.isnan(before[0])
    groups = taste_groups(shares[:, 0], before)
    assert groups[0] == -1 and np.bincount(groups[1:]).tolist() == [1, 3, 1]
    lists = np.eye(3)[[0, 0, 0, 1, 1, 2]]  # each with a profile: its very band
    assert upd(shares, lists, groups) == pytest.approx(0, abs=1e-12)


def test_too_few_users_for_a_group():
    few = taste_groups(np.array([0.2, 0.8]), np.array([1.0, 2.0]))
    assert few.tolist() == [1, 1]
    assert np.isnan(dgap(np.array([]), np.array([])))
    assert np.isnan(dgap(np.array([NAN]), np.array([1.0])))
    assert np.isnan(upd(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0, np.int8)))
