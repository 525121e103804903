"""attach: a registered method as the loss of any PyTorch model, in a training loop of your own.

loss = negbench.attach("dns(candidates=16)", users, items)      # the train pairs
for u, i in batches:                                            # your loop, your optimiser
    value = loss(model.user(u), model.item.weight, u, i)        # scalar, plain autograd
    value.backward()

Where item vectors are encoded, by a text model for instance, give the function encode(ids [n]) ->
[n, D] in place of the matrix: it is asked for the positives and the drawn items of each step alone.
"""

from numbers import Integral
from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import nn
from torch.optim import Optimizer

from negbench.errors import UserError, shown
from negbench.given_method import Given, given_method
from negbench.ops import rng
from negbench.ops.axes import AnyVectors, ItemVectors, Rows, Scalar, UserVectors, Vectors
from negbench.protocol.context import TrainContext
from negbench.protocol.encoded_items import Encode
from negbench.protocol.interfaces import Begins, Phase, Refreshes
from negbench.protocol.step import Batch, Epoch, Step
from negbench.protocol.view import Similarity, View
from negbench.training.attached_state import AttachedState
from negbench.training.forward import forward, having
from negbench.training.given_items import item_vectors, rows_of
from negbench.training.given_rows import at_rest, check_shapes, check_tables, counted
from negbench.training.given_similarity import How, similarity_of
from negbench.training.given_values import whole_number
from negbench.training.id_check import IdCheck
from negbench.training.optimisers import set_lr
from negbench.training.own_rates import OwnRates
from negbench.training.precision import Precision
from negbench.training.process_rank import n_processes, process_rank
from negbench.training.train_pairs import context_of_pairs

NEEDS_A_BACKBONE = ("layers", "sequence", "denoiser", "users", "texts", "exposures")


