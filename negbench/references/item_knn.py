"""Item-based kNN with shrunk cosine similarity of train users.

    sim(i, j) = n_ij / (sqrt(n_i n_j) + h),  sim(i, i) = 0
    score(u, i) = sum of sim(i, j) over the items j of u that are among the k nearest of i

n_ij counts the users of both items, n_i those of i; h shrinks similarities of few users.

Paper: B. Sarwar, G. Karypis, J. Konstan, J. Riedl, "Item-based collaborative filtering
recommendation algorithms", WWW 2001, doi:10.1145/371920.372071. What differs: train pairs are 0 or
1 instead of ratings, the sum is not divided by the similarities, and h is added.
Cost: the sum over users of the square of their train pairs, and a block of b x I scores to rank.
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
import torch

from negbench.data.interactions import Csr
from negbench.evaluation.full_ranking import Scorer, block_size
from negbench.ops.axes import ItemScores, Rows
from negbench.ops.top_k import MASKED, tie_places, top_k
from negbench.plugins.card import Card
from negbench.plugins.config_ranges import check_ranges

CARD = Card(
    title="item nearest neighbours by shrunk cosine",
    family="reference",
    provides=("fold_in",),
    authors="Badrul Sarwar, George Karypis, Joseph Konstan and John Riedl",
    year=2001,
    venue="WWW",
    link="https://doi.org/10.1145/371920.372071",
    paper="Item-Based Collaborative Filtering Recommendation Algorithms",
    differs="binary train pairs, an unnormalised sum, and shrinkage in the cosine",
    search={"neighbours": ("log", 5, 800), "shrinkage": ("log", 0.1, 1000.0)},
)


@dataclass(frozen=True)
class Config:
    """Number of neighbours and shrinkage."""

    neighbours: int = 100
    """k, from 1 on."""
    shrinkage: float = 10.0
    """h, from 0 on; 0 is the plain cosine."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_ranges(self, at_least={"neighbours": 1, "shrinkage": 0})


@dataclass(frozen=True, eq=False)
class ItemKnn:
    """The train matrix and the similarities of the nearest neighbours."""

    train: sp.csr_matrix
    """[U, I] of ones; the histories of users who are folded in."""
    nearest: sp.csr_matrix
    """[I, I]: column i holds sim(i, j) at the k nearest j of i."""

    def scores(self, users: Rows) -> ItemScores:
        """The sum of similarities to the train items of each user, [b, I]."""
        block = self.train[users.cpu().numpy()] @ self.nearest
        return torch.from_numpy(block.toarray()).to(users.device)

    def fold_in(self, history: Csr) -> "ItemKnn":
        """The same neighbours; users are scored by these histories [U, I]."""
        return replace(self, train=history.matrix())


def build(config: Config, train: Csr) -> Scorer:
    """Find the k nearest neighbours of every item; ties as in rankings (`tie_places`)."""
    pairs = train.matrix()
    across = pairs.T.tocsr()
    step = block_size(train.n_columns)
    blocks = [
        _nearest(config, across[start : start + step] @ pairs, train.counts, start)
        for start in range(0, train.n_columns, step)
    ]
    return ItemKnn(pairs, sp.vstack(blocks).T.tocsr())


def _nearest(
    config: Config, both: sp.csr_matrix, counts: np.typing.NDArray[np.int64], start: int
) -> sp.csr_matrix:
    """The k largest similarities of the items from `start` on, [b, I], from their joint counts."""
    joint = both.tocoo()
    scale = np.sqrt(counts[start + joint.row] * counts[joint.col]) + config.shrinkage
    block = torch.full(
        both.shape, MASKED, dtype=torch.float64
    )  # items without a common user stay out
    block[joint.row, joint.col] = torch.from_numpy(joint.data / scale)
    rows = torch.arange(len(block))
    block[rows, start + rows] = MASKED
    kept = top_k(block, config.neighbours, tie_places(len(counts)))
    row, place = (kept >= 0).nonzero(as_tuple=True)
    column = kept[row, place]
    values = block[row, column].float().numpy()
    return sp.csr_matrix((values, (row.numpy(), column.numpy())), shape=both.shape)
