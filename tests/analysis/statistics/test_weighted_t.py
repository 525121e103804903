import numpy as np
import pytest
from scipy import stats

from negbench.analysis.statistics.weighted_t import (
    least_effect,
    quantile,
    satterthwaite,
    two_sided,
)

MIDDLES = (np.arange(4000) + 0.5) / 4000


def test_one_part_alone_is_a_plain_t() -> None:
    t = np.array([0.3, -2.1, 5.0, 40.0])
    assert two_sided(t, 0.0, 99, 2) == pytest.approx(2 * stats.t.sf(abs(t), 99))
    assert two_sided(t, 1.0, 99, 2) == pytest.approx(2 * stats.t.sf(abs(t), 2))
    assert quantile(0.975, 0.0, 99, 2) == pytest.approx(stats.t.ppf(0.975, 99))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.93])
@pytest.mark.parametrize("df_seeds", [1, 2, 9])
def test_p_is_where_the_weighted_quantile_is_t(share: float, df_seeds: int) -> None:
    for alpha in (0.8, 0.05, 1e-6, 1e-30):
        critical = (1 - share) * -stats.t.ppf(alpha / 2, 500) - share * stats.t.ppf(
            alpha / 2, df_seeds
        )
        assert two_sided(critical, share, 500, df_seeds) == pytest.approx(alpha, rel=1e-6)


def test_it_is_never_more_sure_than_satterthwaite() -> None:
    share = np.linspace(0.01, 0.99, 99)
    for n_seeds in (2, 3, 5, 10):
        df = satterthwaite(1 - share, share, 5000, n_seeds - 1)
        assert (quantile(0.975, share, 5000, n_seeds - 1) >= stats.t.ppf(0.975, df)).all()


def test_satterthwaite_by_hand() -> None:
    # Variances 1 and 3 with 4 and 2 degrees of freedom: 16 / (1 / 4 + 9 / 2) = 16 / 4.75.
    assert satterthwaite(1, 3, 4, 2) == pytest.approx(16 / 4.75)
    assert np.isnan(satterthwaite(0, 0, 4, 2))


@pytest.mark.parametrize("df", [1, 2, 9, 5000])
@pytest.mark.parametrize("alpha", [0.05, 1e-4])
def test_the_least_effect_of_one_part_is_found_with_its_power(df: int, alpha: float) -> None:
    effect = float(least_effect(alpha, 0.8, 1.0, 99, df))
    critical = stats.t.ppf(1 - alpha / 2, df)
    assert effect == pytest.approx(least_effect(alpha, 0.8, 0.0, df, 99))
    by_hand = 1 - np.mean(  # the normal part, given each of many equally likely variances
        stats.norm.cdf(critical * np.sqrt(stats.chi2.ppf(MIDDLES, df) / df) - effect)
    )
    assert by_hand == pytest.approx(0.8, abs=1e-3)


def test_the_least_effect_of_an_extreme_level_is_finite() -> None:
    assert 1e6 < float(least_effect(1e-7, 0.8, 1.0, 99, 1)) < 1e8


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("n_seeds", [2, 3, 10])
def test_the_least_effect_is_found_four_times_in_five(n_seeds: int, share: float) -> None:
    rng, draws, df = np.random.default_rng(n_seeds), 50_000, (999, n_seeds - 1)
    parts = np.array([[1 - share], [share]])
    seen = parts * np.stack([rng.chisquare(each, draws) / each for each in df])
    of_seeds = seen[1] / seen.sum(0)
    t = rng.normal(float(least_effect(0.05, 0.8, share, *df)), 1, draws) / np.sqrt(seen.sum(0))
    power = (np.abs(t) > quantile(0.975, of_seeds, *df)).mean()
    assert 0.775 < power < 0.815


def test_far_tails_and_unknown_values() -> None:
    p = two_sided([0.0, np.nan, 1e6], 0.5, 1000, 1)
    assert p[0] == pytest.approx(1) and np.isnan(p[1]) and 0 < p[2] < 1e-5


def level(n_seeds: int, users: float, seeds: float, residual: float) -> tuple[float, float]:
    """How often equal rows are called different, by the weighted quantile and Satterthwaite's.

    From the distributions of the mean squares of 400 users; the variances are those of the parts.
    """
    rng, draws, n = np.random.default_rng(n_seeds), 20_000, 400
    of_users = (residual + n_seeds * users) * rng.chisquare(n - 1, draws) / (n - 1)
    of_seeds = (residual + n * seeds) * rng.chisquare(n_seeds - 1, draws) / (n_seeds - 1)
    df = (n - 1) * (n_seeds - 1)
    left = residual * rng.chisquare(df, draws) / df
    first, second = np.maximum(of_users - left, 0), of_seeds
    truth = residual + n_seeds * users + n * seeds
    t = np.abs(rng.normal(0, truth**0.5, draws)) / np.sqrt(first + second)
    share = second / (first + second)
    one_df = satterthwaite(first, second, n - 1, n_seeds - 1)
    weighted = t > quantile(0.975, share, n - 1, n_seeds - 1)
    return float(weighted.mean()), float((t > stats.t.ppf(0.975, one_df)).mean())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("df_seeds", [1, 2, 9])
def test_far_tails_of_one_seed_are_small_and_silent(df_seeds: int) -> None:
    t = np.array([30.0, 40.0, 60.0, 1e6])
    p = two_sided(t, 0.0, 1999, df_seeds)
    assert (0 < p).all() and (p < 1e-150).all()
    assert p[0] == pytest.approx(2 * stats.t.sf(30, 1999), rel=1e-6)


@pytest.mark.parametrize(("n_seeds", "too_often"), [(2, 0.11), (3, 0.07)])
def test_with_few_seeds_satterthwaite_is_too_sure(n_seeds: int, too_often: float) -> None:
    # dns_mn against random on goodbooks (benchmarks/null_rejections.py).
    weighted, one_df = level(n_seeds, 9.22e-4, 6.52e-6 * 5786 / 400, 9.01e-3)
    assert weighted == pytest.approx(0.05, abs=0.015)
    assert one_df > too_often


@pytest.mark.parametrize("n_seeds", [2, 3, 5, 10])
@pytest.mark.parametrize("users", [0.0, 1e-3, 1e-2, 0.1])
@pytest.mark.parametrize("seeds", [0.0, 1e-5, 1e-4, 1e-3])
def test_no_mixture_of_variances_breaks_the_level(n_seeds: int, users: float, seeds: float) -> None:
    weighted, _ = level(n_seeds, users, seeds, 9e-3)
    assert 0.015 < weighted < 0.065
