"""sampler: the negatives of a registered method for any model, in a training loop of your own.

draw = negbench.sampler("dns(candidates=16)", users, items)       # the train pairs
for u, i in batches:
    negatives = draw(u, score=model.score)        # model.score(u [B], ids [B, M]) -> [B, M]
    loss = my_loss(model, u, i, negatives.ids)    # ids [B, N]: your forward pass, your loss
"""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any, cast

import torch
from numpy.typing import ArrayLike

from negbench.composition import NO_NEGATIVES, OF_ROWS
from negbench.errors import UserError, shown
from negbench.given_method import Given, given_method
from negbench.ops.axes import AnyShape, Ids, Mask, Rows, Scores
from negbench.protocol.context import TrainContext
from negbench.protocol.encoded_items import CATALOGUE
from negbench.protocol.interfaces import Begins, Observes, Refreshes
from negbench.protocol.step import Batch, Negatives, Step
from negbench.protocol.view import View
from negbench.training.forward import having
from negbench.training.given_scores import Score, ScoreView, UsersAlone, needs_vectors
from negbench.training.given_values import require_tensor, whole_number
from negbench.training.id_check import IdCheck
from negbench.training.part_results import checked_negatives
from negbench.training.process_rank import own_stream, process_rank
from negbench.training.snapshot import load_states, states
from negbench.training.train_pairs import context_of_pairs

DRAWS = {"sampler", "stages"}
"""What a method must be about for its negatives to be its own."""


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
    row_weight: Rows | None = None
    """Factor of each row's loss, [B], where a stage weighs rows, as that of warp: 0 where no draw
    of the row is to be used. None where all rows count alike."""


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
            raise needs_vectors(self.name)
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
        multiple of what it draws, and none where each time rows have a weight of their own. Raises
        UserError for another n, as if nothing had been drawn, and where an argument that the method
        reads is missing, and ValueError for scores of another shape or that are no numbers, arrays
        that are no tensors, and ids outside the train data (on a GPU, which is not waited for, at
        the next call).
        """
        self.ids.settle()
        n = None if n is None else whole_number(n, "n", 1)
        if score is not None and not callable(score):
            raise UserError(f"`score` must be a function of users and ids; got {shown(score)}")
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
        weighs = drawn[0].row_weight is not None
        if n is not None and (not each or n % each or (weighs and n > each)):
            self.load_state_dict(before[0])
            load_states(self._parts, before[1])
            rule = f"what {self.name} draws a row, {each}"
            raise UserError(
                f"`n` must be {rule}, as it weighs the rows of each draw anew; got {n}; leave n out"
                if weighs
                else f"`n` must be a multiple of {rule}; got {n}; set its `negatives` instead"
            )
        rounds = 1 if n is None else n // each
        drawn += [self._once(users, positives, score) for _ in range(rounds - 1)]
        return _joined(drawn)

    def begin_epoch(self, number: int) -> None:
        """Say which epoch it is, counted from 1, for methods with a schedule.

        Raises ValueError for a number below 1.
        """
        if not isinstance(number, Integral) or number < 1:
            raise ValueError(f"epochs must be counted from 1; got {number}")
        self.epoch = int(number)

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
        """Go on from a `state_dict`; from that of another rank by draws of this rank's own.

        Raises UserError for what is none.
        """
        if missing := [key for key in ("generator", "epoch", "number") if key not in state]:
            raise UserError(
                "a state must be one that `state_dict` of a sampler gave; this one lacks "
                f"{', '.join(missing)}"
            )
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
        batch = cast(Batch, UsersAlone(users, self.name))
        if positives is not None:
            batch = Batch(users, positives)
        view = cast(View, ScoreView(self.name, users, positives, score))
        step = Step(batch, view, self.context, self.epoch, self.number, self.generator)
        used = checked_negatives(self.sampler.sample(step), len(users), self.sampler, "sample")
        for stage in self.stages:
            used = checked_negatives(stage.apply(step, used), len(users), stage, "apply")
        if used.ids is None or used.vectors is not None:
            raise needs_vectors(self.name)
        return used.per_row(len(users))

    def _ids(self, ids: Rows, name: str, n: int) -> Rows:
        require_tensor(ids, name)
        if ids.dim() != 1:
            raise ValueError(f"`{name}` must be ids [B]; got {list(ids.shape)}")
        remedy = "leave such rows out before drawing"
        return self.ids(ids.to(self.context.device), n, name, remedy)


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
    log_q, log_w, mask = map(side_by_side, (logq, logw, masks))
    return Sampled(torch.cat(ids, 1), log_q, log_w, mask, drawn[0].row_weight)


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
    context = context_of_pairs(users, items, n_users, n_items, seed=seed, device=device)
    return NegativeSampler(method, context, process_rank(rank))
