"""The retraining game: how much training on groups of triplets lowers a held-out loss.

    U(S) = l_V(E) - l_V(A(S)),   A(S): `steps` gradient steps from E over the triplets of S's groups

A(S) starts from the current vectors, so one step and a short fine-tuning are the same game;
every step is over all of S's triplets, by the sum of their gradients over the number of all
triplets. Through a propagation a step moves E by P times the gradient, which is exact. Players are
groups since a value costs one training for each player and permutation. Ours, after Data Shapley
(Ghorbani & Zou, ICML 2019). Cost of U: `steps` gradients over S, one loss over V.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from negbench.protocol import Pairs

from .games import QuadraticGame
from .shapes import Coalitions, SetValues
from .triplet_gradients import VectorState


@dataclass(frozen=True, eq=False)
class RetrainingGame:
    """Players are the groups 0 .. n - 1 of `triplets` [T, 3]; `groups` [T] is each one's group."""

    state: VectorState
    triplets: Tensor
    groups: Tensor
    utility: Tensor
    rate: float
    steps: int
    n: int

    def utility_of(self, members: Coalitions) -> SetValues:
        """How far the held-out loss falls by training on each set of groups, [S, n] -> [S]."""
        start = self.state.held_out.losses(self.utility).double().mean()
        after = [self.retrained(row).held_out for row in members]
        ends = [state.losses(self.utility).double().mean() for state in after]
        return start - torch.stack(ends)

    def retrained(self, members: Pairs) -> VectorState:
        """The vectors after training on the groups that `members` [n] marks."""
        inside = self.triplets[members[self.groups]]
        share = len(inside) / max(1, len(self.triplets))
        now = self.state
        for _ in range(self.steps if len(inside) else 0):
            move = now.displacement(now.mean_gradient(inside))
            now = replace(now, vectors=now.vectors - self.rate * share * move)
        return now

    def taylor(self) -> QuadraticGame:
        """The second-order expansion of `steps` steps as one step of `steps` times the rate."""
        size, span = max(1, len(self.triplets)), self.rate * self.steps
        moves = []
        for group in range(self.n):
            inside = self.triplets[self.groups == group]
            share = span * len(inside) / size
            gradient = self.state.mean_gradient(inside)
            moves.append(-share * self.state.displacement(gradient))
        judge = self.state.held_out
        slope = judge.mean_gradient(self.utility)
        products = [judge.hessian_product(self.utility, move) for move in moves]
        stacked, curved = torch.stack(moves).double(), torch.stack(products).double()
        pairs = -torch.einsum("nqd,mqd->nm", stacked, curved)
        own = -torch.einsum("nqd,qd->n", stacked, slope.double()) + pairs.diagonal() / 2
        return QuadraticGame(own, pairs - pairs.diagonal().diag())
