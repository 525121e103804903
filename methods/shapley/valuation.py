"""Values of many triplets, measured several times over, with standard errors.

A measurement draws what is random anew: held-out triplets (a carved pair and a uniform negative),
and by the game, blocks of players and permutations of them. Measurements are independent, so the
spread of m of them over sqrt(m) is the standard error of their mean, whatever the game; with few of
them it follows Student's t. It is the error of what is drawn, given which pairs were carved. The
values of all games have one unit: their mean over all triplets is the fall of the held-out loss
that one step (`retrain`: `steps` of them) over all train pairs brings.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from negbench.parts.sampling.proposals import UniformProposal, outside
from negbench.protocol import Csr, TrainContext

from .in_run_values import OneStep, direction
from .permutation_estimator import Estimator, estimate
from .retraining_game import Retraining
from .triplet_gradients import Moment

Games = Literal["in_run", "one_step", "retrain"]
RETRAINED = 1 << 14
"""Triplets that stand for the groups in a measurement of `retrain`."""


@dataclass(frozen=True)
class Valuing:
    """How triplets are valued."""

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
    """Players of `one_step` at once."""
    steps: int = 1
    """Of `retrain`."""
    tolerance: float = 0.01
    """Share of the fall at which a walk of `retrain` stops."""

    def values(
        self,
        moment: Moment,
        players: Tensor,
        held_out: Callable[[int], Tensor],
        pairs: int,
        groups: Tensor,
        generator: torch.Generator,
    ) -> tuple[Tensor, Tensor]:
        """Values and standard errors of `players` [T, 3], [T] each.

        `held_out(n)` draws n utility triplets [n, 3]; `pairs` is how many train pairs a step is
        over; `groups` [T] are the players' groups, for `retrain`.
        """
        rate = self.rate * pairs

        def in_run(utility: Tensor) -> Tensor:
            return moment.along(players, direction(moment, utility, rate, mean))

        def one_step(utility: Tensor) -> Tensor:
            return self._in_blocks(moment, players, utility, pairs, generator)

        def retrain(utility: Tensor) -> Tensor:
            return self._by_group(moment, players, groups, utility, rate, generator)

        second = self.game == "in_run" and self.order == 2
        mean = moment.gradient(players) if second else None
        measure = {"in_run": in_run, "one_step": one_step, "retrain": retrain}[self.game]
        return repeated(lambda: measure(held_out(self.utility)), self.measurements)

    def _in_blocks(
        self,
        moment: Moment,
        players: Tensor,
        utility: Tensor,
        pairs: int,
        generator: torch.Generator,
    ) -> Tensor:
        """Permutations within random blocks; a block's step is over its own triplets."""
        values = moment.vectors.new_zeros(len(players))
        order = torch.randperm(len(players), generator=generator, device=players.device)
        for rows in torch.split(order, self.block):
            game = OneStep.of(moment, players[rows], utility, self.rate * len(rows))
            values[rows] = self._estimated(game, 0.0, generator).float() * pairs
        return values

    def _by_group(
        self,
        moment: Moment,
        players: Tensor,
        groups: Tensor,
        utility: Tensor,
        rate: float,
        generator: torch.Generator,
    ) -> Tensor:
        """The value of each group, shared alike by its triplets."""
        order = torch.randperm(len(players), generator=generator, device=players.device)
        some = order[:RETRAINED]
        met, at = torch.unique(groups, return_inverse=True)
        mine, n = at[some], len(met)
        game = Retraining(moment, players[some], mine, utility, rate, self.steps, n)
        value = self._estimated(game, self.tolerance, generator)
        share = len(some) / torch.bincount(mine, minlength=n).clamp(min=1)
        return (value * share).float()[at]

    def _estimated(
        self, game: OneStep | Retraining, tolerance: float, generator: torch.Generator
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


def repeated(measure: Callable[[], Tensor], times: int) -> tuple[Tensor, Tensor]:
    """Mean and its standard error [T] of independent measurements [T], two or more."""
    mean = measure()
    squares = torch.zeros_like(mean)
    for count in range(2, times + 1):
        off = measure() - mean
        mean = mean + off / count
        squares = squares + off.square() * (count - 1) / count
    return mean, (squares / (times - 1) / times).sqrt()


@dataclass(frozen=True, eq=False)
class HeldOutTriplets:
    """Carved pairs with uniform negatives, drawn anew each time."""

    users: Tensor
    items: Tensor
    context: TrainContext

    @classmethod
    def of(cls, carved: Csr, context: TrainContext) -> "HeldOutTriplets":
        """Know the carved pairs."""
        users, items = (
            torch.tensor(ids, dtype=torch.int64, device=context.device)
            for ids in (carved.rows, carved.indices)
        )
        return cls(users, items, context)

    def draw(self, n: int, moment: Moment, generator: torch.Generator) -> Tensor:
        """n nodes [n, 3], with replacement; fewer where a user has no item left."""
        device = self.context.device
        at = torch.randint(len(self.users), (n,), generator=generator, device=device)
        users, items = self.users[at], self.items[at]
        even = UniformProposal(self.context.n_items, device)
        ids, mask = outside(even, self.context.excluded, users, 1, generator)
        nodes = moment.nodes(users, items, ids.squeeze(1))
        return nodes if mask is None else nodes[mask.squeeze(1)]
