"""Dot products of rows with items of their own, without making the items' rows [B, N, D].

The rows of N items for each of B queries are the largest thing that a step would make, and only
their products are used. On the CPU a sampled product of two matrices reads each item's row where it
lies; the two gradients are weighted sums of rows, which `embedding_bag` makes without them too.
"""

import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse import csr_matrix
from torch import Tensor

TILE = 2048
"""Items that are multiplied at once where there are many more: their scores stay in the cache."""


def chosen(query: Tensor, items: Tensor, ids: Tensor) -> Tensor:
    """<query of b, item ids[b, n]>: query [B, D], items [I, D], ids [B, N] -> [B, N]; no gradient.

    All on one device; ids must lie in 0..I-1, which is not checked.
    """
    query, items = query.detach(), items.detach()
    if not quick(query):
        return _by_rows(query, items, ids)
    # A row of the pattern may hold no more than I of them.
    made = [_sampled(query, items, part) for part in torch.split(ids, max(1, len(items)), 1)]
    return made[0] if len(made) == 1 else torch.cat(made, 1)


def pairs(query: Tensor, items: Tensor, ids: Tensor) -> Tensor:
    """The same with gradient to `query` and `items`, where these are a part's own."""
    if not quick(query):
        return _by_rows(query, items, ids)
    made: Tensor = _Pairs.apply(query, items, ids)  # type: ignore[no-untyped-call]
    return made


def with_all(query: Tensor, items: Tensor, into: Tensor | None = None) -> Tensor:
    """<query of b, item i>: query [B, D], items [I, D] -> [B, I], or `into` that; no gradient."""
    made = query.new_empty(len(query), len(items)) if into is None else into
    if query.device.type != "cpu" or len(items) <= 2 * TILE:
        return torch.mm(query, items.T, out=made)
    for start in range(0, len(items), TILE):
        here = slice(start, start + TILE)
        torch.mm(query, items[here].T, out=made[:, here])
    return made


def quick(query: Tensor) -> bool:
    """Whether products are quicker so than by gathered rows: on the CPU, where torch has them."""
    return query.device.type == "cpu" and query.dtype == torch.float32 and _supported()


@dataclass(frozen=True, eq=False)
class Product:
    """Products that carry gradient: a debt to the items, which the backbone pays.

    `slopes` [B, N] is a leaf that stands for the products; its gradient is the loss's by them.
    """

    ids: Tensor
    slopes: Tensor
    query: Tensor
    """The vectors that were multiplied, [B, D]."""
    items: Tensor
    """With these, [I, D]: the items' vectors, or their directions."""
    lengths: Tensor | None
    """Of the items' vectors, [I, 1], where `items` are directions."""

    @classmethod
    def of(
        cls, query: Tensor, ids: Tensor, items: Tensor, lengths: Tensor | None = None
    ) -> "Product":
        """A debt of nothing yet."""
        slopes = query.new_zeros(ids.shape).requires_grad_()
        return cls(ids, slopes, query.detach(), items.detach(), lengths)

    def scores(self, query: Tensor) -> Tensor:
        """<query of b, item ids[b, n]>, [B, N], with gradient to `query` and to `slopes`."""
        made: Tensor = _Chosen.apply(query, self.items, self.ids, self.slopes)  # type: ignore[no-untyped-call]
        return made

    def owed(self) -> Tensor | None:
        """The gradient of every item, [I, D]; None where the loss has not reached the products."""
        slopes = self.slopes.grad
        if slopes is None:
            return None
        made = spread(self.ids, slopes, self.query, len(self.items))
        if self.lengths is None:
            return made
        along = (made * self.items).sum(1, keepdim=True)  # a direction does not change lengthways
        return made.addcmul_(self.items, along, value=-1).div_(self.lengths)


class _Chosen(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, items: Tensor, ids: Tensor, slopes: Tensor) -> Tensor:
        ctx.save_for_backward(items, ids)
        return chosen(query, items, ids)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        items, ids = ctx.saved_tensors
        return weighted(items, ids, slopes[0]), None, None, slopes[0]


class _Pairs(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, items: Tensor, ids: Tensor) -> Tensor:
        ctx.save_for_backward(query, items, ids)
        return chosen(query, items, ids)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        query, items, ids = ctx.saved_tensors
        to_query, to_items, _ = ctx.needs_input_grad
        return (
            weighted(items, ids, slopes[0]) if to_query else None,
            spread(ids, slopes[0], query, len(items)) if to_items else None,
            None,
        )


def weighted(items: Tensor, ids: Tensor, weights: Tensor) -> Tensor:
    """sum_n weights[b, n] item ids[b, n]: items [I, D], ids and weights [B, N] -> [B, D]."""
    made: Tensor = F.embedding_bag(ids, items, mode="sum", per_sample_weights=weights.contiguous())
    return made


def spread(ids: Tensor, weights: Tensor, query: Tensor, n_items: int) -> Tensor:
    """sum over (b, n) with ids[b, n] = i of weights[b, n] query[b]: [B, N], [B, D] -> [I, D]."""
    rows, n = ids.shape
    begins = np.arange(0, rows * n + 1, n, dtype=np.int32)
    held = (weights.reshape(-1).numpy(), ids.reshape(-1).to(torch.int32).numpy(), begins)
    # By item instead of by row: a counting sort, a tenth of the time of a sort.
    turned = csr_matrix(held, shape=(rows, n_items)).tocsc()
    who, offsets, share = (
        torch.from_numpy(each) for each in (turned.indices, turned.indptr[:-1], turned.data)
    )
    made: Tensor = F.embedding_bag(who, query, offsets, mode="sum", per_sample_weights=share)
    return made


def _by_rows(query: Tensor, items: Tensor, ids: Tensor) -> Tensor:
    return torch.bmm(F.embedding(ids, items), query.unsqueeze(2)).squeeze(2)


def _sampled(query: Tensor, items: Tensor, ids: Tensor) -> Tensor:
    rows, n = ids.shape
    pattern = torch.sparse_csr_tensor(
        torch.arange(0, rows * n + 1, max(1, n)) if n else ids.new_zeros(rows + 1),
        ids.reshape(-1),
        query.new_zeros(rows * n),
        size=(rows, len(items)),
        check_invariants=False,  # an item may stand twice in a row, and in any order
    )
    made: Tensor = torch.sparse.sampled_addmm(pattern, query, items.T, beta=0.0)
    return made.values().view(rows, n)


@cache
def _supported() -> bool:
    """Whether this build of torch has the product on the CPU, with what it must do here."""
    query, items = torch.tensor([[1.0, 2.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [3.0, 4.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it calls its sparse layout a beta, once a process
        try:
            found = _sampled(query, items, torch.tensor([[1, 1], [1, 0]]))
        except (RuntimeError, NotImplementedError):
            return False
    return found.tolist() == [[11.0, 11.0], [4.0, 0.0]]
