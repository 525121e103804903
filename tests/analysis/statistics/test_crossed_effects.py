import numpy as np
import pytest

from negbench.analysis.statistics.crossed_effects import Floats, layout, mean_products


def naive(d: Floats) -> tuple[float, float, float]:
    """Mean squares of users, seeds and residual of differences [seeds, users], by loops."""
    n_seeds, n_users = d.shape
    mean = d.mean()
    users = [d[:, u].mean() - mean for u in range(n_users)]
    seeds = [d[s].mean() - mean for s in range(n_seeds)]
    left = 0.0
    for s in range(n_seeds):
        for u in range(n_users):
            left += (d[s, u] - mean - users[u] - seeds[s]) ** 2
    return (
        n_seeds * sum(x**2 for x in users) / (n_users - 1),
        n_users * sum(x**2 for x in seeds) / (n_seeds - 1),
        left / ((n_users - 1) * (n_seeds - 1)),
    )


def rows(seed: int, n_seeds: int, n_users: int, n_rows: int) -> Floats:
    rng = np.random.default_rng(seed)
    users = rng.normal(0, 1, (1, n_users, n_rows)) + rng.normal(0, 2, (1, n_users, 1))
    seeds = rng.normal(0, 0.5, (n_seeds, 1, n_rows))
    values: Floats = users + seeds + rng.normal(0, 1, (n_seeds, n_users, n_rows))
    return values


@pytest.mark.parametrize("n_seeds", [2, 3, 7])
def test_all_pairs_equal_the_analysis_of_variance_of_each(n_seeds: int) -> None:
    values = rows(n_seeds, n_seeds, 25, 5)
    parts = layout(values)
    for i in range(5):
        for j in range(5):
            d = values[:, :, i] - values[:, :, j]
            users, seeds, residual = naive(d)
            assert parts.difference[i, j] == pytest.approx(d.mean())
            assert parts.of_seeds[i, j] == pytest.approx(seeds / d.size)
            assert parts.of_users[i, j] == pytest.approx(max(0.0, users - residual) / d.size)


def test_one_seed_leaves_the_variance_over_users() -> None:
    values = rows(1, 1, 30, 2)
    parts = layout(values)
    d = values[0, :, 0] - values[0, :, 1]
    assert parts.of_users[0, 1] == pytest.approx(d.var(ddof=1) / 30)
    assert parts.of_seeds[0, 1] == 0


def test_the_parts_are_unbiased() -> None:
    parts = [[float(m[0, 0]) for m in mean_products(rows(seed, 3, 20, 1))] for seed in range(400)]
    users, seeds, residual = np.mean(parts, axis=0)
    # One row: users 1 + 4, seeds .25, residual 1.
    assert residual == pytest.approx(1, rel=0.05)
    assert users == pytest.approx(1 + 3 * 5, rel=0.1)
    assert seeds == pytest.approx(1 + 20 * 0.25, rel=0.2)


def test_a_pair_uses_the_users_whom_both_rows_have() -> None:
    values = rows(2, 3, 20, 3)
    holed = values.copy()
    holed[1, :4, 0] = np.nan
    holed[:, 18:, 1] = np.nan
    parts = layout(holed)
    for i, j, kept in ((0, 1, slice(4, 18)), (0, 2, slice(4, 20)), (1, 2, slice(0, 18))):
        alone = layout(values[:, kept][:, :, [i, j]])
        for name in ("difference", "of_users", "of_seeds", "n_users"):
            assert getattr(parts, name)[i, j] == pytest.approx(getattr(alone, name)[0, 1])


def test_equal_rows_have_no_variance_but_for_none_of_rounding() -> None:
    values = np.repeat(rows(4, 3, 50, 1), 3, axis=2)
    values[:, :, 1] += 0.25
    parts = layout(values)
    assert (parts.of_users == 0).all() and (parts.of_seeds == 0).all()


def test_too_few_users_have_no_variance() -> None:
    for n_users in (0, 1):
        parts = layout(np.ones((2, n_users, 2)))
        assert np.isnan(parts.of_users).all() and np.isnan(parts.of_seeds).all()
        assert (parts.n_users == n_users).all()


def test_seeds_that_agree_by_chance_do_not_make_a_difference_certain() -> None:
    # Users .1 .2 .2 .3, seeds .2 and .2: MS_users = MS_residual = .0133, MS_seeds = 0.
    d = np.array([[0.0, 0.2, 0.2, 0.4], [0.2, 0.2, 0.2, 0.2]])
    parts = layout(np.stack([d, np.zeros_like(d)], axis=2))
    assert parts.of_users[0, 1] == pytest.approx(0)
    assert parts.of_seeds[0, 1] == pytest.approx(2 * (0.1**2 + 0.1**2) / 3 / 8)
