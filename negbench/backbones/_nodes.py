"""The base of backbones that compute the vectors of all users and items in one pass with autograd.

The pass keeps plain autograd, and the cut is between it and the parts: `backward` gathers the
gradients of the rows used into one table [U + I, D] and sends it through the pass.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from negbench.backbones import _embedding_table
from negbench.data.interactions import Csr
from negbench.ops.axes import AnyShape
from negbench.protocol.context import TrainContext
from negbench.protocol.gradient_leaves import Leaves
from negbench.protocol.step import Batch, Negatives, RankingVectors
from negbench.protocol.view import Similarity, View


@dataclass(frozen=True)
class _Shape:
    dim: int
    init: float


class NodeBackbone(nn.Module):
    """A table [U + I, *], users first, and a subclass's `nodes` made of it."""

    feed: Literal["pairs"] = "pairs"
    blocks = 0
    """Where the vectors are several layers beside each other: how many."""

    def __init__(
        self,
        settings: _embedding_table.Settings,
        context: TrainContext,
        generator: torch.Generator,
        width: int,
    ) -> None:
        """Draw the table of this width from the generator; the subclass draws its weights after."""
        super().__init__()
        self.settings, self.n_users = settings, context.n_users
        self.similarity = Similarity(settings.similarity, settings.temperature)
        rows, shape = context.n_users + context.n_items, _Shape(width, settings.init)
        self.table = _embedding_table.table(rows, shape, generator, context.device)

    def nodes(self, generator: torch.Generator | None, *, cut: bool) -> AnyShape:
        """The vectors that are scored, [U + I, D]; no generator, no dropout.

        Without `cut` every operator is torch's own, as the reference of the tests. Raises
        NotImplementedError in the base class.
        """
        raise NotImplementedError

    def view(self, batch: Batch, generator: torch.Generator, *, cut: bool = True) -> View:
        """The rows of the batch; with `cut` they are leaves."""
        outputs = self.nodes(generator if self.training else None, cut=cut)
        nodes = outputs.detach() if cut else outputs
        users, items = nodes[: self.n_users], nodes[self.n_users :]
        query, positive = users.index_select(0, batch.users), items.index_select(0, batch.items)
        layers = Layers(users, self.blocks)[batch.users] if self.blocks else None
        if cut:
            query, positive = query.requires_grad_(), positive.requires_grad_()
            layers = None if layers is None else layers.requires_grad_()
        upstream = [(outputs, nodes)] if cut else []
        leaves = Leaves(
            query=query,
            positive=positive,
            query_layers=layers,
            upstream=upstream,
            in_place=True,
        )
        of_items = Layers(items, self.blocks) if self.blocks else None
        given = leaves if cut else None
        return View(query, items, positive, self.similarity, users, layers, of_items, leaves=given)

    @torch.no_grad()
    def backward(self, batch: Batch, view: View, negatives: Negatives) -> None:
        """Send the gradients of the rows used through the pass; add the penalty on the table."""
        n, leaves = self.n_users, view.leaves
        if leaves is not None:
            ((_, nodes),) = leaves.upstream
            nodes.grad = self._arrived(batch, leaves, nodes)
            leaves.backward_upstream()
        groups = [batch.users, n + batch.items]
        if negatives.ids is not None:
            groups.append(n + negatives.ids)
        into = _embedding_table.gradient(self.table)
        _embedding_table.penalise(into, self.table, self.settings.l2, *groups)

    def _arrived(self, batch: Batch, leaves: Leaves, nodes: Tensor) -> Tensor:
        n, into = self.n_users, torch.zeros_like(nodes)
        for ids, gradient in leaves.user_gradients(batch.users):
            _embedding_table.add(into, ids, gradient)
        for ids, gradient in leaves.item_gradients(batch.items):
            _embedding_table.add(into, n + ids, gradient)
        for ids, gradient in leaves.layer_gradients(batch.users, n):
            _embedding_table.add(into, ids, Layers(nodes, self.blocks).back(gradient))
        leaves.add_item_gradients(into[n:])
        return into

    @torch.no_grad()
    def encode(self, history: Csr) -> RankingVectors:
        """One pass; the history is not used."""
        del history
        nodes = self.nodes(None, cut=True)
        users, items = nodes[: self.n_users], nodes[self.n_users :]

        def query(rows: Tensor) -> Tensor:
            return users[rows]

        return RankingVectors(items, self.similarity, query, users)


class Layers:
    """The layers of vectors that are L layers of D / L beside each other, computed on access.

    Layer l of a node is its vector times L inside block l, and zeros elsewhere. So the mean over
    layers is the vector itself, as where layers are averaged, and the product of two layers is that
    of the two blocks: methods that choose by layer need not know how a backbone joins them.
    """

    def __init__(self, nodes: AnyShape, n: int) -> None:
        """Of vectors [nodes, D] of n blocks."""
        self.nodes, width = nodes, nodes.shape[-1] // max(1, n)
        blocks = torch.eye(n, device=nodes.device, dtype=nodes.dtype)
        self.mask = n * blocks.repeat_interleave(width, 1)

    def __getitem__(self, ids: AnyShape) -> AnyShape:
        """ids [...] -> [..., L, D]."""
        return F.embedding(ids, self.nodes).unsqueeze(-2) * self.mask

    def back(self, gradient: AnyShape) -> AnyShape:
        """The gradient of the vectors [..., D] by that of their layers [..., L, D]."""
        total: Tensor = (gradient * self.mask).sum(-2)
        return total
