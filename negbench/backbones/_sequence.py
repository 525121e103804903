"""The base of sequence backbones: one item table, an encoder, and every position as a row.

A query is the encoder's output for the items up to its position; the same table gives the scored
items. The encoder keeps plain autograd, and the cut is between it and the parts: `backward` sends
the gradient of the queries through the encoder and scatters that of the item rows.
"""

from typing import Literal, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from negbench.backbones import _embedding_table
from negbench.data.interactions import Csr
from negbench.ops.axes import AnyShape, Rows, Vectors
from negbench.protocol.context import TrainContext
from negbench.protocol.gradient_leaves import Leaves
from negbench.protocol.step import Batch, Negatives, RankingVectors
from negbench.protocol.view import Similarity, View
from negbench.training.batches import tails


class Settings(Protocol):
    """The fields of a backbone's Config that the base class reads."""

    @property
    def dim(self) -> int:
        """D."""
        ...

    @property
    def length(self) -> int:
        """T, the number of latest items that are read."""
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
        """Standard deviation of the initial item vectors."""
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

    def encoder(self, inputs: AnyShape, cells: Rows, generator: torch.Generator | None) -> Vectors:
        """Vectors [B, D] of the positions `cells` [B] of `inputs` [S, T]; no generator, no dropout.

        Items come first in a row and padding after; `cells` are all positions that hold items.
        Raises NotImplementedError in the base class.
        """
        raise NotImplementedError

    def look_up(self, ids: AnyShape) -> AnyShape:
        """Item vectors with gradient, [..., D]; padding gets zeros."""
        return F.embedding(ids, self.table, padding_idx=self.n_items)

    def view(self, batch: Batch, generator: torch.Generator, *, cut: bool = True) -> View:
        """Every position of the histories as a row; with `cut` the queries are leaves."""
        return self.show(batch, self.read(batch, generator), cut=cut)

    def read(self, batch: Batch, generator: torch.Generator) -> Vectors:
        """The encoder's output at every position, [B, D], with its autograd graph.

        Raises ValueError for a batch without histories.
        """
        if batch.inputs is None or batch.cells is None:
            raise ValueError("a sequence backbone is fed histories; this batch has no `inputs`")
        return self.encoder(batch.inputs, batch.cells, generator if self.training else None)

    def show(self, batch: Batch, outputs: Vectors, *, cut: bool) -> View:
        """The view whose queries are the encoder's outputs [B, D]."""
        if not cut:
            items = self.table[: self.n_items]
            return View(outputs, items, items[batch.items], self.similarity)
        items = self.table.detach()[: self.n_items]
        query, positive = outputs.detach().requires_grad_(), items[batch.items].requires_grad_()
        leaves = Leaves(query=query, positive=positive, upstream=[(outputs, query)], in_place=True)
        return View(query, items, positive, self.similarity, leaves=leaves)

    def backward(self, batch: Batch, view: View, negatives: Negatives) -> None:
        """Through the encoder, and into the table; a history's L2 penalty is its last item's."""
        into, leaves = _embedding_table.gradient(self.table), view.leaves
        if leaves is not None:
            leaves.backward_upstream()
            for ids, gradient in leaves.item_gradients(batch.items):
                _embedding_table.add(into, ids, gradient)
            leaves.add_item_gradients(into[: self.n_items])
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
            queries = items.new_zeros(len(users), items.shape[1])
            if len(cells):
                outputs = self.encoder(rows, cells, None)
                queries[counts > 0] = outputs[counts.cumsum(0)[counts > 0] - 1]
            return queries

        return RankingVectors(items, self.similarity, query)


@torch.no_grad()
def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Initialise matrices normal with variance 1 / inputs, biases 0, scales 1, by the generator.

    The module was built on the device "meta", where torch's own initialisation draws nothing.
    """
    module.to_empty(device=generator.device)
    for name, parameter in module.named_parameters():
        if parameter.dim() > 1:
            parameter.normal_(std=parameter.shape[1] ** -0.5, generator=generator)
        else:
            parameter.fill_(float(name.endswith("weight")))