class Attached(AttachedState):
    """A method as a loss module for a PyTorch model of your own.

    Its own parameters, where it has any, are in `parameters()`: give them to your optimiser, as
    `parameter_groups(lr)` where some train at a rate of their own. Adversarial parameters are
    maximised: a hook negates their gradient, so one optimiser suffices.

    Epochs advance by themselves, each after as many rows as there are train pairs: methods then
    refresh their pools and tables, and go on to their own phase. Call `epoch(items, users)` before
    each pass to count them yourself.

    Scores and losses are in float32, also under autocast or for vectors of half precision, and in
    float64 for vectors of that. In `eval()` mode a loss is drawn without touching the training.
    `state_dict` holds all that a run needs to go on. In a function that is compiled by
    `torch.compile` the loss runs as it is, at the price of one graph break (`fullgraph=True` is
    therefore refused).

    In a distributed training each process attaches the method with the same seed and pairs, and
    draws of its own. A module that holds model and loss goes into DistributedDataParallel: their
    gradients are averaged. What a part learns outside of gradients stays each process's own, so
    keep the state of each for a run to go on.
    """

    def __init__(
        self,
        method: Given,
        context: TrainContext,
        similarity: Similarity,
        *,
        epoch_rows: int,
        ignore_index: int | None = None,
        rank: int = 0,
    ) -> None:
        """Build the method and call `begin` of its parts; use `attach` instead.

        Raises UserError for a method that needs a backbone of the suite.
        """
        super().__init__()
        given = given_method(method)
        if unmet := [need for need in given.needs if need in NEEDS_A_BACKBONE]:
            raise UserError(
                "a method in your own loop sees user vectors and an item matrix only; "
                f"{given.name} needs {' and '.join(unmet)}; run it on a backbone of the suite"
            )
        self.name, self.method, self.needs = given.name, given.build(), given.needs
        self.context, self.rank, self.ids = context, rank, IdCheck()
        self.similarity, self.epoch_rows, self.ignore_index = similarity, epoch_rows, ignore_index
        self.precision, self.width = Precision(similarity.kind == "own"), context.width
        self.generator = self.draws("negatives")
        self.refresher = rng.stream(context.seed, "refresh", device=context.device)
        for part in having(self.method.parts, Begins):
            part.begin(context)
        self.rates = OwnRates(self.method)
        self.minimised = nn.ParameterList(self.rates.minimised)
        self.maximised = nn.ParameterList(self.rates.maximised)
        self._maximise()
        self.number, self.epochs_begun, self.outcome = 0, 0, None
        self._rows_of_epoch, self._announced, self._observed = 0, False, True
        self._refresh_due = False
        given.taken()

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def forward(
        self,
        query: Vectors,
        items: ItemVectors | Encode,
        users: Rows,
        positives: Rows,
        mask: Rows | None = None,
    ) -> Scalar:
        """The loss of a batch, a scalar with gradient to `query` and `items`.

        `query` [B, D] are the vectors of `users` [B] ids, `items` [I, D] all item vectors or a
        function encode(ids [n]) -> [n, D], `positives` [B] the item ids that these users met. Rows
        where `mask` [B] is False, and those whose positive is `ignore_index`, are left out; without
        any row left the loss is 0. Raises ValueError on other shapes and for ids that are not
        there (on a GPU, which is not waited for, at the next step), and UserError for a function
        where the method reads all items.
        """
        self.ids.settle()
        if torch.is_grad_enabled():
            return self._loss(query, items, users, positives, mask)
        given = map(at_rest, (query, items, users, positives, mask))
        with torch.inference_mode(False), torch.enable_grad():  # a part may differentiate itself
            return self._loss(*given).detach()

    def _loss(
        self,
        query: Vectors,
        items: ItemVectors | Encode,
        users: Rows,
        positives: Rows,
        mask: Rows | None,
    ) -> Scalar:
        check_shapes(query, items, users, positives, mask, self.context.n_items)
        mask = counted(positives, mask, self.ignore_index)
        if mask is not None:
            query, users, positives = query[mask], users[mask], positives[mask]
        users = self.ids(users, self.context.n_users, "users")
        positives = self.ids(positives, self.context.n_items, "positives")
        query = self.precision.vectors(query)
        items, self.width = self._items(items, query), query.shape[1]
        self._observe()
        if not len(users):
            return query.sum() + items[positives].sum()
        self._advance(items, len(users))
        with self.precision.scoring(query.device):
            self.outcome = forward(self.method, self._step(query, items, users, positives))
        self._observed = not self.training
        return self.outcome.loss

    def _items(self, items: ItemVectors | Encode, like: AnyVectors) -> ItemVectors:
        n_items = self.context.n_items
        return item_vectors(items, like, self.precision, n_items, self.name, self.needs)

    def _step(self, query: Vectors, items: ItemVectors, users: Rows, positives: Rows) -> Step:
        """A step of training, or in `eval()` mode one that draws from a generator of its own."""
        view = View(query, items, rows_of(items, positives), self.similarity)
        generator = self.generator
        if self.training:
            self.rates.warn(self.name, self.method, self.epoch_number)
            self.number += 1
        else:
            generator = self.draws("evaluation")
        batch, at = Batch(users, positives), (self.epoch_number, self.number)
        return Step(batch, view, self.context, *at, generator, training=self.training)

    @property
    def epoch_number(self) -> int:
        """The current epoch, counted from 1."""
        return max(1, self.epochs_begun)

    def epoch(self, items: ItemVectors | Encode, users: UserVectors | None = None) -> None:
        """Begin an epoch: item vectors as in a step and, if there are any, user vectors [U, D].

        Methods refresh their pools and tables here. Once you have called it, epochs advance by
        your calls alone. Raises ValueError and UserError as a step does.
        """
        self.ids.settle()
        check_tables(items, users, self.context.n_items, self.context.n_users)
        like = torch.empty(0, self.width, device=self.context.device) if users is None else users
        items, self._announced = self._items(items, like), True
        self._observe()
        self._begin_epoch(items, users)

    def _begin_epoch(self, items: ItemVectors, users: UserVectors | None) -> None:
        self.epochs_begun, self._rows_of_epoch = self.epochs_begun + 1, 0
        self._refresh(items, users)

    @torch.no_grad()
    def _refresh(self, items: ItemVectors, users: UserVectors | None) -> None:
        self._refresh_due = False
        users = None if users is None else self.precision.vectors(users.detach())
        vectors = items.detach(), users, self.similarity
        epoch = Epoch(self.epochs_begun, self.context, *vectors, self.refresher)
        with self.precision.scoring(items.device):
            for part in having(self.method.parts, Refreshes):
                part.refresh(epoch)

    def _advance(self, items: ItemVectors, rows: int) -> None:
        """Count the rows; begin an epoch where it is time and nobody else does."""
        phase, passed = self.own_phase, self._rows_of_epoch
        if not self.training:
            return
        if not self._announced and (not self.epochs_begun or passed >= self.epoch_rows):
            self._begin_epoch(items, None)
        elif phase and self.epochs_begun < phase.begins and passed > 2 * self.epoch_rows:
            raise UserError(
                f"{self.name} must reach epoch {phase.begins}, where its own phase begins "
                f"({phase.name}), and `epoch` was called {self.epochs_begun} times, {passed} rows "
                f"ago, of {self.epoch_rows} an epoch; call it before every pass, or never: epochs "
                "then advance by themselves (attach(epoch_rows=N) says how long yours are)"
            )
        if self._refresh_due:
            self._refresh(items, None)
        self._rows_of_epoch += rows

    @property
    def own_phase(self) -> Phase | None:
        """The phase that the method's schedule leads to; None where it has none.

        Start your best epoch and your patience anew when it begins: what came before is a warm-up.
        """
        return self.method.own_phase

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        """The method's own parameters for your optimiser: at `lr`, or at their part's own rate.

        Adam([{"params": model.parameters()}, *loss.parameter_groups(lr)], lr=lr)
        """
        return self.rates.groups(lr)

    def lr_factor(self) -> float:
        """The factor on your optimiser's learning rate in the current epoch; mostly 1.

        A method of two stages lowers it in the second.
        """
        return self.rates.factor(self.method, self.epoch_number)

    def set_lr(self, optimiser: Optimizer, lr: float) -> None:
        """Set the learning rates of the current epoch: `lr`, or a part's own, times `lr_factor`."""
        self.lr_factor()
        set_lr([optimiser], self.method, lr, self.epoch_number)


