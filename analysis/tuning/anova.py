"""Functional ANOVA: the share of each searched parameter in the variance of the validation value.

    y = c + sum over parameters p of f_p(x_p) + rest

An additive model is fitted to the trials, a smooth effect for each parameter (kernel ridge: a
Gaussian kernel on the place of a value in its range, another value of an unordered list shares
nothing). Which parameters it has and how smooth it is are chosen by leave-one-out error. R2 is that
of predictions of trials that were left out, the choice made anew without each of them, so that
noise gives none. A parameter's share is R2, divided in proportion to the variances of the effects
over the trials; what is left of 1 is interactions and noise.

First-order shares as of Hutter, Hoos and Leyton-Brown ("An Efficient Approach for Assessing
Hyperparameter Importance", ICML 2014), with an additive model in place of their forest: a search
has some dozen trials. A failed trial counts with the lowest value of its row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .searches import Range, Searched

Floats = NDArray[np.float64]
FEWEST = 8
"""Trials below which nothing is estimated."""
WIDTH = 0.3
"""Of the Gaussian kernel, as a share of a range."""
RIDGES = tuple(float(ridge) for ridge in 10.0 ** np.arange(-3, 1.5, 0.5))
"""Variances of the noise that are tried, in variances of an effect."""
LEVEL = 100.0
"""The variance of the constant: large, so it is hardly shrunk."""
MOST = 8
"""Parameters of which every subset is tried; of more, the first."""


@dataclass(frozen=True)
class Shares:
    """The share of every searched parameter, and how far the estimate can be believed."""

    shares: Mapping[str, float]
    """By name, greatest first; 0 where the model does without. They add up to `r2`."""
    r2: float
    """Of predictions of trials that were left out."""
    trials: int

    @property
    def first(self) -> str:
        """The parameter with the greatest share."""
        return next(iter(self.shares))

    @property
    def rest(self) -> float:
        """Interactions and noise."""
        return 1 - self.r2


def shares(searched: Searched) -> Shares | None:
    """The shares of a row's parameters; None for few trials, and where R2 is not above 0.

    Trials that halving cut are left out: their values are of another budget.
    """
    over = [trial for trial in searched.trials if trial.done or trial.failed]
    values = np.array([trial.valid if trial.done else np.nan for trial in over])
    ranges = [r for r in searched.space if all(r.name in trial.settings for trial in over)]
    if np.isfinite(values).sum() < FEWEST:
        return None
    values = np.where(np.isnan(values), np.nanmin(values), values)
    settings = [trial.settings for trial in over]
    columns = {r.name: _kernel(r, [each[r.name] for each in settings]) for r in ranges}
    return shares_of(columns, values)


def shares_of(kernels: Mapping[str, Floats], values: Floats) -> Shares | None:
    """The shares of effects with these kernels [N, N], by name, in the variance of values [N]."""
    names = list(kernels)[:MOST]
    spread = values.std()
    if not names or not spread > 1e-12 * np.abs(values).max():
        return None
    y = (values - values.mean()) / spread
    n = len(y)
    models = [
        (subset, ridge)
        for size in range(1, len(names) + 1)
        for subset in combinations(names, size)
        for ridge in RIDGES
    ]
    left_out, inner = np.empty((len(models), n)), np.empty((len(models), n))
    for at, (subset, ridge) in enumerate(models):
        left_out[at], inner[at] = _errors(_sum(kernels, subset), ridge, y)
    outer = left_out[inner.argmin(axis=0), np.arange(n)]
    r2 = 1 - float((outer**2).sum() / ((y * n / (n - 1)) ** 2).sum())
    if not r2 > 0:
        return None
    subset, ridge = models[int((left_out**2).sum(axis=1).argmin())]
    weights = np.linalg.solve(_sum(kernels, subset) + ridge * np.eye(n), y)
    spreads = {name: float((kernels[name] @ weights).var()) for name in subset}
    total = sum(spreads.values())
    if not total > 0:
        return None
    each = {name: r2 * spreads.get(name, 0.0) / total for name in names}
    return Shares(dict(sorted(each.items(), key=lambda item: -item[1])), r2, n)


def _sum(kernels: Mapping[str, Floats], subset: Sequence[str]) -> Floats:
    """The kernel of a model: the mean of its effects', and the constant's."""
    total: Floats = sum((kernels[name] for name in subset), np.zeros(())) / len(subset) + LEVEL
    return total


def _errors(kernel: Floats, ridge: float, y: Floats) -> tuple[Floats, Floats]:
    """Errors [N] of each trial left out, and for each the squared error over the others when a
    second one is left out with it: what a choice that never saw the trial would go by.

    Both in closed form from the inverse C: y_j - prediction = (C y)_j / C_jj, and without trial k
    the inverse is C less its own share in column k.
    """
    inverse = np.linalg.inv(kernel + ridge * np.eye(len(y)))
    weights, diagonal = inverse @ y, np.diag(inverse)
    without_diagonal = diagonal[:, None] - inverse**2 / diagonal[None]
    without_weights = weights[:, None] - inverse * (weights / diagonal)[None]
    np.fill_diagonal(without_diagonal, 1.0)
    np.fill_diagonal(without_weights, 0.0)
    return weights / diagonal, ((without_weights / without_diagonal) ** 2).sum(axis=0)


def _kernel(each: Range, values: Sequence[Any]) -> Floats:
    """How alike the settings of a parameter are, [N, N], from 0 to 1."""
    places = _places(each, values)
    if places is None:
        texts = np.array([str(value) for value in values])
        same: Floats = (texts[:, None] == texts[None]).astype(float)
        return same
    alike: Floats = np.exp(-0.5 * ((places[:, None] - places[None]) / WIDTH) ** 2)
    return alike


def _places(each: Range, values: Sequence[Any]) -> Floats | None:
    """Places from 0 to 1; 0 as a point of its own lies just below the range."""
    if each.kind != "of":
        below = -0.1
        at = [each.place(value) for value in values]
        places: Floats = np.array([below if place is None else place for place in at])
        return places.clip(below, 1 - below)
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in (*each.values, *values)):
        steps = np.linspace(0, 1, max(len(each.values), 2))[: len(each.values)]
        ordinal: Floats = np.interp(np.array(values, float), sorted(each.values), steps)
        return ordinal
    return None
