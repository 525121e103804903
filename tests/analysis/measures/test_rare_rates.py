import numpy as np
import pytest
from scipy.stats import binomtest

from negbench.analysis.measures.rare_rates import design_effect, interval, known, windows


@pytest.mark.parametrize(("count", "total"), [(0, 50), (1, 50), (7, 9000), (50, 50)])
def test_intervals_are_those_of_clopper_and_pearson(count: int, total: int) -> None:
    low, high = interval(count, total)
    exact = binomtest(count, total).proportion_ci(0.95, method="exact")
    assert (float(low), float(high)) == pytest.approx((exact.low, exact.high), abs=1e-12)


def test_nothing_counted_has_no_interval() -> None:
    low, high = interval([0, np.nan, 1], [0, np.nan, 10])
    assert np.isnan(low[:2]).all() and np.isnan(high[:2]).all() and 0 < low[2] < 0.1 < high[2]


def test_windows_hold_enough_and_what_is_left_joins_the_last() -> None:
    assert windows([10, 10, 10, 10, 40, 5, 5]).tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert windows([50, 20, 15, 3]).tolist() == [0, 1, 1, 1]
    assert windows([1, 1]).tolist() == [0, 0] and windows([]).tolist() == []
    rng = np.random.default_rng(0)
    for _ in range(50):
        expected = rng.exponential(rng.uniform(1, 40), 30)
        numbers = windows(expected)
        assert (np.diff(numbers) >= 0).all() and (np.diff(numbers) <= 1).all()
        if numbers[-1]:
            assert np.bincount(numbers, weights=expected).min() >= 30


def test_four_hundred_events_make_a_rate_known_to_ten_percent() -> None:
    for count, enough in ((440, True), (300, False), (0, False)):
        low, high = interval(count, 10**6)
        assert known(count / 10**6, float(low), float(high)) == enough


def sums(x: np.ndarray, n: np.ndarray) -> tuple[float, ...]:
    return x.sum(), n.sum(), (x * x).sum(), (x * n).sum(), (n * n).sum()


def test_one_negative_a_row_has_no_design_effect() -> None:
    x = (np.random.default_rng(0).random(500) < 0.1).astype(float)
    assert design_effect(*sums(x, np.ones(500))) == pytest.approx(1)
    assert design_effect(0, 100, 0, 0, 5000) == 1 and np.isnan(design_effect(*[np.nan] * 5))


def test_alike_rows_count_as_one_draw_each() -> None:
    x = np.repeat([0.0, 8.0], [90, 10])  # all or none of the 8 negatives of a row
    effect = design_effect(*sums(x, np.full(100, 8.0)))
    assert effect == pytest.approx(8)
    low, high = interval(80, 800, effect)
    exact = binomtest(10, 100).proportion_ci(method="exact")
    assert (float(low), float(high)) == pytest.approx((exact.low, exact.high))


def test_intervals_cover_where_users_differ() -> None:
    """Rows of 64 negatives; the rate of a user varies by its own mean, as on real data."""
    rng, covered, bare = np.random.default_rng(1), 0, 0
    for _ in range(400):
        rates = 0.05 * rng.exponential(size=150)
        x = rng.binomial(64, np.minimum(rates, 1)).astype(float)
        each = sums(x, np.full(150, 64.0))
        low, high = interval(*each[:2], design_effect(*each))
        covered += bool(low <= 0.05 <= high)
        low, high = interval(*each[:2])
        bare += bool(low <= 0.05 <= high)
    assert covered / 400 > 0.91 > 0.8 > bare / 400