def attach(
    method: Given,
    users: ArrayLike,
    items: ArrayLike,
    *,
    n_users: int | None = None,
    n_items: int | None = None,
    dim: int = 0,
    similarity: How = "dot",
    temperature: float = 1.0,
    ignore_index: int | None = None,
    epoch_rows: int | None = None,
    seed: int = 0,
    rank: int | None = None,
    device: str = "cpu",
) -> Attached:
    """Make a method a loss for a plain PyTorch model.

    `method` is a name with settings, as `dns(candidates=16)`, the path of a plug-in file, or a
    built `Method`, which is used as it is.
    `users` and `items` [n] are the ids of the train pairs, counted from 0; they are what is never
    drawn, and a method of transitions (gnno) takes those of a user in their order.
    `dim` is D, the width of your vectors: methods with networks of their own ask for it.
    `similarity` is how your model scores: dot, cosine, or a function of queries [..., D] and items
    [..., D], which broadcast, to scores [...], as NeuMF has. Rows whose positive is `ignore_index`
    do not count. An epoch is `epoch_rows` rows long, by default as many as there are pairs, shared
    out among the processes of `torch.distributed` where it runs. `rank` is the number of this
    process, by default there as well: `seed` is the same for all, and their draws differ.
    Raises UserError for an unknown method, one that needs a backbone of the suite, or ids and
    settings that are out of range.
    """
    epoch_rows = None if epoch_rows is None else whole_number(epoch_rows, "epoch_rows", 1)
    dim = whole_number(dim, "dim", 0)
    context = context_of_pairs(users, items, n_users, n_items, seed=seed, device=device, width=dim)
    if ignore_index is not None and not isinstance(ignore_index, Integral):
        raise UserError(f"`ignore_index` must be a whole number; got {shown(ignore_index)}")
    if ignore_index is not None and 0 <= ignore_index < context.n_items:
        raise UserError(
            f"`ignore_index` must be no item's id, outside 0..{context.n_items - 1}; "
            f"got {ignore_index}"
        )
    return Attached(
        method,
        context,
        similarity_of(similarity, temperature),
        epoch_rows=epoch_rows or -(-len(context.train) // n_processes()),
        ignore_index=ignore_index,
        rank=process_rank(rank),
    )
