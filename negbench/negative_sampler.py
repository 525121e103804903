"""sampler: the negatives of a registered method for any model, in a training loop of your own.

draw = negbench.sampler("dns(candidates=16)", users, items)       # the train pairs
for u, i in batches:
    negatives = draw(u, score=model.score)        # model.score(u [B], ids [B, M]) -> [B, M]
    loss = my_loss(model, u, i, negatives.ids)    # ids [B, N]: your forward pass, your loss
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike

from negbench.composition import NO_NEGATIVES, OF_ROWS
from negbench.errors import UserError
from negbench.given_method import Given, given_method
from negbench.ops.axes import AnyShape, Ids, Mask, Rows, Scores
from negbench.protocol.context import TrainContext
from negbench.protocol.encoded_items import CATALOGUE
from negbench.protocol.interfaces import Begins, Observes, Refreshes
from negbench.protocol.step import Batch, Negatives, Step
from negbench.protocol.view import DotCounter, View
from negbench.training.forward import having
from negbench.training.id_check import IdCheck
from negbench.training.process_rank import own_stream, process_rank
from negbench.training.snapshot import load_states, states
from negbench.training.train_pairs import context_of_pairs

DRAWS = {"sampler", "stages"}
"""What a method must be about for its negatives to be its own."""
Score = Callable[[Rows, Ids], Scores]
"""`score(users [B], ids [B, M]) -> [B, M]`: a model's scores of M items for each user."""


@dataclass(frozen=True, eq=False)
class Sampled:
    """Negatives of a batch, per row."""

    ids: Ids
    """Item ids, [B, N]."""
    logq: AnyShape | None
    """Log probability of each draw under the sampler, [B, N]; None where a stage chose among the
    draws, so that it is not known."""
    logw: Scores | None
    """Log weight in the loss, [B, N], where a stage weighs them; None where all count alike."""
    mask: Mask | None
    """[B, N], False for what must not be used; None where all may be."""


