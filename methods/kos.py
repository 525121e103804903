"""k-OS: the k-th best scored of n positives of the user plays the positive of WARP.

    i* = the k-th highest s(u, i) among i and n - 1 draws from P_u
    L = w(tries) max(0, 1 - s_{i*} + s_j),   w = min(10, log max(1, floor((I - 1) / tries)))

Weston, Yee & Weiss, "Learning to Rank Recommendations with the k-Order Statistic Loss", RecSys
2013, in the form of the released code of LightFM. A high k (of n) works on the user's badly ranked
items, a low one on those that are at the top already: k = 1 is bold about the first places. The
row's own item is one of the n; a row is a pair drawn at random, so it is a draw like the others.
One of one (`positives=1,place=1`) is `warp`, and so is every row of a user with one item. What
differs: LightFM lacks the lower bound of the weight here, and draws a user first, not a pair. The
items that play the positive carry the gradient, the row's own is not touched unless it is chosen.
Cost per step: n draws of positives, T of negatives, n + T + 1 dot products a row.
"""

from dataclasses import dataclass, replace

import torch

from negbench.parts import Hinge, Uniform
from negbench.parts.selection.first_violator import FirstViolator
from negbench.parts.user_history import Liked
from negbench.protocol import (
    Card,
    Ids,
    Method,
    Step,
    TrainContext,
    View,
    check_ranges,
)

CARD = Card(
    title="k-OS: WARP with the k-th best of a user's positives",
    family="ranking",
    authors="Jason Weston, Hector Yee and Ron J. Weiss",
    year=2013,
    venue="RecSys",
    link="https://doi.org/10.1145/2507157.2507210",
    paper="Learning to Rank Recommendations with the k-Order Statistic Loss",
    moves=("stages", "objective", "transform"),
    needs=("users",),
    provenance="specification",
    differs="The row's own item is one of the positives; the user's items are never drawn.",
    search={"place": ("of", 1, 3, 5, 10), "tries": ("of", 4, 10, 32)},
    controls={
        "warp": "the row's own positive",
        "kos(place=10)": "the worst scored of the ten",
        "kos(place=1)": "the best scored of the ten",
    },
    presets={
        "released": {"positives": 10, "place": 5, "tries": 10, "margin": 1.0, "cap": 10.0},
    },
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    positives: int = 10
    """n, 1 or more; 10 in the released code."""
    place: int = 5
    """k, from 1 (the best scored) to n; 5 in the released code."""
    tries: int = 10
    """T, 1 or more; 10 in the released code."""
    margin: float = 1.0
    """Above 0; 1 in the paper."""
    cap: float = 10.0
    """The greatest weight of a row, above 0; 10 in the released code."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"positives": 1, "tries": 1}, above={"margin": 0, "cap": 0})
        if not 1 <= self.place <= self.positives:
            raise ValueError(
                f"`place` must be from 1 to `positives`; got {self.place} of {self.positives}"
            )


class OrderedPositive:
    """A transform: the positive of each row is the k-th best scored of n of its user's."""

    def __init__(self, n: int, k: int) -> None:
        """The histories are read in `begin`."""
        self.n, self.k = n, k

    def begin(self, context: TrainContext) -> None:
        """Callback before training: the users' train items."""
        self.liked = Liked.of(context.train, context.device)

    def view(self, step: Step) -> View:
        """The view with these positives in training; unchanged in ranking."""
        if not step.training or self.n == 1:
            return step.view
        ids = self.chosen(step)
        own = (ids == step.batch.items).unsqueeze(1)
        positive = torch.where(own, step.view.positive, step.view.rows(ids))
        return replace(step.view, positive=positive)

    @torch.no_grad()
    def chosen(self, step: Step) -> Ids:
        """The item that plays the positive of each row, [B]."""
        ids = self.drawn(step)
        order = step.view.score_rows(ids).topk(self.k, 1).indices[:, -1:]
        return ids.gather(1, order).squeeze(1)

    def drawn(self, step: Step) -> Ids:
        """The row's own positive and n - 1 of its user's, with replacement: [B, n]."""
        users, own = step.batch.users, step.batch.items.unsqueeze(1)
        shape = (len(users), self.n - 1)
        share = torch.rand(shape, generator=step.generator, device=users.device)
        sizes = self.liked.sizes(users).unsqueeze(1)
        at = self.liked.indptr[users].unsqueeze(1) + (share * sizes).long().minimum(sizes - 1)
        there = sizes > 0  # a loop of your own may have users without train pairs
        return torch.cat([own, self.liked.items[at.where(there, 0)].where(there, own)], 1)


def build(config: Config) -> Method:
    """The first violator of T uniform draws for the k-th best positive, with the hinge."""
    return Method(
        sampler=Uniform(config.tries),
        stages=(FirstViolator(config.margin, config.cap),),
        objective=Hinge(config.margin),
        transform=OrderedPositive(config.positives, config.place),
    )
