"""What backbones that read histories share: one item table, every position a row, and the cut.

A query is what the encoder makes of the items up to its position; the same table gives the scored
items. The encoder keeps plain autograd, and the cut stands between it and the parts: `carry` sends
the gradient of the queries through the encoder and scatters those of the item rows.
"""

from typing import Literal, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from negbench.backbones import _embedding_table
from negbench.data.interactions import Csr
from negbench.protocol.context import TrainContext
from negbench.protocol.gradient_leaves import Leaves
from negbench.protocol.step import Batch, Negatives, RankingVectors
from negbench.protocol.view import Similarity, View
from negbench.training.batches import tails


class Settings(Protocol):
    """What the shared part reads of a backbone's Config."""

    @property
    def dim(self) -> int:
        """D."""
        ...

    @property
    def length(self) -> int:
        """T, how many of the latest items are read."""
        ...

    @property
    def l2(self) -> float:
        """Weight of the L2 penalty."""
        ...

    @property
    def similarity(self) -> Literal["dot", "cosine"]:
        """How vectors are scored."""
        ...

    @property
    def temperature(self) -> float:
        """Divides the scores."""
        ...

    @property
    def init(self) -> float:
        """Standard deviation of the first item vectors."""
        ...


class SequenceBackbone(nn.Module):
    """A table [I + 1, D], whose last row (padding) stays zero, read by a subclass's `encoder`."""

    feed: Literal["sequences"] = "sequences"

    def __init__(
        self, settings: Settings, context: TrainContext, generator: torch.Generator
    ) -> None:
        """Draw the item vectors from the generator; the subclass draws its weights after."""
        super().__init__()
        self.settings, self.n_items = settings, context.n_items
        self.similarity = Similarity(settings.similarity, settings.temperature)
        self.table = _embedding_table.table(
            context.n_items + 1, settings, generator, context.device
        )
        self.table.data[context.n_items] = 0

    def encoder(self, inputs: Tensor, cells: Tensor, generator: torch.Generator | None) -> Tensor:
        """Vectors [B, D] of the positions `cells` [B] of `inputs` [S, T]; no generator, no dropout.

        Items come first in a row and padding after; `cells` are all positions that hold items.
        """
        raise NotImplementedError

    def look_up(self, ids: Tensor) -> Tensor:
        """Item vectors with gradient, [..., D]; the padding's stay zero."""
        return F.embedding(ids, self.table, padding_idx=self.n_items)

    def view(self, batch: Batch, generator: torch.Generator, *, cut: bool = True) -> View:
        """Every position of the histories as a row; with `cut` the rows are leaves."""
        return self.show(batch, self.read(batch, generator), cut=cut)

    def read(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """What the encoder makes of every position, [B, D], with its graph."""
        if batch.inputs is None or batch.cells is None:
            raise ValueError("a sequence backbone is fed histories; this batch has no `inputs`")
        return self.encoder(batch.inputs, batch.cells, generator if self.training else None)

    def show(self, batch: Batch, made: Tensor, *, cut: bool) -> View:
        """The view whose queries are `made`."""
        if not cut:
            items = self.table[: self.n_items]
            return View(made, items, items[batch.items], self.similarity)
        items = self.table.detach()[: self.n_items]
        query, positive = made.detach().requires_grad_(), items[batch.items].requires_grad_()
        leaves = Leaves(query=query, positive=positive, behind=[(made, query)])
        return View(query, items, positive, self.similarity, leaves=leaves)

    def backward(self, batch: Batch, view: View, negatives: Negatives) -> None:
        """Through the encoder, and into the table; the penalty of a history is its last item's."""
        into, leaves = _embedding_table.gradient(self.table), view.leaves
        if leaves is not None:
            _backward(leaves.behind)
            for ids, leaf in ((batch.items, leaves.positive), *leaves.rows):
                if leaf is not None and leaf.grad is not None:
                    _embedding_table.add(into, ids, leaf.grad)
            _embedding_table.pay(into[: self.n_items], leaves)
        if self.settings.l2 and batch.inputs is not None:
            latest = batch.inputs.view(-1)[batch.cells]
            groups = [latest, batch.items, *(() if negatives.ids is None else (negatives.ids,))]
            _embedding_table.penalise(into, self.table.detach(), self.settings.l2, *groups)

    @torch.no_grad()
    def encode(self, history: Csr) -> RankingVectors:
        """Queries from each user's latest items; a user without any has zeros: all items tie."""
        inputs = torch.from_numpy(tails(history, self.settings.length)).to(self.table.device)
        lengths = (inputs != self.n_items).sum(1)
        items = self.table[: self.n_items].detach().clone()

        @torch.no_grad()
        def query(users: Tensor) -> Tensor:
            counts = lengths[users]
            rows = inputs[users][:, : max(1, int(counts.max()))] if len(users) else inputs[:0]
            cells = (rows != self.n_items).view(-1).nonzero().squeeze(1)
            found = items.new_zeros(len(users), items.shape[1])
            if len(cells):
                made = self.encoder(rows, cells, None)
                found[counts > 0] = made[counts.cumsum(0)[counts > 0] - 1]
            return found

        return RankingVectors(items, self.similarity, query)


def _backward(behind: list[tuple[Tensor, Tensor]]) -> None:
    """On through the backbone's own graph, once for all that was cut from it."""
    reached = [(made, leaf.grad) for made, leaf in behind if leaf.grad is not None]
    if reached:
        torch.autograd.backward([made for made, _ in reached], [grad for _, grad in reached])


@torch.no_grad()
def first_weights(module: nn.Module, generator: torch.Generator) -> None:
    """Matrices normal with variance 1 / inputs, biases zero, scales one; drawn by the generator.

    The module is made on the device "meta", where torch's own random initialisation draws nothing.
    """
    module.to_empty(device=generator.device)
    for name, parameter in module.named_parameters():
        if parameter.dim() > 1:
            parameter.normal_(std=parameter.shape[1] ** -0.5, generator=generator)
        else:
            parameter.fill_(float(name.endswith("weight")))
