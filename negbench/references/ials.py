"""iALS: implicit matrix factorisation by alternating least squares over all pairs.

    min  sum_{(u,i) in train} (<w_u, h_i> - 1)^2 + a sum_{all u,i} <w_u, h_i>^2
         + l2 (sum_u c_u^nu |w_u|^2 + sum_i c_i^nu |h_i|^2),   c_u = n_u + a I,  c_i = n_i + a U
    w_u = (sum_{i of u} h_i h_i' + a H'H + l2 c_u^nu Id)^-1 sum_{i of u} h_i,   h_i alike

n counts train pairs. Every half-step solves its least squares exactly, so the objective never
rises. nu = 0 is the penalty of the first paper, nu = 1 that of the second, by frequency.

Papers: Y. Hu, Y. Koren, C. Volinsky, "Collaborative filtering for implicit feedback datasets",
ICDM 2008; S. Rendle, W. Krichene, L. Zhang, Y. Koren, "Revisiting the performance of iALS on item
recommendation benchmarks", RecSys 2022, whose form of the objective this is.
What differs: whole vectors are solved for, not blocks of their coordinates; the result is the same.
Cost per sweep: D^2 a train pair, D^3 / 3 a user and an item.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from negbench.data.interactions import Csr
from negbench.errors import UserError
from negbench.evaluation.full_ranking import Scorer
from negbench.ops import rng
from negbench.ops.axes import ItemScores, ItemVectors, Rows, UserVectors
from negbench.plugins.card import Card
from negbench.plugins.config_ranges import check_ranges

CARD = Card(
    title="implicit alternating least squares over all pairs",
    family="reference",
    provides=("fold_in",),
    authors="Yifan Hu, Yehuda Koren and Chris Volinsky",
    year=2008,
    venue="ICDM",
    link="https://doi.org/10.1109/ICDM.2008.22",
    paper="Collaborative filtering for implicit feedback datasets",
    provenance="specification",
    differs="The objective is that of Rendle et al. 2022, penalty by frequency included.",
    search={"l2": ("log", 0.001, 0.5), "alpha": ("log", 0.003, 1.0)},
)

GATHERED = 1 << 23
"""Most values of gathered vectors [b, L, D] at once."""


@dataclass(frozen=True)
class Config:
    """Width, weights of the objective, and sweeps."""

    dim: int = 64
    """D, from 1 on; the second paper goes up to 2,048 on larger data."""
    l2: float = 0.01
    """Penalty, above 0; tuned for each data set in the papers."""
    alpha: float = 0.1
    """a, the weight of every pair, above 0."""
    nu: float = 1.0
    """Exponent of the frequency in the penalty, 0 to 1; 1 in the second paper, 0 in the first."""
    sweeps: int = 16
    """Sweeps over users and items, from 1 on; 16 in the second paper."""
    init: float = 0.1
    """Standard deviation of the first vectors times sqrt(D), above 0; 0.1 in the second paper."""
    seed: int = 0
    """Seed of the first vectors, from 0 on."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a setting outside its range."""
        check_ranges(
            self,
            at_least={"dim": 1, "sweeps": 1, "seed": 0},
            above={"l2": 0, "alpha": 0, "init": 0},
            between={"nu": (0, 1)},
        )


@dataclass(frozen=True, eq=False)
class Ials:
    """The vectors of users and items."""

    config: Config
    users: UserVectors
    items: ItemVectors

    def scores(self, users: Rows) -> ItemScores:
        """Dot products with all items, [b, I]."""
        scores: ItemScores = (self.users[users.cpu()] @ self.items.T).to(users.device)
        return scores

    def fold_in(self, history: Csr) -> "Ials":
        """The same items; user vectors are the least squares of these histories [U, I]."""
        return replace(self, users=solve(self.items, history, self.config))


