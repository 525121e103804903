import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from negbench.evaluation.popularity_bias.spearman import group_ranks, group_spearman, spearman

pairs = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 9)), min_size=0, max_size=40
).map(lambda rows: np.array(rows, np.int64).reshape(-1, 3).T)


@given(pairs)
def test_every_group_has_the_ranks_of_scipy(rows):
    groups, values, _ = rows
    ranks = group_ranks(values, groups)
    for group in range(4):
        mine = groups == group
        assert ranks[mine].tolist() == stats.rankdata(values[mine]).tolist()


@given(pairs)
def test_every_group_has_the_correlation_of_scipy(rows):
    groups, a, b = rows
    rho = group_spearman(a, b, groups, 4)
    for group in range(4):
        x, y = a[groups == group], b[groups == group]
        if len(set(x)) < 2 or len(set(y)) < 2:
            assert np.isnan(rho[group])
        else:
            assert rho[group] == pytest.approx(stats.spearmanr(x, y).statistic)


def test_of_two_sequences():
    assert spearman([1, 2, 3], [10, 20, 21]) == pytest.approx(1)
    assert spearman([0.5, 0.1, 0.3], [1, 5, 2]) == pytest.approx(-1)
    assert np.isnan(spearman([], [])) and np.isnan(spearman([1], [2]))
