"""Matrix factorisation: a vector for every user and every item, scored by their product.

    s(u, i) = <p_u, q_i>   (or their cosine over a temperature)

Koren, Bell & Volinsky, "Matrix Factorization Techniques for Recommender Systems", Computer 2009;
trained by ranking as in Rendle et al., "BPR", UAI 2009. No biases: a sampler's tilt to popular
items shows in the vectors alone. Cost per step: one gather and one scatter of the rows used, and a
dense Adam step over (U + I) D; of a large table (`training/row_adam.py`) an Adam step over the rows
that are read.

The defaults were chosen on `random` by validation NDCG@20 and hold for all methods alike. L2 moves
results more than most methods do: of 0.003, 0.01 and 0.03, 0.01 was the best or within 4 % of it on
each of goodbooks, kuairec, ml_100k, ml_latest_small and lastfm (one seed). Large sparse data want
less of it, larger batches and a small `init`.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from negbench.backbones import _embedding_table
from negbench.protocol import (
    Batch,
    Card,
    Csr,
    Leaves,
    Negatives,
    RankingVectors,
    Similarity,
    TrainContext,
    View,
)
from negbench.protocol.row_table import RowTable, RowView

CARD = Card(
    title="Matrix factorisation",
    family="backbone",
    authors="Yehuda Koren, Robert Bell and Chris Volinsky; Steffen Rendle, Christoph"
    " Freudenthaler, Zeno Gantner and Lars Schmidt-Thieme",
    year=2009,
    venue="Computer; UAI",
    link="https://arxiv.org/abs/1205.2618",
    paper="Matrix Factorization Techniques for Recommender Systems; BPR: Bayesian "
    "Personalized Ranking from Implicit Feedback",
    provides=("users",),
    provenance="paper",
    later=("weight_decay",),
    search={"lr": ("log", 1e-4, 1e-1), "l2": ("log", 1e-6, 1e-1)},
)


@dataclass(frozen=True)
class Config:
    """The settings, the same for every method."""

    dim: int = 64
    """Width of the vectors."""
    lr: float = 0.01
    """Adam's step."""
    l2: float = 0.01
    """Weight of half the squared norms of each row's user, positive and mean negative."""
    weight_decay: float = 0.0
    """Adam's own: adds this times a parameter to its gradient in each step, batch or not."""
    batch_size: int = 2048
    """Pairs in a step."""
    similarity: Literal["dot", "cosine"] = "dot"
    temperature: float = 1.0
    """Divides the scores."""
    init: float = 0.1
    """Standard deviation of the first vectors."""

    def __post_init__(self) -> None:
        """Check the settings. Raises ValueError where nothing would train."""
        _embedding_table.check(self)


class MF(nn.Module):
    """One table [U + I, D], users first."""

    feed: Literal["pairs"] = "pairs"

    def __init__(self, config: Config, context: TrainContext, generator: torch.Generator) -> None:
        """Draw the initial vectors from the generator."""
        super().__init__()
        self.config, self.n_users = config, context.n_users
        self.similarity = Similarity(config.similarity, config.temperature)
        self.table = _embedding_table.table(
            context.n_users + context.n_items, config, generator, context.device
        )
        self.rows = RowTable(self.table)

    def view(self, batch: Batch, generator: torch.Generator, *, cut: bool = True) -> View:
        """The rows of the batch; with `cut` they are leaves."""
        del generator
        users, items = self.rows.parts(self.n_users) if cut else self._learning_parts()
        query, positive = users.index_select(0, batch.users), items.index_select(0, batch.items)
        leaves = None
        if cut:
            query, positive = query.requires_grad_(), positive.requires_grad_()
            leaves = Leaves(query=query, positive=positive, in_place=not self.rows.by_rows)
        of_kind = RowView if self.rows.by_rows else View
        return of_kind(query, items, positive, self.similarity, users, leaves=leaves)

    def _learning_parts(self) -> tuple[Tensor, Tensor]:
        """The rows of the users and of the items, with gradient by autograd."""
        self.rows.read()
        return self.table[: self.n_users], self.table[self.n_users :]

    def backward(self, batch: Batch, view: View, negatives: Negatives) -> None:
        """Add the gradients of the rows used, and of their L2 penalty, to the table's."""
        _embedding_table.backward(self.rows, self.config.l2, batch, view, negatives, self.n_users)

    @torch.no_grad()
    def encode(self, history: Csr) -> RankingVectors:
        """The table itself; the history is not used."""
        del history
        users, items = (part.detach() for part in self._learning_parts())

        def query(rows: Tensor) -> Tensor:
            return users[rows]

        return RankingVectors(items, self.similarity, query, users)


def build(config: Config, context: TrainContext, generator: torch.Generator) -> MF:
    """An untrained model."""
    return MF(config, context, generator)