def build(config: Config, train: Csr) -> Scorer:
    """Alternate between users and items for `sweeps` sweeps."""
    items = first_vectors(config, train.n_columns)
    across = transposed(train)
    users = solve(items, train, config)
    for _ in range(config.sweeps - 1):
        items = solve(users, across, config)
        users = solve(items, train, config)
    return Ials(config, users, items)


def first_vectors(config: Config, n_items: int) -> ItemVectors:
    """Item vectors before the first half-step, [I, D]."""
    noise = torch.randn(n_items, config.dim, generator=rng.stream(config.seed, "ials"))
    scale: float = config.init / config.dim**0.5
    return noise * scale


def transposed(train: Csr) -> Csr:
    """The users of each item, [I, U]."""
    return Csr.of(train.indices, train.rows, n_rows=train.n_columns, n_columns=train.n_rows)


def solve(fixed: ItemVectors, pairs: Csr, config: Config) -> UserVectors:
    """The least squares [R, D] of every row of `pairs` [R, C], given the other side [C, D].

    Raises UserError where the penalties are too small to solve them in float32.
    """
    gram = config.alpha * (fixed.T @ fixed)
    penalty = config.l2 * frequency(pairs, config).to(fixed.dtype)
    padded = torch.cat([fixed, fixed.new_zeros(1, fixed.shape[1])])
    vectors = fixed.new_zeros(pairs.n_rows, fixed.shape[1])
    for rows, ids in _padded_blocks(pairs, fixed.shape[1]):
        seen = padded[ids]
        normal = torch.baddbmm(gram, seen.mT, seen)
        normal.diagonal(dim1=1, dim2=2).add_(penalty[rows].unsqueeze(1))
        try:
            lower = torch.linalg.cholesky(normal)
        except torch.linalg.LinAlgError as error:  # type: ignore[attr-defined]
            raise UserError(
                "ials solves its least squares in float32, for which the penalty must not vanish; "
                f"l2={config.l2:g} with alpha={config.alpha:g} is too small here; raise l2"
            ) from error
        vectors[rows] = torch.cholesky_solve(seen.sum(1).unsqueeze(2), lower).squeeze(2)
    return vectors


def frequency(pairs: Csr, config: Config) -> Rows:
    """(n + a C)^nu of each row, [R] float64."""
    return torch.from_numpy((pairs.lengths + config.alpha * pairs.n_columns) ** config.nu)


def objective(users: UserVectors, items: ItemVectors, train: Csr, config: Config) -> float:
    """The objective that every half-step lowers."""
    rows, columns = torch.tensor(train.rows), torch.tensor(train.indices).long()
    observed = ((users[rows] * items[columns]).sum(1) - 1).square().sum()
    every = ((users.T @ users) * (items.T @ items)).sum()
    penalty = sum(
        (frequency(pairs, config).to(vectors.dtype) * vectors.square().sum(1)).sum()
        for pairs, vectors in ((train, users), (transposed(train), items))
    )
    return float(observed + config.alpha * every + config.l2 * penalty)


def _padded_blocks(pairs: Csr, dim: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows [b] of like length, and their columns [b, L], padded by the number of columns.

    A row without pairs keeps vector 0, which is its least squares.
    """
    order = np.argsort(pairs.lengths, kind="stable")
    order = order[pairs.lengths[order] > 0]
    at = 0
    while at < len(order):
        # Lengths ascend: as many rows as fit with the length of the last one.
        lengths = pairs.lengths[order[at:]]
        room = np.arange(1, len(lengths) + 1) * np.maximum(lengths, dim) * dim
        size = max(1, int(np.searchsorted(room, GATHERED, side="right")))
        rows, longest = order[at : at + size], int(lengths[:size].max())
        ids = np.full((len(rows), longest), pairs.n_columns)
        inside = np.arange(longest) < lengths[:size, None]
        starts = pairs.indptr[rows]
        ids[inside] = pairs.indices[(starts[:, None] + np.arange(longest))[inside]]
        yield torch.from_numpy(rows), torch.from_numpy(ids)
        at += size
