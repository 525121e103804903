"""Intervals of means over users and seeds, by the procedure that compares rows.

A mean over users [n] of values under S seeds [S, n] has an interval of 95 % from the two-way layout
of users and seeds (`statistics/crossed_effects.py`) and the weighted t quantile
(`statistics/weighted_t.py`); with one seed it covers users alone. So `audit` and `compare` agree on
what is told apart. Percentiles of a bootstrap over so few seeds would be too narrow: three seeds
that happen to agree in sign would pass for certainty.

A group against all others is two samples of users, each with a variance of its own. The degrees of
freedom are those of the smaller one: a group of a few users has a wide interval however many the
others are, and one of a single user has none.

A ratio of two means is linear in the users to first order (the delta method): the value of user u
is R + (x_u - R y_u) / mean(y).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negbench.evaluation.popularity_bias import NAN, Floats

from ..statistics.crossed_effects import layout
from ..statistics.weighted_t import quantile

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean with its interval; NaN where it is unknown."""

    value: float
    low: float = NAN
    high: float = NAN
    n_users: int = 0
    n_seeds: int = 1

    @property
    def side(self) -> int:
        """1 if the whole interval is above 0, -1 if it is below, 0 if it holds 0 or is unknown."""
        if isnan(self.low):
            return 0
        return int(self.low > 0) - int(self.high < 0)

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return not isnan(self.value)


def estimate(values: ArrayLike, looks: int = 1, df: int | None = None) -> Estimate:
    """The mean of `values` [S, n] or [n] over users who have a value under every seed.

    `looks` is among how many such means this one was picked by looking: its interval is widened to
    hold for all of them together (Bonferroni). `df` are the degrees of freedom of the users' part,
    n - 1 where None.
    """
    x = np.atleast_2d(np.asarray(values, float))
    x = x[:, ~np.isnan(x).any(axis=0)]
    n_seeds, n_users = x.shape
    if not n_users:
        return Estimate(NAN, n_seeds=n_seeds)
    mean = float(x.mean())
    if n_users < 2:
        return Estimate(mean, n_users=n_users, n_seeds=n_seeds)
    parts = layout(np.stack([x, np.zeros_like(x)], axis=2))
    of_users, of_seeds = float(parts.of_users[0, 1]), float(parts.of_seeds[0, 1])
    variance = of_users + of_seeds
    share = of_seeds / variance if variance > 0 else 0.0
    q = 1 - (1 - LEVEL) / 2 / looks
    of_part = n_users - 1 if df is None else df
    half = float(quantile(q, share, of_part, max(n_seeds - 1, 1))) * variance**0.5
    return Estimate(mean, mean - half, mean + half, n_users, n_seeds)


def ratio(above: ArrayLike, below: ArrayLike) -> Estimate:
    """The mean of `above` [S, n] over that of `below` [n], of the users who have both."""
    x, y = np.broadcast_arrays(np.atleast_2d(np.asarray(above, float)), np.asarray(below, float))
    known = ~(np.isnan(x).any(axis=0) | np.isnan(y).any(axis=0))
    x, y = x[:, known], y[:, known]
    if not y.size or not y.mean():
        return Estimate(NAN, n_seeds=len(x))
    whole = x.mean() / y.mean()
    return estimate(whole + (x - whole * y) / y.mean())


def apart(values: ArrayLike, inside: Sequence[bool] | np.ndarray, looks: int = 1) -> Estimate:
    """The mean of the users in a group less that of all others; two groups share no user.

    The values of the users of a group, centred and divided by its share of the users, have the
    group's mean as their own: so the difference is again one mean over all users.
    """
    x = np.atleast_2d(np.asarray(values, float))
    known = ~np.isnan(x).any(axis=0)
    x, here = x[:, known], np.asarray(inside, bool)[known]
    sizes = [int(group.sum()) for group in (here, ~here)]
    if not min(sizes):
        return Estimate(NAN, n_seeds=len(x))
    difference = float(x[:, here].mean() - x[:, ~here].mean())
    if min(sizes) < 2:  # one user does not show how much such users differ
        return Estimate(difference, n_users=len(here), n_seeds=len(x))
    own: Floats = np.where(here, _centred(x, here), -_centred(x, ~here))
    return estimate(own + difference, looks, min(sizes) - 1)


def _centred(values: Floats, group: NDArray[np.bool_]) -> Floats:
    """Values [S, n] less the mean of the group, divided by its share of the users.

    Users are stretched about the mean of each seed, so that the variance of the mean over all n is
    that of the group's own n - 1, and not of its n.
    """
    n, all_users = int(group.sum()), len(group)
    of_seed = values[:, group].mean(axis=1, keepdims=True)
    stretch = np.sqrt(n / (n - 1) * (all_users - 1) / all_users)
    centred: Floats = (of_seed - of_seed.mean() + stretch * (values - of_seed)) / group.mean()
    return centred
