from math import sqrt

import numpy as np
import pytest
from helpers.audit_on_paper import POP, RANKS, TEST, csr
from scipy import stats

from negbench.evaluation.popularity_bias.opportunity_bias import pri, pru


def test_pru_on_paper():
    # user 0: pop 1 0, ranks 1 4: -1. User 1 has one item. User 2: pop 3 1, ranks 1 3: -1.
    # user 3: pop 1 1 0 has ranks 2.5 2.5 1, places 2 5 3 have 1 3 2: .5 x -1 + .5 x 1 - 1 x 0 = 0
    # user 4: pop 4 1, ranks 1 2: -1
    assert pru(RANKS, TEST, POP) == pytest.approx(3 / 4)


def test_pri_on_paper():
    # mean ranks of items 0 to 5: 1, 1, (1+2)/2, (1+5+2)/3, 3, (4+3)/2
    # their ranks 1.5 1.5 3 4 5 6, of pop 6 5 3 3 3 1; each less 3.5:
    # -2 -2 -.5 .5 1.5 2.5 by 2.5 1.5 -.5 -.5 -.5 -2.5 = -5 - 3 + .25 - .25 - .75 - 6.25 = -15
    # squares 17 and 15.5
    assert pri(RANKS, TEST, POP) == pytest.approx(15 / sqrt(17 * 15.5))


def test_a_ranking_by_popularity_is_all_bias_and_its_reverse_all_the_other_way():
    popularity = np.array([9, 7, 5, 3, 2, 1])
    by_popularity = TEST.indices + 1
    assert pru(by_popularity, TEST, popularity) == pytest.approx(1)
    assert pri(by_popularity, TEST, popularity) == pytest.approx(1)
    assert pru(7 - by_popularity, TEST, popularity) == pytest.approx(-1)
    assert pri(7 - by_popularity, TEST, popularity) == pytest.approx(-1)


def test_users_without_a_correlation_are_left_out():
    alone = csr([[0], [1], [], [2, 3], [4]])  # items 2 and 3 are equally popular
    assert np.isnan(pru(np.array([1, 2, 1, 2, 3]), alone, POP))
    nobody = csr([[], [], [], [], []])
    assert np.isnan(pru(np.zeros(0, int), nobody, POP))
    assert np.isnan(pri(np.zeros(0, int), nobody, POP))


def test_pairs_that_were_not_ranked_are_left_out():
    ranks = RANKS.copy()
    ranks[-2] = 0  # user 4 keeps one item, so -1 -1 0 remain
    assert pru(ranks, TEST, POP) == pytest.approx(2 / 3)


def test_both_equal_naive_loops_over_scipy():
    rng = np.random.default_rng(0)
    rows = [sorted(rng.choice(6, rng.integers(0, 6), replace=False).tolist()) for _ in range(30)]
    test, pop = csr(rows), np.array([7, 7, 4, 3, 1, 0])
    ranks = rng.integers(1, 50, len(test))
    by_user, by_item = [], {i: [] for i in range(6)}
    for user in range(30):
        mine = ranks[test.indptr[user] : test.indptr[user + 1]]
        for item, rank in zip(rows[user], mine, strict=True):
            by_item[item].append(rank)
        if len(set(pop[rows[user]])) > 1 and len(set(mine)) > 1:
            by_user.append(stats.spearmanr(pop[rows[user]], mine).statistic)
    assert pru(ranks, test, pop) == pytest.approx(-np.mean(by_user))
    means = [np.mean(by_item[i]) for i in range(6)]
    assert pri(ranks, test, pop) == pytest.approx(-stats.spearmanr(pop, means).statistic)
