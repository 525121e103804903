"""Shapley values by Monte Carlo over permutations, with standard errors.

    phi_k = E_pi [ U(Pre_k(pi) + k) - U(Pre_k(pi)) ],   estimated over m uniform permutations

`plain` averages marginals. `antithetic` walks every permutation forwards and backwards: the mean of
such a pair is exact wherever the game is quadratic, so only what is of third order makes noise. The
control variates subtract c (marginal of a surrogate - its known value): `quadratic` with a
surrogate that knows pairs; `first_order` with an additive one, whose marginals are constants, so
that nothing is gained, ever. c is one number for all players (so values still sum to U(all) -
U(none)) and is fitted on the other half of the permutations (so there is no bias). Control variates
for Shapley values: Goldwasser & Hooker, arXiv 2310.07672; antithetic permutations cancelling the
quadratic part is our derivation. With `tolerance` a walk stops once it is that near to U(all), as
in truncated Monte Carlo (Ghorbani & Zou, "Data Shapley", ICML 2019): quicker, and biased by no
more than that. Cost: m n values of U.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from negbench.protocol import Pairs, Scalar

from .games import Game, QuadraticGame
from .shapes import Orders

Estimator = Literal["plain", "antithetic", "quadratic", "first_order"]
ESTIMATORS: tuple[str, ...] = get_args(Estimator)
MIN_PERMUTATIONS = {"plain": 2, "antithetic": 4, "quadratic": 4, "first_order": 4}
"""Fewest permutations that give a standard error."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """Shapley values with standard errors, float64."""

    value: Tensor
    """[n]."""
    error: Tensor
    """Standard error of each value, [n]."""
    samples: Tensor
    """Independent measurements, [m, n] (pairs: [m / 2, n]), after the control variate."""


def estimate(
    game: Game,
    permutations: int,
    generator: torch.Generator,
    *,
    estimator: Estimator = "antithetic",
    surrogate: QuadraticGame | None = None,
    tolerance: float = 0.0,
) -> Estimate:
    """Estimate the values of all players from `permutations` random orders (even, but for plain).

    `surrogate` is the control variate of `quadratic` and `first_order` (additive there). Raises
    ValueError for an unknown estimator, too few or an odd number of permutations, or no surrogate.
    """
    if estimator not in ESTIMATORS:
        raise ValueError(f"`estimator` must be one of {', '.join(ESTIMATORS)}; got {estimator!r}")
    least = MIN_PERMUTATIONS[estimator]
    if permutations < least or (estimator != "plain" and permutations % 2):
        raise ValueError(
            f"`permutations` must be at least {least}, and even, for {estimator}; "
            f"got {permutations}"
        )
    if estimator == "antithetic":
        forwards = random_orders(game.n, permutations // 2, generator)
        walked = marginals(game, torch.cat([forwards, forwards.flip(1)]), tolerance)
        return _measured((walked[: len(forwards)] + walked[len(forwards) :]) / 2)
    orders = random_orders(game.n, permutations, generator)
    walked = marginals(game, orders, tolerance)
    if estimator == "plain":
        return _measured(walked)
    if surrogate is None:
        raise ValueError(f"`estimator` {estimator} needs a surrogate game; got none")
    known = surrogate.values().double()
    return control_variate(walked, surrogate.marginals(orders).double(), known)


def random_orders(n: int, m: int, generator: torch.Generator) -> Orders:
    """m uniform permutations of n players, [m, n]."""
    return torch.rand(m, n, generator=generator, device=generator.device).argsort(1)


def marginals(game: Game, orders: Orders, tolerance: float = 0.0) -> Orders:
    """Marginal contribution of each player in each order [m, n], [m, n] float64 by player."""
    m, n = orders.shape
    members = torch.zeros(m, n, dtype=torch.bool, device=orders.device)
    ends = game.utility_of(torch.stack([members[0], ~members[0]])).double()
    empty, full = ends[0], ends[1]
    before = empty.repeat(m)
    added = before.new_zeros(m, n)
    walking = torch.arange(m, device=orders.device)
    for place in range(n):
        player = orders[walking, place]
        members[walking, player] = True
        last = place == n - 1
        now = full.expand(len(walking)) if last else game.utility_of(members[walking]).double()
        added[walking, player] = now - before[walking]
        before[walking] = now
        if tolerance:
            far = (full - now).abs() > tolerance * (full - empty).abs()
            walking = walking[far]
        if not len(walking):
            break
    return added


def control_variate(walked: Orders, surrogate: Orders, known: Pairs) -> Estimate:
    """Marginals [m, n] less c times the surrogate's [m, n] minus its `known` values [n]."""
    half = len(walked) // 2
    one, other = slice(0, half), slice(half, len(walked))
    off = surrogate - known
    samples = torch.cat(
        [
            walked[one] - coefficient(walked[other], surrogate[other]) * off[one],
            walked[other] - coefficient(walked[one], surrogate[one]) * off[other],
        ]
    )
    return _measured(samples)


def coefficient(walked: Orders, surrogate: Orders) -> Scalar:
    """The c that leaves the least variance over all players together; 0 for constant marginals."""
    # Taken off the first row first: a constant leaves exactly 0, not its rounding.
    shifted = surrogate - surrogate[0]
    centred = shifted - shifted.mean(0)
    spread = centred.square().sum()
    best: Tensor = (centred * walked).sum() / spread
    return best.where(spread > 0, torch.zeros_like(spread))


def _measured(samples: Tensor) -> Estimate:
    error = samples.std(0) / len(samples) ** 0.5
    return Estimate(samples.mean(0), error, samples)