class NegativeSampler:
    """A method's sampler and stages, without its loss; made by `sampler`.

    Draws come from a generator of its own. `state_dict` and `load_state_dict` let a run go on.
    Call it outside of what `torch.compile` compiles.
    """

    def __init__(self, method: Given, context: TrainContext, rank: int = 0) -> None:
        """Build the method and begin its sampler and stages; use `sampler` instead.

        Raises UserError for a method whose negatives are not drawn by ids and scores alone.
        """
        given = given_method(method)
        self.name, self.context, self.epoch, self.number = given.name, context, 1, 0
        self.ids, self.rank = IdCheck(), rank
        if any(card.family == NO_NEGATIVES for card in given.cards):
            raise UserError(f"a sampler must draw negatives; {self.name} has a loss without any")
        if needs := [need for need in given.needs if need != CATALOGUE]:
            raise UserError(
                f"a sampler by itself sees ids and scores only, and {self.name} needs "
                f"{' and '.join(needs)}; run it on a backbone of the suite"
            )
        moves = [DRAWS & set(card.moves) for card in given.cards if card.family not in OF_ROWS]
        if given.cards and not any(moves):
            raise UserError(
                f"a sampler by itself has no loss, and {self.name} is one: its negatives are those "
                "of random, popularity or whatever it is composed with; take that, as in "
                "negbench.sampler('random(negatives=64)', ...), or negbench.attach for the loss"
            )
        built = given.build()
        self.sampler, self.stages = built.sampler, built.stages
        parts = self._parts = (self.sampler, *self.stages)
        if built.transform is not None or having(parts, Refreshes):
            raise _needs_vectors(self.name)
        if having(parts, Observes):
            raise UserError(
                f"a sampler by itself sees no loss, and {self.name} learns from it; use "
                "negbench.attach, which has both"
            )
        self.generator = self._draws("negatives")
        for part in having(parts, Begins):
            part.begin(context)
        given.taken()

    @torch.no_grad()
    def __call__(
        self,
        users: Rows,
        n: int | None = None,
        *,
        positives: Rows | None = None,
        score: Score | None = None,
    ) -> Sampled:
        """Draw the negatives of `users` [B], `n` a row; as many as the method draws where None.

        `positives` [B] are the items that the users met, for methods that compare with them or
        draw from the batch; `score` is your model, for methods that choose by scores. It is called
        without gradient. With `n` the method is asked again until there are n a row: n must be a
        multiple of what it draws. Raises UserError for another n, as if nothing had been drawn, and
        where an argument that the method reads is missing, and ValueError for scores of another
        shape and ids outside the train data (on a GPU, which is not waited for, at the next call).
        """
        self.ids.settle()
        if n is not None and n < 1:
            raise UserError(f"`n` must be at least 1; got {n}")
        users = self._ids(users, "users", self.context.n_users)
        if positives is not None:
            positives = self._ids(positives, "positives", self.context.n_items)
            if positives.shape != users.shape:
                raise ValueError(
                    f"`positives` must be one item a user, {list(users.shape)}; got "
                    f"{list(positives.shape)}"
                )
        before = self._state(), [] if n is None else states(self._parts)
        drawn = [self._once(users, positives, score)]
        each = drawn[0].n
        if n is not None and (not each or n % each):
            self.load_state_dict(before[0])
            load_states(self._parts, before[1])
            raise UserError(
                f"`n` must be a multiple of what {self.name} draws a row, {each}; got {n}; set its "
                "`negatives` instead"
            )
        rounds = 1 if n is None else n // each
        drawn += [self._once(users, positives, score) for _ in range(rounds - 1)]
        return _joined(drawn)

    def begin_epoch(self, number: int) -> None:
        """Say which epoch it is, counted from 1, for methods with a schedule.

        Raises ValueError for a number below 1.
        """
        if number < 1:
            raise ValueError(f"epochs must be counted from 1; got {number}")
        self.epoch = number

    def state_dict(self) -> dict[str, Any]:
        """The generator, the epoch and the step: with them the draws go on where they stood.

        Raises ValueError for ids of the last call that were not there.
        """
        self.ids.settle()
        return self._state()

    def _state(self) -> dict[str, Any]:
        return {
            "generator": self.generator.get_state(),
            "epoch": self.epoch,
            "number": self.number,
            "rank": self.rank,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`; from that of another rank by draws of this rank's own."""
        self.epoch, self.number = state["epoch"], state["number"]
        if state.get("rank", 0) == self.rank:
            self.generator.set_state(state["generator"])
        else:
            self.generator = self._draws("negatives", "after", self.number)

    def _draws(self, *names: str | int) -> torch.Generator:
        where = self.context.device
        return own_stream(self.context.seed, *names, rank=self.rank, device=where)

    def _once(self, users: Rows, positives: Rows | None, score: Score | None) -> Negatives:
        self.number += 1
        batch = cast(Batch, _UsersAlone(users, self.name))
        if positives is not None:
            batch = Batch(users, positives)
        view = cast(View, _ScoreView(self.name, users, positives, score))
        step = Step(batch, view, self.context, self.epoch, self.number, self.generator)
        used = self.sampler.sample(step)
        for stage in self.stages:
            used = stage.apply(step, used)
        if used.ids is None or used.vectors is not None:
            raise _needs_vectors(self.name)
        return used.per_row(len(users)) if used.shared else used

    def _ids(self, ids: Rows, name: str, n: int) -> Rows:
        if ids.dim() != 1:
            raise ValueError(f"`{name}` must be ids [B]; got {list(ids.shape)}")
        remedy = "leave such rows out before drawing"
        return self.ids(ids.to(self.context.device), n, name, remedy)


class _UsersAlone:
    """A batch of users without positives."""

    inputs = cells = chunk = None
    start = 0

    def __init__(self, users: Rows, name: str) -> None:
        self.users, self.name = users, name

    def __len__(self) -> int:
        return len(self.users)

    @property
    def items(self) -> Rows:
        raise UserError(f"{self.name} reads the positives of the batch; give positives=")


class _ScoreView:
    """A view of a model that is known by its scores alone."""

    through = row_weight = leaves = query_layers = item_layers = denoise = None
    losses: Mapping[str, Any] = {}

    def __init__(self, name: str, users: Rows, items: Rows | None, score: Score | None) -> None:
        self.name, self.users_of_batch, self.items_of_batch = name, users, items
        self.function, self.dots = score, DotCounter()
        self.positive = users.new_zeros(len(users), 0, dtype=torch.float32)
        """Stands for the vectors of the positives, which only `score_pair` takes."""

    def score_pair(self, vectors: AnyShape) -> Rows:
        if vectors is not self.positive:
            raise _needs_vectors(self.name)
        if self.items_of_batch is None:
            raise UserError(f"{self.name} compares with the positives; give positives=")
        return self.score_rows(self.items_of_batch.unsqueeze(1)).squeeze(1)

    def score_rows(self, what: AnyShape, *, penalised: bool = False) -> Scores:
        if what.is_floating_point():
            raise _needs_vectors(self.name)
        if self.function is None:
            raise UserError(f"{self.name} chooses by the model's scores; give score=")
        scores = self.function(self.users_of_batch, what)
        if scores.shape != what.shape:
            raise ValueError(
                f"`score` must return one score an id, {list(what.shape)}; got {list(scores.shape)}"
            )
        return scores.detach()

    def score_shared(self, what: AnyShape, *, penalised: bool = False, n_fixed: int = 0) -> Scores:
        return self.score_rows(what.expand(len(self.users_of_batch), -1))

    def __getattr__(self, name: str) -> Any:
        raise _needs_vectors(self.__dict__["name"])


def _joined(drawn: list[Negatives]) -> Sampled:
    """Several rounds side by side; one without a mask, where all may be used, counts as True."""

    def side_by_side(values: list[Any]) -> Any:
        return None if any(value is None for value in values) else torch.cat(values, 1)

    masks = [each.mask for each in drawn]
    ids, logq, logw = ([getattr(x, name) for x in drawn] for name in ("ids", "logq", "logw"))
    if any(mask is not None for mask in masks):
        masks = [
            torch.ones_like(x, dtype=torch.bool) if mask is None else mask
            for x, mask in zip(ids, masks, strict=True)
        ]
    return Sampled(torch.cat(ids, 1), *map(side_by_side, (logq, logw, masks)))


def _needs_vectors(method: str) -> UserError:
    return UserError(
        f"a sampler by itself sees ids and scores only, and {method} reads vectors; use "
        "negbench.attach in your own loop, or run it on a backbone of the suite"
    )


def sampler(
    method: Given,
    users: ArrayLike,
    items: ArrayLike,
    *,
    n_users: int | None = None,
    n_items: int | None = None,
    seed: int = 0,
    rank: int | None = None,
    device: str = "cpu",
) -> NegativeSampler:
    """A method's negatives for a model and a loss of your own.

    `method` is a name with settings, the path of a plug-in file, or a built `Method`. `users` and
    `items` [n] are the ids of the train pairs, counted from 0; they are what is never drawn. `rank`
    is the number of this process, by default that in `torch.distributed` where it runs: with one
    `seed` the draws of the processes differ. Raises UserError for an unknown method, or one whose
    negatives need vectors or a loss.
    """
    context = context_of_pairs(
        np.asarray(users), np.asarray(items), n_users, n_items, seed=seed, device=device
    )
    return NegativeSampler(method, context, process_rank(rank))
