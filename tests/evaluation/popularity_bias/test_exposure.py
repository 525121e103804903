from math import log

import numpy as np
import pytest
from helpers.audit_on_paper import EXPOSED, TOP
from hypothesis import given
from hypothesis import strategies as st

from negbench.evaluation.popularity_bias.exposure import coverage
from negbench.evaluation.popularity_bias.list_statistics import exposure
from negbench.ops.inequality import entropy, gini

counts = st.lists(st.integers(0, 50), min_size=1, max_size=40).filter(any).map(np.array)


def test_exposure_counts_lists_and_passes_over_what_ran_out():
    assert exposure(TOP, 6).tolist() == EXPOSED.tolist()


def test_coverage_on_paper():
    assert coverage(EXPOSED) == pytest.approx(5 / 6)


def test_gini_on_paper():
    # rising 0 1 1 2 2 3 with weights -5 -3 -1 1 3 5: -3 - 1 + 2 + 6 + 15 = 19 over 6 x 9
    assert gini(EXPOSED) == pytest.approx(19 / 54)


def test_entropy_on_paper():
    # shares 1/9 2/9 3/9 2/9 1/9 0
    expected = -(2 / 9 * log(1 / 9) + 4 / 9 * log(2 / 9) + 3 / 9 * log(3 / 9))
    assert entropy(EXPOSED) == pytest.approx(expected)


@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_everything_shown_equally_often(n):
    even = np.full(n, 3)
    assert gini(even) == pytest.approx(0, abs=1e-12)
    assert entropy(even) == pytest.approx(log(n))
    assert coverage(even) == 1


@pytest.mark.parametrize("n", [2, 7, 100])
def test_one_item_has_everything(n):
    alone = np.eye(n, dtype=int)[0] * 5
    assert gini(alone) == pytest.approx(1 - 1 / n)
    assert entropy(alone) == 0 and np.copysign(1, entropy(alone)) == 1
    assert coverage(alone) == pytest.approx(1 / n)


@given(counts)
def test_gini_equals_the_mean_difference_of_all_pairs(x):
    naive = sum(abs(a - b) for a in x.tolist() for b in x.tolist()) / (2 * len(x) * x.sum())
    assert gini(x) == pytest.approx(naive, abs=1e-12)
    assert gini(7 * x) == pytest.approx(gini(x), abs=1e-12)


@given(counts)
def test_entropy_lies_between_nothing_and_even(x):
    naive = -sum(c / x.sum() * log(c / x.sum()) for c in x.tolist() if c)
    assert entropy(x) == pytest.approx(naive, abs=1e-12)
    assert -1e-9 <= entropy(x) <= log(len(x)) + 1e-9


def test_nothing_shown_is_undefined():
    for measure in (coverage, gini, entropy):
        assert np.isnan(measure(np.zeros(6, int)))
