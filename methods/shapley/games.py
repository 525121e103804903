"""Cooperative games: the utility of sets of players, exact Shapley values, and a surrogate.

    phi_k = sum_{S without k} |S|! (n - |S| - 1)! / n!  (U(S + k) - U(S))

Shapley, "A value for n-person games", 1953. Exact values walk all 2^n sets: 16 players at most.
"""

import math
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from negbench.protocol import Pairs

from .shapes import Coalitions, Orders, SetValues

MAX_PLAYERS = 16
"""Players whose sets can all be enumerated."""


class Game(Protocol):
    """n players and the utility U of any set of them."""

    @property
    def n(self) -> int:
        """Number of players."""
        ...

    def utility_of(self, members: Coalitions) -> SetValues:
        """U of sets, given as rows of bool [S, n]; -> [S] float64."""
        ...


@dataclass(frozen=True, eq=False)
class QuadraticGame:
    """U(S) = sum_{k in S} a_k + sum_{k < l in S} b_kl; `pairs` [n, n] is symmetric, 0 on its axis.

    Its values are a_k + 1/2 sum_l b_kl.
    """

    own: Tensor
    pairs: Tensor

    @property
    def n(self) -> int:
        """Number of players."""
        return len(self.own)

    def utility_of(self, members: Coalitions) -> SetValues:
        """U of sets [S, n], [S]."""
        inside = members.to(self.own.dtype)
        return inside @ self.own + 0.5 * ((inside @ self.pairs) * inside).sum(1)

    def values(self) -> Pairs:
        """The Shapley values, [n], in closed form."""
        return self.own + 0.5 * self.pairs.sum(1)

    def marginals(self, orders: Orders) -> Orders:
        """Marginal contribution of each player in each order [m, n], [m, n] by player."""
        place = orders.argsort(1)
        before = (place.unsqueeze(1) < place.unsqueeze(2)).to(self.own.dtype)
        return self.own + (before * self.pairs).sum(2)

    def additive(self) -> "QuadraticGame":
        """Without the terms of pairs: every marginal contribution is a constant."""
        return replace(self, pairs=torch.zeros_like(self.pairs))


def exact_values(game: Game) -> Pairs:
    """The Shapley values, [n] float64, over all 2^n sets.

    Raises ValueError for more than `MAX_PLAYERS` players.
    """
    n = game.n
    if n > MAX_PLAYERS:
        raise ValueError(f"exact values need at most {MAX_PLAYERS} players; got {n}")
    codes = torch.arange(2**n)
    members = (codes.unsqueeze(1) >> torch.arange(n)) & 1 == 1
    utility = game.utility_of(members).double()
    share = [math.factorial(s) * math.factorial(n - s - 1) / math.factorial(n) for s in range(n)]
    weight = torch.tensor([*share, 0.0], dtype=torch.float64)[members.sum(1)]
    values = []
    for k in range(n):
        without = codes[~members[:, k]]
        values.append((weight[without] * (utility[without + 2**k] - utility[without])).sum())
    return torch.stack(values)
