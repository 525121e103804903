"""EASE: a linear item-item autoencoder, fitted in closed form.

    P = (X'X + l2 I)^-1,  B_ij = -P_ij / P_jj,  B_jj = 0,  score(u, .) = X_u B

X is the train matrix of ones, [U, I]; B is the ridge regression of every item on all others.

Paper: H. Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019, arXiv:1905.03375.
Cost: one inverse of [I, I] in float64 (I^3 operations, two such matrices in memory).
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from negbench.data.interactions import Csr
from negbench.errors import UserError
from negbench.evaluation.full_ranking import Scorer
from negbench.ops.axes import ItemScores, Rows
from negbench.plugins.card import Card
from negbench.plugins.config_ranges import check_ranges

CARD = Card(
    title="closed-form linear autoencoder over items",
    family="reference",
    provides=("fold_in",),
    authors="Harald Steck",
    year=2019,
    venue="WWW",
    link="https://arxiv.org/abs/1905.03375",
    paper="Embarrassingly Shallow Autoencoders for Sparse Data",
    search={"l2": ("log", 1.0, 10000.0)},
)


@dataclass(frozen=True)
class Config:
    """Ridge penalty and the largest catalogue."""

    l2: float = 500.0
    """Ridge penalty, above 0; the paper tunes it per data set."""
    limit: int = 12_000
    """Largest number of items; 12,000 need about 2.5 GB and a minute or more."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_ranges(self, above={"l2": 0})


@dataclass(frozen=True, eq=False)
class Ease:
    """The train matrix and the item weights."""

    train: sp.csr_matrix
    """[U, I] of ones; the histories of users who are folded in."""
    weights: NDArray[np.float32]
    """B, [I, I]."""

    def scores(self, users: Rows) -> ItemScores:
        """X_u B of these users, [b, I]."""
        return torch.from_numpy(self.train[users.cpu().numpy()] @ self.weights).to(users.device)

    def fold_in(self, history: Csr) -> "Ease":
        """The same weights; users are scored by these histories [U, I]."""
        return replace(self, train=history.matrix())


def build(config: Config, train: Csr) -> Scorer:
    """Fit the item weights in closed form.

    Raises UserError if the data have more than `limit` items, or l2 is too small to invert.
    """
    if train.n_columns > config.limit:
        raise UserError(
            f"ease inverts a matrix of items x items and refuses more than {config.limit} items; "
            f"the data have {train.n_columns}: use item_knn, or ease(limit={train.n_columns}) "
            "if memory allows"
        )
    pairs = train.matrix()
    gram = torch.from_numpy((pairs.T @ pairs).toarray()).double()
    gram.diagonal().add_(config.l2)
    try:
        precision = torch.cholesky_inverse(torch.linalg.cholesky(gram))
    except torch.linalg.LinAlgError as error:  # type: ignore[attr-defined]
        raise UserError(
            f"ease inverts X'X + l2 I, for which l2 must not vanish; l2={config.l2:g} is too small "
            "for items that the same users have; raise l2"
        ) from error
    weights = precision.div_(-precision.diagonal().clone())
    weights.fill_diagonal_(0)
    return Ease(pairs, weights.float().numpy())
