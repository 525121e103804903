"""Each user is shown what a linear map of their own train items predicts, fitted in closed form.

    P = (X'X + l2 I)^-1,  B_ij = -P_ij / P_jj,  B_jj = 0,  score(u, .) = X_u B

X is the train matrix of ones, [U, I]; B is the ridge regression of every item on all others.

Paper: H. Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019, arXiv:1905.03375.
Cost: one inverse of [I, I] in float64 (I^3 operations, two such matrices in memory).
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor

from negbench.data.interactions import Csr
from negbench.errors import UserError
from negbench.evaluation.full_ranking import Scorer
from negbench.plugins.card import Card

CARD = Card(
    title="closed-form linear autoencoder over items",
    family="reference",
    authors="Steck",
    year=2019,
    venue="WWW",
    link="https://arxiv.org/abs/1905.03375",
    search={"l2": ("log", 1.0, 10000.0)},
)


@dataclass(frozen=True)
class Config:
    """How much the map is held back, and where it stops to fit in memory."""

    l2: float = 500.0
    """Ridge penalty, above 0; the paper tunes it per data set."""
    limit: int = 12_000
    """Largest number of items; 12,000 need about 2.5 GB and a minute or more."""

    def __post_init__(self) -> None:
        """Refuse what has no inverse."""
        if not self.l2 > 0:
            raise ValueError(f"`l2` must be above 0; got {self.l2}")


@dataclass(frozen=True, eq=False)
class Ease:
    """The train pairs and the map."""

    train: sp.csr_matrix
    """[U, I] of ones."""
    weights: NDArray[np.float32]
    """B, [I, I]."""

    def scores(self, users: Tensor) -> Tensor:
        """The map of each user's train items, [b, I]."""
        return torch.from_numpy(self.train[users.cpu().numpy()] @ self.weights).to(users.device)


def build(config: Config, train: Csr) -> Scorer:
    """Fit the map."""
    if train.n_columns > config.limit:
        raise UserError(
            f"ease inverts a matrix of items x items and refuses more than {config.limit} items; "
            f"the data have {train.n_columns}: use item_knn, or ease(limit={train.n_columns}) "
            "if memory allows"
        )
    pairs = train.matrix()
    gram = torch.from_numpy((pairs.T @ pairs).toarray()).double()
    gram.diagonal().add_(config.l2)
    precision = torch.cholesky_inverse(torch.linalg.cholesky(gram))
    weights = precision.div_(-precision.diagonal().clone())
    weights.fill_diagonal_(0)
    return Ease(pairs, weights.float().numpy())
