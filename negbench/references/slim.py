"""SLIM: a sparse linear item-item model, fitted by coordinate descent.

    min_W  1/2 |X - X W|^2 + l2/2 |W|^2 + l1 |W|_1,   W >= 0,  W_jj = 0,   score(u, .) = X_u W
    W_ij = max(0, G_ij - sum_{k != i} G_ik W_kj - l1) / (G_ii + l2),   G = X'X

X is the train matrix of ones, [U, I]. Column j is the elastic net of item j on all others; columns
do not depend on each other, so one coordinate is renewed in all of them at once. With l1 = 0 and
without W >= 0 the minimum is that of `ease`.

Paper: X. Ning, G. Karypis, "SLIM: sparse linear methods for top-n recommender systems", ICDM 2011.
What differs: coordinates are renewed in blocks over the Gram matrix, which is the same descent.
Cost per sweep: 2 I^2 a column that has not converged; G, W and a copy in memory, I^2 each.
"""

from dataclasses import dataclass, replace

import scipy.sparse as sp
import torch
from torch import Tensor

from negbench.data.interactions import Csr
from negbench.errors import UserError
from negbench.evaluation.full_ranking import Scorer
from negbench.ops.axes import ItemScores, Rows
from negbench.plugins.card import Card
from negbench.plugins.config_ranges import check_ranges

CARD = Card(
    title="sparse linear model over items, an elastic net a column",
    family="reference",
    provides=("fold_in",),
    authors="Xia Ning and George Karypis",
    year=2011,
    venue="ICDM",
    link="https://doi.org/10.1109/ICDM.2011.134",
    paper="SLIM: Sparse Linear Methods for Top-N Recommender Systems",
    provenance="specification",
    search={"l2": ("log", 1.0, 10000.0), "l1": ("log", 0.1, 30.0)},
)

BLOCK = 64
"""Coordinates whose gradients are computed in one product."""


@dataclass(frozen=True)
class Config:
    """Penalties, sign, and when the descent ends."""

    l2: float = 200.0
    """Ridge penalty, above 0; tuned for each data set in the paper."""
    l1: float = 1.0
    """Lasso penalty, from 0 on; tuned for each data set in the paper."""
    positive: bool = True
    """Whether weights must not be negative, as in the paper."""
    tolerance: float = 1e-4
    """A column has converged once no weight of it moves by more than this in a sweep; above 0."""
    sweeps: int = 200
    """Most sweeps over the coordinates, from 1 on."""
    limit: int = 12_000
    """Largest number of items; 12,000 need about 2 GB and some minutes."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a setting outside its range."""
        check_ranges(self, at_least={"l1": 0, "sweeps": 1}, above={"l2": 0, "tolerance": 0})


@dataclass(frozen=True, eq=False)
class Slim:
    """The train matrix and the item weights."""

    train: sp.csr_matrix
    """[U, I] of ones; the histories of users who are folded in."""
    weights: sp.csr_matrix
    """W, [I, I]."""

    def scores(self, users: Rows) -> ItemScores:
        """X_u W of these users, [b, I]."""
        block = self.train[users.cpu().numpy()] @ self.weights
        return torch.from_numpy(block.toarray()).to(users.device)

    def fold_in(self, history: Csr) -> "Slim":
        """The same weights; users are scored by these histories [U, I]."""
        return replace(self, train=history.matrix())


def build(config: Config, train: Csr) -> Scorer:
    """Descend until every column has converged.

    Raises UserError if the data have more than `limit` items.
    """
    if train.n_columns > config.limit:
        raise UserError(
            f"slim descends on a matrix of items x items and refuses more than {config.limit} "
            f"items; the data have {train.n_columns}: use item_knn, or "
            f"slim(limit={train.n_columns}) if memory allows"
        )
    pairs = train.matrix()
    gram = torch.from_numpy((pairs.T @ pairs).toarray())
    return Slim(pairs, sp.csr_matrix(descend(gram, config).numpy()))


def descend(gram: ItemScores, config: Config) -> ItemScores:
    """W [I, I] of the Gram matrix G [I, I]."""
    n = len(gram)
    weights = torch.zeros_like(gram)
    columns = torch.arange(n)
    for _ in range(config.sweeps):
        if not len(columns):
            break
        # All columns at first: no copy. Later those that still move.
        own = weights if len(columns) == n else weights[:, columns]
        moved = _sweep(gram, own, columns, config)
        if own is not weights:
            weights[:, columns] = own
        columns = columns[moved > config.tolerance]
    return weights


def _sweep(gram: Tensor, weights: Tensor, columns: Tensor, config: Config) -> Tensor:
    """Renew every coordinate once in these columns, in place; how far each column moved, [c]."""
    moved = torch.zeros(len(columns))
    scale = 1 / (gram.diagonal() + config.l2)
    for start in range(0, len(gram), BLOCK):
        block = slice(start, min(start + BLOCK, len(gram)))
        # The slope at the block's own old weights; what they move by within the block is added.
        slope = gram[block][:, columns] - gram[block] @ weights
        inside = gram[block, block]
        old = weights[block].clone()
        for at in range(len(old)):
            row = weights[start + at]
            wanted = slope[at] + gram[start + at, start + at] * row
            if config.positive:
                new = (wanted - config.l1).clamp_(min=0)
            else:
                new = torch.nn.functional.softshrink(wanted, config.l1)
            new.mul_(scale[start + at])
            new[columns == start + at] = 0
            slope.addr_(inside[at], new - row, alpha=-1)
            row.copy_(new)
        moved = torch.maximum(moved, (weights[block] - old).abs_().amax(0))
    return moved
