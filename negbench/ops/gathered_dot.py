"""Dot products with all items, of which each row takes N: for N of the order of the catalogue.

Where a row takes half of all items or more, one matrix product over the catalogue is cheaper than
N products row by row, and a sum over a row's items is a matrix product with mostly full rows. A
tile of rows at a time stays in the cache.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from negbench.ops.axes import Ids, ItemVectors, Scores, Vectors

TILE = 256
"""Rows at once."""
DENSE = 0.5
"""Draws by items from which on the products with all items are faster.

Measured on one core, forward and backward, D = 64: the two cross at about a third; the dense ones
take .7 of the time at .5 (3,693 items, 2,048 rows) and .4 at .8 (1,200 items, 1,024 rows).
"""


def is_dense(n: int, n_items: int) -> bool:
    """Whether N draws a row are so many that products with all items are faster."""
    return n >= DENSE * n_items


def gathered_dot(query: Vectors, items: ItemVectors, ids: Ids) -> Scores:
    """<query of b, item ids[b, n]>: query [B, D], items [I, D], ids [B, N] -> [B, N]."""
    scores = query.new_empty(ids.shape)
    tile = query.new_empty(min(TILE, len(query)), len(items))
    for here in _tiles(len(query)):
        products = torch.mm(query[here], items.T, out=tile[: here.stop - here.start])
        torch.gather(products, 1, ids[here], out=scores[here])
    return scores


def dense_item_sum(items: ItemVectors, ids: Ids, weights: Scores) -> Vectors:
    """sum_n weights[b, n] item ids[b, n]: items [I, D], ids and weights [B, N] -> [B, D]."""
    sums = items.new_empty(len(ids), items.shape[1])
    for here, by_item in _by_item(ids, weights, len(items)):
        torch.mm(by_item, items, out=sums[here])
    return sums


def dense_scatter(ids: Ids, weights: Scores, query: Vectors, n_items: int) -> ItemVectors:
    """sum over (b, n) with ids[b, n] = i of weights[b, n] query[b]: [B, N], [B, D] -> [I, D]."""
    sums = query.new_zeros(n_items, query.shape[1])
    for here, by_item in _by_item(ids, weights, n_items):
        sums.addmm_(by_item.T, query[here])
    return sums


def _by_item(ids: Ids, weights: Scores, n_items: int) -> Iterator[tuple[slice, Tensor]]:
    """Each tile of rows with its weights summed by item, [rows, I]; the next one overwrites it."""
    tile = weights.new_empty(min(TILE, len(ids)), n_items)
    for here in _tiles(len(ids)):
        yield (
            here,
            tile[: here.stop - here.start].zero_().scatter_add_(1, ids[here], weights[here]),
        )


def _tiles(rows: int) -> Iterator[slice]:
    for start in range(0, rows, TILE):
        yield slice(start, min(rows, start + TILE))
