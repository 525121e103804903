"""The softmax of some users over all items: its draws and its log probabilities.

    p_uj = e^{g_uj} / Z_u,   g = <a_u, b_j> + c_j   (minus infinity where hidden)

One table of e^{g - max} serves the draws, which invert the distribution function, and the gradient
of log Z_u, which is p_u; a few users at a time pass through the processor's cache. A draw finds the
chunk of items and then the item in it, so no cumulative sums of all items are formed.
"""

from dataclasses import dataclass
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.protocol import Ids, ItemScores, ItemValues, ItemVectors, Pairs, Rows, Scores, Vectors

CHUNK = 64
"""Items in a chunk."""
CELLS = 1 << 18
"""Scores computed at once: what stays in a processor's cache."""


@dataclass(frozen=True, eq=False)
class CatalogueSoftmax:
    """The distribution of each of S users over I items."""

    weights: ItemScores
    """e^{g - max}, [S, I]: columns of a table that is filled up to whole chunks."""
    by_chunk: Scores
    """Their sums by chunk, [S, C] float64."""
    log_z: Rows
    """log Z, [S]."""

    @classmethod
    @torch.no_grad()
    def of(
        cls,
        users: Vectors,
        items: ItemVectors,
        bias: ItemValues,
        hidden: tuple[Pairs, Pairs] | None = None,
    ) -> Self:
        """From users [S, F], items [I, F] and bias [I].

        `hidden` are rows [T], ascending, and items [T] of the pairs with p = 0; a user of whom all
        items are hidden has the uniform distribution.
        """
        size, n_items = len(users), len(items)
        n_chunks = -(-n_items // CHUNK)
        table, top = users.new_empty(size, n_chunks * CHUNK), users.new_empty(size)
        weights, table[:, n_items:] = table[:, :n_items], 0.0
        sums = users.new_empty(size, n_chunks)
        if hidden is not None:
            places = hidden[0] * table.shape[1] + hidden[1]
        step = max(1, CELLS // n_items) if users.device.type == "cpu" else size
        for start in range(0, size, step):
            here = slice(start, start + step)
            g = torch.addmm(bias, users[here], items.T, out=weights[here])
            if hidden is not None:
                first, last = torch.searchsorted(
                    hidden[0], hidden[0].new_tensor([start, start + step])
                )
                table.view(-1).index_fill_(0, places[first:last], -torch.inf)
            torch.amax(g, 1, out=top[here])
            if hidden is not None:
                nothing = top[here].isneginf()
                g.masked_fill_(nothing.unsqueeze(1), 0.0)
                top[here].masked_fill_(nothing, 0.0)
            g.sub_(top[here].unsqueeze(1)).exp_()
            torch.sum(table[here].view(-1, n_chunks, CHUNK), 2, out=sums[here])
        by_chunk = sums.double()
        return cls(weights, by_chunk, top + by_chunk.sum(1).log().to(top.dtype))

    def sample(self, n: int, generator: torch.Generator) -> Ids:
        """n items of each user, with replacement, [S, n]."""
        size, chunks = self.by_chunk.shape
        device = self.by_chunk.device
        share = torch.rand(size, n, generator=generator, device=device, dtype=torch.float64)
        ends = self.by_chunk.cumsum(1)
        wanted = share * ends[:, -1:]
        chunk = torch.searchsorted(ends, wanted).clamp_(max=chunks - 1)
        mass = self.by_chunk.gather(1, chunk)
        inside = ((wanted - (ends.gather(1, chunk) - mass)) / mass).clamp(0, 1)
        whole = self.weights.as_strided((size * chunks, CHUNK), (CHUNK, 1))
        row = torch.arange(size, device=device).unsqueeze(1) * chunks + chunk
        rising = F.embedding(row, whole).double().cumsum(2)
        # A share of what the chunk sums up to here, lest rounding lead beyond its last item.
        level = (inside * rising[:, :, -1]).unsqueeze(2)
        place = torch.searchsorted(rising, level).squeeze(2).clamp_(max=CHUNK - 1)
        return chunk * CHUNK + place

    def log_p(
        self, users: Vectors, items: ItemVectors, bias: ItemValues, owner: Rows, ids: Ids
    ) -> Scores:
        """log p of ids [R, n] for the users at `owner` [R], with gradient to what it is made of."""
        chosen = (users[owner].unsqueeze(1) * F.embedding(ids, items)).sum(2) + bias[ids]
        log_z: Rows = _LogPartition.apply(users, items, bias, self)  # type: ignore[no-untyped-call]
        return chosen - log_z[owner].unsqueeze(1)


class _LogPartition(torch.autograd.Function):
    """log Z of users [S, F], items [I, F] and bias [I]: computed already, and its gradient."""

    @staticmethod
    def forward(
        ctx: Any, users: Tensor, items: Tensor, bias: Tensor, softmax: CatalogueSoftmax
    ) -> Tensor:
        ctx.save_for_backward(users, items)
        ctx.softmax = softmax
        return softmax.log_z.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slopes: Tensor) -> tuple[Tensor | None, ...]:
        users, items = ctx.saved_tensors
        weights = ctx.softmax.weights
        share = (slopes / ctx.softmax.by_chunk.sum(1).to(slopes.dtype)).unsqueeze(1)
        by_item = weights.T @ torch.cat([share * users, share], 1)
        return share * (weights @ items), by_item[:, :-1], by_item[:, -1], None
