"""Sampled dense-dense dot products (SDDMM): queries with N items each, rows never gathered.

The gathered rows [B, N, D] would be the largest tensor of a step, and only their products are used.
On the CPU a sampled product of two matrices reads each item's row in place; both gradients are
weighted sums of rows, which `embedding_bag` computes without gathering them either. Where N comes
near the number of items, products with all of them are faster: see `gathered_dot`.
"""

import warnings
from functools import cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse import csr_matrix
from torch import Tensor

from negbench.ops import row_kernels
from negbench.ops.axes import Ids, ItemScores, ItemVectors, Scores, Vectors
from negbench.ops.gathered_dot import dense_item_sum, dense_scatter, gathered_dot, is_dense

TILE = 2048
"""Items multiplied at once where there are many more: their scores stay in the cache."""


TINY = 1e-12
"""The least length that a vector is divided by."""


def sampled_dot(query: Vectors, items: ItemVectors, ids: Ids, *, unit: bool = False) -> Scores:
    """<query of b, item ids[b, n]>: query [B, D], items [I, D], ids [B, N] -> [B, N]; no gradient.

    With `unit` the items' directions are taken. All on one device; ids must lie in 0..I-1, which
    compiled loops check (IndexError) and torch's sampled product does not.
    """
    query, items = query.detach(), items.detach()
    if is_compiled(query, items, ids):
        return compiled_dot(query, items, ids, torch.empty(ids.shape) if unit else None)
    if unit:
        items, _ = directions(items)
    if not is_fast(query):
        return _by_rows(query, items, ids)
    if is_dense(ids.shape[1], len(items)):
        return gathered_dot(query, items, ids)
    return _sampled(query, items, ids)


def sampled_dot_with_gradient(query: Vectors, items: ItemVectors, ids: Ids) -> Scores:
    """The same with gradient to `query` [B, D] and `items` [I, D]: for a part's own tables."""
    if not is_fast(query):
        return _by_rows(query, items, ids)
    scores: Scores = _Differentiable.apply(query, items, ids)  # type: ignore[no-untyped-call]
    return scores


def dot_with_all(query: Vectors, items: ItemVectors, into: ItemScores | None = None) -> ItemScores:
    """<query of b, item i>: query [B, D], items [I, D] -> [B, I], or `into` that; no gradient."""
    scores = query.new_empty(len(query), len(items)) if into is None else into
    if query.device.type != "cpu" or len(items) <= 2 * TILE:
        return torch.mm(query, items.T, out=scores)
    for start in range(0, len(items), TILE):
        here = slice(start, start + TILE)
        torch.mm(query, items[here].T, out=scores[:, here])
    return scores


def is_fast(query: Vectors) -> bool:
    """Whether sampled products beat gathered rows: on the CPU, where torch supports them."""
    return query.device.type == "cpu" and query.dtype == torch.float32 and _supported()


def is_compiled(query: Vectors, items: ItemVectors, ids: Ids, *others: Vectors) -> bool:
    """Whether compiled loops take these: fewer draws a row than products with all items pay for.

    `others` are vectors [B, D] that go with the queries.
    """
    if is_dense(ids.shape[1], len(items)) or any(each.shape != query.shape for each in others):
        return False
    return row_kernels.applies(query, items, *others)


def compiled_dot(query: Vectors, items: ItemVectors, ids: Ids, inverse: Scores | None) -> Scores:
    """Products by compiled loops, of what `is_compiled`, without a gradient: [B, N].

    With `inverse` [B, N] they are with the items' directions, and it is filled with 1 / length.
    """
    scores = query.new_empty(ids.shape)
    if inverse is None:
        row_kernels.run("dots", query, items, ids.contiguous(), scores)
    else:
        row_kernels.run("unit_dots", query, items, ids.contiguous(), TINY, scores, inverse)
    return scores


def directions(items: ItemVectors) -> tuple[ItemVectors, ItemVectors]:
    """The items [I, D] as unit vectors, and their lengths [I, 1]; no gradient."""
    lengths = torch.linalg.vector_norm(items, dim=1, keepdim=True).clamp(min=TINY)
    return items / lengths, lengths


class _Differentiable(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, items: Tensor, ids: Tensor) -> Tensor:
        ctx.save_for_backward(query, items, ids)
        return sampled_dot(query, items, ids)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        query, items, ids = ctx.saved_tensors
        to_query, to_items, _ = ctx.needs_input_grad
        return (
            weighted_item_sum(items, ids, slopes[0]) if to_query else None,
            scatter_to_items(ids, slopes[0], query, len(items)) if to_items else None,
            None,
        )


def weighted_item_sum(items: ItemVectors, ids: Ids, weights: Scores) -> Vectors:
    """sum_n weights[b, n] item ids[b, n]: items [I, D], ids and weights [B, N] -> [B, D]."""
    if not ids.numel():
        return items.new_zeros(len(ids), items.shape[1])
    if is_fast(items) and is_dense(ids.shape[1], len(items)):
        return dense_item_sum(items, ids, weights)
    return F.embedding_bag(ids, items, mode="sum", per_sample_weights=weights.contiguous())


def scatter_to_items(ids: Ids, weights: Scores, query: Vectors, n_items: int) -> ItemVectors:
    """sum over (b, n) with ids[b, n] = i of weights[b, n] query[b]: [B, N], [B, D] -> [I, D]."""
    rows, n = ids.shape
    if not ids.numel():
        return query.new_zeros(n_items, query.shape[1])
    if is_dense(n, n_items):
        return dense_scatter(ids, weights, query, n_items)
    begins = np.arange(0, rows * n + 1, n, dtype=np.int32)
    by_row = (weights.reshape(-1).numpy(), ids.reshape(-1).to(torch.int32).numpy(), begins)
    # By item instead of by row: a counting sort, a tenth of the time of a sort.
    by_item = csr_matrix(by_row, shape=(rows, n_items)).tocsc()
    who, offsets, share = (
        torch.from_numpy(each) for each in (by_item.indices, by_item.indptr[:-1], by_item.data)
    )
    return F.embedding_bag(who, query, offsets, mode="sum", per_sample_weights=share)


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
    products: Tensor = torch.sparse.sampled_addmm(pattern, query, items.T, beta=0.0)
    return products.values().view(rows, n)


@cache
def _supported() -> bool:
    """Whether this build of torch computes the product on the CPU as it is needed here."""
    query, items = torch.tensor([[1.0, 2.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [3.0, 4.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns once that its sparse layout is a beta
        try:
            products = _sampled(query, items, torch.tensor([[1, 1], [1, 0]]))
        except (RuntimeError, NotImplementedError):
            return False
    return products.tolist() == [[11.0, 11.0], [4.0, 0.0]]
