"""Shapley values of many triplets from repeated measurements, with standard errors.

A measurement draws what is random anew: held-out triplets (a held-out pair and a uniform negative),
and by the game, blocks of players and permutations of them. Measurements are independent, so the
spread of m of them over sqrt(m) is the standard error of their mean, whatever the game; with few of
them it follows Student's t. It is the error of what is drawn, given which pairs are held out. The
values of all games have one unit: their mean over all triplets is the fall of the held-out loss
that one step (`retrain`: `steps` of them) over all train pairs brings.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from negbench.parts.sampling.proposals import UniformProposal, sample_outside
from negbench.protocol import Csr, Pairs, TrainContext

from .in_run_values import OneStepGame, value_direction
from .permutation_estimator import Estimator, estimate
from .retraining_game import RetrainingGame
from .shapes import Triplets
from .triplet_gradients import VectorState

Games = Literal["in_run", "one_step", "retrain"]
RETRAINED = 1 << 14
"""Triplets that represent the groups in a measurement of `retrain`."""


@dataclass(frozen=True)
class Valuation:
    """Settings of the valuation, and its run over many triplets."""

    game: Games = "in_run"
    order: int = 2
    """Of `in_run`: 1 or 2."""
    estimator: Estimator = "antithetic"
    """Of `one_step` and `retrain`."""
    permutations: int = 4
    measurements: int = 8
    utility: int = 16_384
    """Held-out triplets of a measurement."""
    rate: float = 0.01
    """How far a step goes for each train pair."""
    block: int = 32
    """Players in a block of `one_step`."""
    steps: int = 1
    """Of `retrain`."""
    tolerance: float = 0.01
    """Share of the fall at which a permutation of `retrain` is truncated."""

    def values(
        self,
        state: VectorState,
        players: Triplets,
        held_out: Callable[[int], Triplets],
        pairs: int,
        groups: Pairs,
        generator: torch.Generator,
    ) -> tuple[Pairs, Pairs]:
        """Values and standard errors of `players` [T, 3], [T] each.

        `held_out(n)` samples n held-out triplets [n, 3]; `pairs` is the number of train pairs in a
        step; `groups` [T] are the players' groups, for `retrain`.
        """
        rate = self.rate * pairs

        def in_run(utility: Tensor) -> Tensor:
            return state.derivatives_along(players, value_direction(state, utility, rate, mean))

        def one_step(utility: Tensor) -> Tensor:
            return self._in_blocks(state, players, utility, pairs, generator)

        def retrain(utility: Tensor) -> Tensor:
            return self._by_group(state, players, groups, utility, rate, generator)

        second = self.game == "in_run" and self.order == 2
        mean = state.mean_gradient(players) if second else None
        measure = {"in_run": in_run, "one_step": one_step, "retrain": retrain}[self.game]
        return mean_and_error(lambda: measure(held_out(self.utility)), self.measurements)

    def _in_blocks(
        self,
        state: VectorState,
        players: Tensor,
        utility: Tensor,
        pairs: int,
        generator: torch.Generator,
    ) -> Tensor:
        """Permutations within random blocks; a block's step is over its own triplets."""
        values = state.vectors.new_zeros(len(players))
        order = torch.randperm(len(players), generator=generator, device=players.device)
        for rows in torch.split(order, self.block):
            game = OneStepGame.of(state, players[rows], utility, self.rate * len(rows))
            values[rows] = self._estimated(game, 0.0, generator).float() * pairs
        return values

    def _by_group(
        self,
        state: VectorState,
        players: Tensor,
        groups: Tensor,
        utility: Tensor,
        rate: float,
        generator: torch.Generator,
    ) -> Tensor:
        """The value of each group, split equally among its triplets."""
        order = torch.randperm(len(players), generator=generator, device=players.device)
        some = order[:RETRAINED]
        distinct, at = torch.unique(groups, return_inverse=True)
        own, n = at[some], len(distinct)
        game = RetrainingGame(state, players[some], own, utility, rate, self.steps, n)
        value = self._estimated(game, self.tolerance, generator)
        share = len(some) / torch.bincount(own, minlength=n).clamp(min=1)
        return (value * share).float()[at]

    def _estimated(
        self, game: OneStepGame | RetrainingGame, tolerance: float, generator: torch.Generator
    ) -> Tensor:
        surrogate = None
        if self.estimator in ("quadratic", "first_order"):
            surrogate = game.taylor()
            if self.estimator == "first_order":
                surrogate = surrogate.additive()
        return estimate(
            game,
            self.permutations,
            generator,
            estimator=self.estimator,
            surrogate=surrogate,
            tolerance=tolerance,
        ).value


def mean_and_error(measure: Callable[[], Pairs], times: int) -> tuple[Pairs, Pairs]:
    """Mean and its standard error [T] of two or more independent measurements [T]."""
    mean = measure()
    squares = torch.zeros_like(mean)
    for count in range(2, times + 1):
        off = measure() - mean
        mean = mean + off / count
        squares = squares + off.square() * (count - 1) / count
    return mean, (squares / (times - 1) / times).sqrt()


@dataclass(frozen=True, eq=False)
class HeldOutTriplets:
    """Samples held-out triplets: a pair held out of train, with a uniform negative."""

    users: Tensor
    items: Tensor
    context: TrainContext

    @classmethod
    def of(cls, held_out: Csr, context: TrainContext) -> "HeldOutTriplets":
        """From the held-out pairs."""
        users, items = (
            torch.tensor(ids, dtype=torch.int64, device=context.device)
            for ids in (held_out.rows, held_out.indices)
        )
        return cls(users, items, context)

    def sample(self, n: int, state: VectorState, generator: torch.Generator) -> Triplets:
        """n triplets [n, 3], with replacement; fewer where a user has no item left."""
        device = self.context.device
        at = torch.randint(len(self.users), (n,), generator=generator, device=device)
        users, items = self.users[at], self.items[at]
        proposal = UniformProposal(self.context.n_items, device)
        ids, mask = sample_outside(proposal, self.context.excluded, users, 1, generator)
        nodes = state.nodes(users, items, ids.squeeze(1))
        return nodes if mask is None else nodes[mask.squeeze(1)]
