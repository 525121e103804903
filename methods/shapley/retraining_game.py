"""The retraining game: what groups of triplets add to the fall of a held-out loss by training.

    U(S) = l_V(E) - l_V(A(S)),   A(S): `steps` gradient steps from E over the triplets of S's groups

A(S) starts from the vectors as they stand, so one step and a short fine-tuning are the same game;
every step is over all of S's triplets, by the sum of their gradients over the number of all
triplets. Through a propagation a step moves E by P times the gradient, which is exact. Players are
groups since a value costs a training for each player and permutation. Ours, after Data Shapley
(Ghorbani & Zou, ICML 2019). Cost of U: `steps` gradients over S, one loss over V.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .games import Quadratic
from .triplet_gradients import Moment


@dataclass(frozen=True, eq=False)
class Retraining:
    """Groups 0 .. n - 1 of triplets `players` [T, 3] as players; `groups` [T] says whose."""

    moment: Moment
    players: Tensor
    groups: Tensor
    utility: Tensor
    rate: float
    steps: int
    n: int

    def worth(self, members: Tensor) -> Tensor:
        """How far the held-out loss falls by training on each set of groups, [S, n] -> [S]."""
        start = self.moment.losses(self.utility).double().mean()
        ends = [self.trained(row).losses(self.utility).double().mean() for row in members]
        return start - torch.stack(ends)

    def trained(self, members: Tensor) -> Moment:
        """The vectors after training on the groups that are in, [n]."""
        mine = self.players[members[self.groups]]
        share = len(mine) / max(1, len(self.players))
        now = self.moment
        for _ in range(self.steps if len(mine) else 0):
            move = now.moved(now.gradient(mine))
            now = replace(now, vectors=now.vectors - self.rate * share * move)
        return now

    def taylor(self) -> Quadratic:
        """The second-order expansion of `steps` steps as one step of `steps` times the rate."""
        size, span = max(1, len(self.players)), self.rate * self.steps
        moves = []
        for group in range(self.n):
            mine = self.players[self.groups == group]
            share = span * len(mine) / size
            moves.append(-share * self.moment.moved(self.moment.gradient(mine)))
        slope = self.moment.gradient(self.utility)
        bent = [self.moment.curved(self.utility, move) for move in moves]
        stacked, curved = torch.stack(moves).double(), torch.stack(bent).double()
        pairs = -torch.einsum("nqd,mqd->nm", stacked, curved)
        own = -torch.einsum("nqd,qd->n", stacked, slope.double()) + pairs.diagonal() / 2
        return Quadratic(own, pairs - pairs.diagonal().diag())
