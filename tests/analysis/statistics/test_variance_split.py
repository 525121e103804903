"""The factorial analysis of variance against loops, known components and limits."""

from itertools import product

import numpy as np
import pytest

from negbench.analysis.statistics.variance_split import (
    SEEDS,
    effects,
    projected,
    variance_split,
)

LEVELS = (3, 2, 2)


def drawn(seed, *, sizes, users=60, seeds=3, of_users=0.05, of_seeds=0.01, rest=0.1):
    """Values [users, levels, seeds] with effects of these mean squares, and their shares."""
    rng = np.random.default_rng(seed)
    mean = np.zeros(LEVELS)
    for effect, size in sizes.items():
        z = projected(np.random.default_rng(effect).normal(size=LEVELS), effect, len(LEVELS))
        mean = mean + z * np.sqrt(size / (z**2).mean())
    values = mean[None, ..., None] + rng.normal(0, 0.2, (users, 1, 1, 1, 1))
    values = values + rng.normal(0, of_users, (users, *LEVELS, 1))
    values = values + rng.normal(0, of_seeds, (1, *LEVELS, seeds))
    values = values + rng.normal(0, rest, (users, *LEVELS, seeds))
    noise = of_seeds**2 + rest**2 / users
    true = {effect: sizes.get(effect, 0.0) for effect in effects(len(LEVELS))} | {SEEDS: noise}
    whole = sum(true.values())
    return values, {effect: size / whole for effect, size in true.items()}


def sums_of_squares(runs):
    """The textbook's table of runs [a, b, c, seeds], by loops over every cell: SS by effect."""
    shape = runs.shape
    cells = list(product(*map(range, shape[:-1])))
    mean = runs.mean()

    def level_mean(cell, factors):
        inside = [x for x in cells if all(x[f] == cell[f] for f in factors)]
        return np.mean([runs[x] for x in inside])

    def effect(cell, factors):
        left = level_mean(cell, factors) - mean
        for size in range(1, len(factors)):
            for lower in effects(3):
                if len(lower) == size and set(lower) < set(factors):
                    left -= effect(cell, lower)
        return left

    table = {f: shape[-1] * sum(effect(cell, f) ** 2 for cell in cells) for f in effects(3)}
    table[SEEDS] = sum((value - runs[cell].mean()) ** 2 for cell in cells for value in runs[cell])
    return table


def test_without_differences_between_users_it_is_the_textbooks_omega_squared():
    rng = np.random.default_rng(1)
    runs = rng.normal(size=(*LEVELS, 4)) + rng.normal(size=(3, 1, 1, 1))
    own = rng.normal(size=(5, 1, 1, 1, 1))  # users differ in level alone, alike everywhere
    split = variance_split(runs[None] + own - own.mean(), draws=9)
    table = sums_of_squares(runs)
    total = ((runs - runs.mean()) ** 2).sum()
    assert sum(table.values()) == pytest.approx(total)
    df = {f: np.prod([LEVELS[at] - 1 for at in f]) for f in effects(3)}
    error = table[SEEDS] / (12 * 3)
    for part in split.parts:
        if part.effect != SEEDS:
            omega = (table[part.effect] - df[part.effect] * error) / (total + error)
            assert part.share == pytest.approx(omega)
            assert part.df == df[part.effect]
        assert part.eta2 == pytest.approx(table[part.effect] / total)
    assert split.parts[-1].df == 36
    assert sum(part.share for part in split.parts) == pytest.approx(1)


def test_known_components_come_back_and_intervals_hold_them():
    sizes = {(0,): 0.03**2, (1,): 0.012**2, (0, 2): 0.015**2}
    shares, covered = [], []
    for seed in range(60):
        values, true = drawn(seed, sizes=sizes)
        split = variance_split(values, draws=99)
        shares.append([part.share for part in split.parts])
        covered.append([part.low <= true[part.effect] <= part.high for part in split.parts])
    mean, error = np.mean(shares, axis=0), np.std(shares, axis=0, ddof=1) / np.sqrt(60)
    for at, expected in enumerate(true.values()):
        assert abs(mean[at] - expected) < 4 * error[at] + 0.004, at
    assert np.mean(covered, axis=0).min() > 0.85


def test_noise_alone_gives_no_effect():
    """Eta squared of nothing is well above 0; the corrected share is not."""
    splits = [variance_split(drawn(seed, sizes={})[0], draws=9) for seed in range(40)]
    shares = np.array([[part.share for part in split.parts[:-1]] for split in splits])
    eta2 = np.array([[part.eta2 for part in split.parts[:-1]] for split in splits])
    assert (shares < 0).any()
    assert abs(shares.sum(axis=1).mean()) < 0.1
    assert eta2.sum(axis=1).mean() > 0.25


def test_users_who_prefer_otherwise_are_taken_off():
    """Few users with tastes of their own make effects by chance; seeds alone do not show that."""
    values = [
        drawn(seed, sizes={}, users=8, of_users=0.3, of_seeds=0.01, rest=0.01)[0]
        for seed in range(40)
    ]
    shares = [variance_split(each, draws=9).parts for each in values]
    sampler = np.array([parts[0].share for parts in shares])
    uncorrected = np.array([parts[0].eta2 for parts in shares])
    assert uncorrected.mean() > 0.15
    assert (sampler < 0).any() and (sampler > 0).any()


def test_an_only_cause_has_it_all():
    values = np.zeros((4, 3, 2, 2))
    values += np.array([0.1, 0.2, 0.4])[None, :, None, None]
    split = variance_split(values, draws=19)
    first, second, both, seeds = split.parts
    assert (first.share, first.low, first.high) == pytest.approx((1, 1, 1))
    assert (second.share, both.share, seeds.share) == pytest.approx((0, 0, 0), abs=1e-12)
    assert split.largest == (1, 0) and split.total == pytest.approx((1, 0))
    assert split.sd == pytest.approx(np.std([0.1, 0.2, 0.4]))


def test_equal_values_have_no_shares():
    split = variance_split(np.full((4, 2, 2, 2), 0.3), draws=9)
    assert all(np.isnan(part.share) for part in split.parts)
    assert split.sd == 0


def test_factors_in_another_order_have_the_same_shares():
    values, _ = drawn(5, sizes={(0,): 1e-3, (1, 2): 1e-3})
    one = {p.effect: p.share for p in variance_split(values, draws=9).parts}
    turned = variance_split(values.transpose(0, 3, 1, 2, 4), draws=9).parts
    back = {0: 2, 1: 0, 2: 1}
    other = {tuple(sorted(back[at] for at in p.effect)): p.share for p in turned}
    assert other == pytest.approx(one)


@pytest.mark.parametrize("shape", [(1, 2, 2, 2), (4, 2, 1, 2), (4, 2, 2, 1)])
def test_too_little_is_refused(shape):
    with pytest.raises(ValueError, match="two users, seeds and levels or more"):
        variance_split(np.zeros(shape))
