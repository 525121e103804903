"""In-run data Shapley of triplets: their share in the fall of a held-out loss after one step.

    U(S) = l_V(E) - l_V(E - s/n P sum_{k in S} r_k)        r_k the gradient of triplet k's loss
    value_k = n phi_k = <r_k, P (s V - s^2/2 H P mean_l r_l)>,   V, H gradient and Hessian of l_V

The value is that of the second-order expansion of U, in closed form and for all triplets along one
direction: first order is its first term. It is what the mean of any antithetic pair of permutations
gives in that game, so no permutation is walked. Values are n times Shapley's: their *mean* is the
fall of the loss, whatever the number of triplets. In-run values of training data: Wang, Mittal,
Song & Jia, "Data Shapley in One Training Run"; for triplets, and through P, our derivation. The
step is one of plain gradient descent, whatever the optimiser of the run. Cost: 6 D a triplet and
direction, one Hessian product and four propagations a direction.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from negbench.protocol import Pairs, Similarity

from .games import QuadraticGame
from .shapes import Coalitions, NodeVectors, SetValues, Triplets
from .triplet_gradients import VectorState, losses


def value_direction(
    state: VectorState, utility: Triplets, rate: float, mean: NodeVectors | None = None
) -> NodeVectors:
    """The direction [U + I, D] whose dot product with a triplet's gradient is its value.

    `utility` [V, 3] are held-out triplets, `mean` [U + I, D] the mean gradient of all players, or
    None for the first order alone.
    """
    judge = state.held_out
    ahead = rate * judge.mean_gradient(utility)
    if mean is not None:
        ahead = ahead - rate**2 / 2 * judge.hessian_product(utility, state.displacement(mean))
    return state.displacement(ahead)


def in_run_values(
    state: VectorState, players: Triplets, utility: Triplets, rate: float, *, order: int = 2
) -> Pairs:
    """The value of each of `players` [T, 3], [T], by `utility` [V, 3]; `order` is 1 or 2."""
    mean = state.mean_gradient(players) if order == 2 else None
    return state.derivatives_along(players, value_direction(state, utility, rate, mean))


@dataclass(frozen=True, eq=False)
class OneStepGame:
    """The in-run game without an expansion: the loss itself after the step, for few players.

    Only nodes that some player moves are kept, and only held-out triplets that contain one: the
    loss of the others is a constant. Float64: the differences are small. The loss is
    that at the held-out scale; a step keeps its part along E, which would move all nodes.
    """

    rows: Tensor
    """Vectors of the nodes kept, [Q, D]."""
    moves: Tensor
    """How far each player moves each of them, [n, Q, D]."""
    utility: Tensor
    """Distinct held-out triplets by places among the nodes kept, [V', 3]."""
    share: Tensor
    """The share of each among all held-out triplets, [V']."""
    similarity: Similarity

    @classmethod
    def of(cls, state: VectorState, players: Triplets, utility: Triplets, rate: float) -> Self:
        """`players` [n, 3] and `utility` [V, 3] are rows of the state's table."""
        size = len(state.vectors)
        moving, place = torch.unique(players, return_inverse=True)
        hot = state.vectors.new_zeros(size, len(moving))
        hot[moving, torch.arange(len(moving), device=hot.device)] = 1.0
        reach = state.propagated(hot)
        touched = (reach != 0).any(1)
        met, times = torch.unique(utility[touched[utility].any(1)], dim=0, return_counts=True)
        nodes, where = torch.unique(met, return_inverse=True)
        # [n, Q, 3] @ [n, 3, D]: each player's three gradients, as far as they reach.
        reach = reach[nodes].double()[:, place].transpose(0, 1)
        moves = -rate / len(players) * (reach @ state.triplet_gradients(players).double())
        rows = state.vectors[nodes].double()
        share = times.double() / max(1, len(utility))
        return cls(rows, moves, where.view(-1, 3), share, state.held_out.similarity)

    @property
    def n(self) -> int:
        """Number of players."""
        return len(self.moves)

    def utility_of(self, members: Coalitions) -> SetValues:
        """How far the held-out loss falls by a step over each set of players, [S, n] -> [S]."""
        after = [self._loss(part) for part in torch.split(members.double(), 64)]
        return self._loss(members.new_zeros(1, self.n).double()) - torch.cat(after)

    def _loss(self, inside: Tensor) -> Tensor:
        shift = torch.einsum("sn,nqd->sqd", inside, self.moves)
        return self._mean(self.rows + shift)

    def _mean(self, rows: Tensor) -> Tensor:
        return losses(rows[..., self.utility, :], self.similarity) @ self.share

    def taylor(self) -> QuadraticGame:
        """Second-order expansion: a control variate with the values of `in_run_values` over n."""
        if not len(self.utility):
            zero = self.moves.new_zeros(self.n)
            return QuadraticGame(zero, zero.new_zeros(self.n, self.n))
        slope = torch.func.grad(self._mean)

        def hessian_product(move: Tensor) -> Tensor:
            product: Tensor = torch.func.jvp(slope, (self.rows,), (move,))[1]
            return product

        curved = torch.func.vmap(hessian_product)(self.moves)
        pairs = -torch.einsum("nqd,mqd->nm", self.moves, curved)
        own = -torch.einsum("nqd,qd->n", self.moves, slope(self.rows)) + pairs.diagonal() / 2
        return QuadraticGame(own, pairs - pairs.diagonal().diag())
