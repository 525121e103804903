"""Factorial analysis of variance: the share of each factor in the variance of a metric.

In a balanced factorial of fixed factors (sampler, objective, backbone) every combination i of N is
trained under S seeds and ranked for the same U users. Seeds are nested in combinations, users are
crossed with everything:

    y[u, i, s] = c + sum over sets T of factors of f_T(i) + users, seeds and residuals, random

f_T is a main effect where T is one factor and an interaction where it is several; it is what is
left of the means of the combinations when they are averaged over all factors that are not in T and
every effect of fewer factors is taken off. With z_T the same of the observed means and v the
variance of the metric over the seeds of a combination,

    theta_T = mean over i of z_T(i)^2  -  what users and seeds put into it by chance
    share_T = theta_T / (sum of all theta + v),      share of seeds = v / (the same)

What seeds put into it is df_T v / (N S): with it alone the share is omega squared (Hays,
"Statistics for Psychologists", 1963), whose expectation does not grow with noise as that of eta
squared, SS_T / SS_total, does. What users put into it is the variance over users of each user's own
z_T, by U, less its part of residuals, which seeds have counted; both together are the variance of
a mean of `crossed_effects.py`. A share may come out below 0 where an effect is none: cut there it
would be biased.

The interval is a bootstrap's: users are drawn with replacement, all trainings of a user together,
and seeds within each combination, stretched about their mean by sqrt(S / (S - 1)), without which S
seeds vary too little (Rao and Wu, "Resampling Inference with Complex Survey Data", Journal of the
American Statistical Association, 1988). A draw holds the chance of the sample and that of the
drawing, in which residuals count for users and for seeds (Owen, "The Pigeonhole Bootstrap", Annals
of Applied Statistics, 2007): both are taken off.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from .bootstrap import DRAWS, generator, order_statistic, resampled_sums

Floats = NDArray[np.float64]
Effect = tuple[int, ...]
"""The places of the factors that interact; of one for a main effect."""
SEEDS: Effect = ()
"""In place of an effect: what the seeds of one combination differ by."""
LEVEL = 0.95


@dataclass(frozen=True)
class Part:
    """A part of the variance: an effect, or the seeds."""

    effect: Effect
    df: int
    share: float
    """Omega squared, corrected for users and seeds; may be below 0."""
    low: float
    high: float
    eta2: float
    """SS / SS_total, without a correction."""


@dataclass(frozen=True)
class VarianceSplit:
    """The parts of the variance of one metric over the trainings of a factorial."""

    parts: tuple[Part, ...]
    """Main effects, interactions by the number of their factors, the seeds last."""
    largest: tuple[float, ...]
    """Of each factor, the share of draws in which its main effect is the largest."""
    total: tuple[float, ...]
    """Of each factor, the share of its main effect and of all its interactions."""
    sd: float
    """The standard deviation that the shares are of: that of one training of any combination."""
    n_users: int
    n_seeds: int


def effects(n_factors: int) -> list[Effect]:
    """All effects of so many factors: main effects first, the interaction of all last."""
    places = range(n_factors)
    return [each for size in range(1, n_factors + 1) for each in combinations(places, size)]


def projected(means: Floats, effect: Effect, n_factors: int) -> Floats:
    """The effect in means [..., levels of each factor]; axes that are not its own have length 1."""
    first = means.ndim - n_factors
    for factor in range(n_factors):
        average = means.mean(axis=first + factor, keepdims=True)
        means = means - average if factor in effect else average
    return means


def variance_split(values: Floats, draws: int = DRAWS) -> VarianceSplit:
    """The parts of values [users, levels of each factor, seeds] without gaps.

    Raises ValueError for fewer than two users or seeds, or a factor with one level.
    """
    n_users, *levels, n_seeds = values.shape
    if min(n_users, n_seeds, *levels) < 2:
        raise ValueError(f"two users, seeds and levels or more are needed; got {values.shape}")
    names = effects(len(levels))
    df = np.array([np.prod([levels[at] - 1 for at in each]) for each in names])
    runs = values.mean(axis=0)
    sizes = _sizes(runs.mean(axis=-1), names)
    of_seeds = float(runs.var(axis=-1, ddof=1).mean())
    residual = _residual(values)
    in_means = df / np.prod(levels) / n_seeds  # of a variance between the seeds of a combination
    chance = _of_users(values, names) + in_means * of_seeds
    chance = np.maximum(chance - in_means * residual / n_users, in_means * of_seeds)
    theta = np.append(sizes - chance, of_seeds)
    twice = np.append(2 * (chance + in_means * residual / n_users), residual / n_users)
    drawn = _drawn(values, names, draws) - twice
    drawn[:, -1] = np.maximum(drawn[:, -1], 0)  # a variance, however few the seeds
    shares, of_draws = _shares(theta), _shares(drawn)
    squares = np.append(sizes * n_seeds, of_seeds * (n_seeds - 1))
    low, high = (order_statistic(of_draws, end) for end in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    eta2 = np.divide(squares, squares.sum(), out=np.full(len(squares), np.nan), where=squares > 0)
    seeds = int(np.prod(levels)) * (n_seeds - 1)
    lines = zip([*names, SEEDS], [*df, seeds], shares, low, high, eta2, strict=True)
    main = of_draws[:, : len(levels)].argmax(axis=1)
    return VarianceSplit(
        tuple(Part(name, int(d), *map(float, numbers)) for name, d, *numbers in lines),
        tuple(float((main == at).mean()) for at in range(len(levels))),
        tuple(
            float(sum(share for share, name in zip(shares, names, strict=False) if at in name))
            for at in range(len(levels))
        ),
        float(np.sqrt(max(theta.sum(), 0.0))),
        n_users,
        n_seeds,
    )


def _sizes(means: Floats, names: Sequence[Effect]) -> Floats:
    """The mean square of each effect in means [..., levels]: [..., effects]."""
    n = max(map(len, names))
    axes = tuple(range(means.ndim - n, means.ndim))
    squares = [(projected(means, name, n) ** 2).mean(axis=axes) for name in names]
    sizes: Floats = np.stack(squares, axis=-1)
    return sizes


def _of_users(values: Floats, names: Sequence[Effect]) -> Floats:
    """What users, and residuals with them, put into the mean square of each effect by chance."""
    n_users = len(values)
    own = values.mean(axis=-1)
    spread: Floats = _sizes(own - own.mean(axis=0), names).sum(axis=0) / (n_users - 1) / n_users
    return spread


def _residual(values: Floats) -> float:
    """The mean square of users by seeds within combinations."""
    n_users, *_, n_seeds = values.shape
    flat, total = values.reshape(n_users, -1, n_seeds), 0.0
    combos = flat.shape[1]
    for at in range(combos):  # one by one: all at once would be another copy of all values
        left = flat[:, at] - flat[:, at].mean(axis=0)
        left = left - left.mean(axis=1, keepdims=True)
        total += float((left**2).sum())
    return float(total / (combos * (n_users - 1) * (n_seeds - 1)))


def _drawn(values: Floats, names: Sequence[Effect], draws: int) -> Floats:
    """The mean squares of each draw of users and seeds, the seeds' variance last."""
    n_users, *levels, n_seeds = values.shape
    runs = resampled_sums(values.reshape(n_users, -1), draws) / n_users
    runs = runs.reshape(draws, *levels, n_seeds)
    means = runs.mean(axis=-1, keepdims=True)
    which = generator("seeds").integers(0, n_seeds, runs.shape)
    stretched = np.sqrt(n_seeds / (n_seeds - 1)) * (np.take_along_axis(runs, which, -1) - means)
    axes = tuple(range(1, runs.ndim - 1))
    of_seeds = stretched.var(axis=-1, ddof=1).mean(axis=axes)
    sizes = _sizes((means + stretched).mean(axis=-1), names)
    return np.concatenate([sizes, of_seeds[:, None]], axis=1)


def _shares(theta: Floats) -> Floats:
    """The share of each part [..., parts] in their sum; NaN where nothing varies."""
    whole = theta.sum(axis=-1, keepdims=True)
    shares: Floats = np.divide(theta, whole, out=np.full(theta.shape, np.nan), where=whole > 0)
    return shares
