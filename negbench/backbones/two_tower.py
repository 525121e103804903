"""Two towers: a network for users and one for items, which read columns and texts beside the id.

    e_u = W_2 ReLU(W_1 p_u + W_3 x_u + b_1) + b_2
    e_i = V_2 ReLU(V_1 k_i q_i + V_3 [t_i, x_i] + c_1) + c_2
    s(u, i) = cos(e_u, e_i) / temperature

Yi et al., "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations", RecSys
2019: the model of candidate retrieval, in which negatives of the batch and their correction began
(`in_batch`, `mixed`, `cbns`). x_u and x_i are the columns of users and items, side by side, read
where `features` says so: a categorical column is the mean of its values' vectors, a number is
standardised on the train ids. t_i is the vector of the item's text, zeros without one; k_i is 0 for
an item without a train pair, whose q_i was never trained, and in training for a share `id_dropout`
of the items of each step, so that the tower learns to rank without ids, as in Volkovs, Yu &
Poutanen, "DropoutNet", NeurIPS 2017. A user without train pairs has p_u = 0 likewise. With
`ids=users` the item tower has no ids at all, as the corpus tower of the paper.

So a COLD item is ranked by its columns and text, among all others: `negbench run --bands count:1`
has these items as band `tail`, under a split that leaves any, as `cold_items(0.1)`. Negatives drawn
from all items push them down, for they are negatives and never positives; in_batch and popularity
never draw them (synthetic of 4,000 items, one seed, texts alone, 16 cold test pairs: recall@100
.125 with in_batch, 0 with random, and 0 with mf). Tests of cold items need data with many. On data
without texts, and without `features`, the towers have ids alone and all cold items tie.

A value that no train id has is never trained, so it counts as missing. The embeddings of values are
not in the penalty `l2`. Cost per step: 6 (U + I) H (E + D) products for all vectors, and 6 I T H
and 6 (U X_u + I X_i) H for texts and columns, as methods may draw any item. Of a large table, where
a step reads a few rows (`training/row_adam.py`), n instead of U + I: the vectors of the n users and
items that it reads are computed, and all of them only for a method that reads all.

The defaults are ours and hold for all methods alike. With a loss that divides cosines by a
temperature of its own, one of the two should be 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from negbench.backbones import _embedding_table
from negbench.backbones._feature_columns import FeatureColumns
from negbench.backbones._nodes import NodeBackbone
from negbench.backbones._sequence import initialise
from negbench.backbones._tower_rows import AT_ONCE, TowerRows, TowerView, in_parts, key_of
from negbench.data.interactions import Csr
from negbench.ops.axes import AnyShape, Rows, Vectors
from negbench.ops.hashed_uniform import hashed_uniform
from negbench.protocol import (
    Batch,
    Card,
    FeatureTable,
    Negatives,
    RankingVectors,
    TrainContext,
    View,
    check_ranges,
)
from negbench.protocol.row_table import RowTable

CARD = Card(
    title="Two towers over ids, features and item texts",
    family="backbone",
    authors="Xinyang Yi, Ji Yang, Lichan Hong, Derek Zhiyuan Cheng, Lukasz Heldt, Aditee"
    " Kumthekar, Zhe Zhao, Li Wei and Ed H. Chi",
    year=2019,
    venue="RecSys",
    link="https://doi.org/10.1145/3298689.3346996",
    paper="Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations",
    provides=("users",),
    provenance="paper",
    differs="features are read where asked for, and ids are dropped in training for cold items",
    later=("weight_decay", "features", "ids", "feature_width"),
    search={
        "lr": ("log", 1e-4, 1e-2),
        "temperature": ("log", 0.03, 1.0),
        "id_dropout": ("of", 0.0, 0.1, 0.3, 0.5),
        "hidden": ("of", 64, 128, 256),
    },
)


@dataclass(frozen=True)
class Config:
    """The settings, the same for every method."""

    dim: int = 64
    """D, width of the vectors that are scored."""
    embedding: int = 64
    """E, width of the vectors of ids, 1 or more."""
    hidden: int = 128
    """H, width of the hidden layer, 1 or more."""
    texts: bool = True
    """Whether the item tower reads texts where the data have them."""
    features: Literal["users", "items", "both"] | None = None
    """Whose columns are read; both is of users and of items."""
    ids: Literal["users", "items", "both"] | None = "both"
    """Whose ids are read; with ids=users items are known by their columns and texts alone."""
    feature_width: int = 16
    """Width of the vector of a categorical column, 1 or more."""
    id_dropout: float = 0.1
    """Share of items that are without their id in a step, 0 to 1; 1 is without them at all."""
    lr: float = 0.001
    """Adam's step."""
    l2: float = 1e-4
    """Weight of half the squared norms of each row's ids: user, positive and mean negative."""
    weight_decay: float = 0.0
    """Adam's own: adds this times a parameter to its gradient in each step, batch or not."""
    batch_size: int = 2048
    """Pairs in a step."""
    similarity: Literal["dot", "cosine"] = "cosine"
    temperature: float = 0.1
    """Divides the scores; the paper's is tuned by data set, 0.05 its usual size."""
    init: float = 0.1
    """Standard deviation of the first vectors of ids."""

    def __post_init__(self) -> None:
        """Check the settings. Raises ValueError where nothing would train."""
        _embedding_table.check(self)
        least = {"embedding": 1, "hidden": 1, "feature_width": 1}
        check_ranges(self, at_least=least, between={"id_dropout": (0, 1)})
        for side in ("users", "items"):
            if not (_of(side, self.ids) or _of(side, self.features)):
                raise ValueError(
                    f"a tower needs `ids` or `features` to read; got {self.ids} and "
                    f"{self.features}, which leaves nothing for {side}; set one of them to both"
                )

    @property
    def needs(self) -> tuple[str, ...]:
        """What the data must provide for these settings."""
        sides = {"users": "user_features", "items": "item_features"}
        return tuple(word for side, word in sides.items() if _of(side, self.features))


def _of(side: str, choice: str | None) -> bool:
    """Whether a choice (users, items, both or None) holds this side."""
    return choice in (side, "both")


class Tower(nn.Module):
    """Vectors of ids, and of texts and columns where there are any, through one hidden layer."""

    def __init__(self, config: Config, other: int = 0) -> None:
        """Empty weights; `initialise` fills them. `other` is the width of texts and columns."""
        super().__init__()
        self.of_ids = nn.Linear(config.embedding, config.hidden)
        self.of_others = nn.Linear(other, config.hidden, bias=False) if other else None
        self.out = nn.Linear(config.hidden, config.dim)

    def forward(self, ids: AnyShape, others: AnyShape | None = None) -> AnyShape:
        """[n, E] and [n, T] -> [n, D]."""
        hidden = self.of_ids(ids)
        if self.of_others is not None and others is not None:
            hidden = hidden + self.of_others(others)
        vectors: Tensor = self.out(F.relu(hidden))
        return vectors


class TwoTower(NodeBackbone):
    """The table of ids, the two towers, and the texts and columns, which are not trained."""

    known: Tensor
    texts: Tensor | None

    def __init__(self, config: Config, context: TrainContext, generator: torch.Generator) -> None:
        """Draw all initial weights from the generator.

        Raises ValueError if columns are asked for that the data have not.
        """
        super().__init__(config, context, generator, config.embedding)
        self.config = config
        texts = context.texts().vectors if config.texts and context.texts is not None else None
        self.register_buffer("known", _known(config, context), persistent=False)
        self.register_buffer("texts", texts, persistent=False)
        self.user_columns = _columns("users", config, context.user_features)
        self.item_columns = _columns("items", config, context.item_features)
        width = 0 if texts is None else texts.shape[1]
        with torch.device("meta"):
            self.of_users = Tower(config, _width(self.user_columns))
            self.of_items = Tower(config, width + _width(self.item_columns))
        for part in (self.of_users, self.of_items):
            initialise(part, generator)
            # Without id and text a vector is this bias: at 0 its direction would have no gradient
            # but an infinite one.
            nn.init.normal_(part.out.bias, std=config.init, generator=generator)
        for columns in (self.user_columns, self.item_columns):
            if columns is not None:
                initialise(columns, generator)
        self.to(context.device)
        self.rows = RowTable(self.table, is_input=True)

    def view(self, batch: Batch, generator: torch.Generator, *, cut: bool = True) -> View:
        """The rows of the batch; of a table that is updated by rows, what is read alone."""
        if not (cut and self.rows.by_rows):
            return super().view(batch, generator, cut=cut)
        drops = self.training and self.config.id_dropout > 0
        return TowerRows(self.rows, self.n_users, self.similarity).view(
            batch, self.user_vectors, self.item_vectors, key_of(generator) if drops else None
        )

    def backward(self, batch: Batch, view: View, negatives: Negatives) -> None:
        """Add the gradients of what the step has read, and of the L2 penalty, to the table's."""
        if not isinstance(view, TowerView):
            super().backward(batch, view, negatives)
        elif view.rows_read.reached():
            view.rows_read.backward(self.config.l2, batch, negatives)
        else:  # the parts learn alone: no L2 either, and no move by what momentum is left
            for parameter in self.parameters():
                parameter.grad = None

    @torch.no_grad()
    def encode(self, history: Csr) -> RankingVectors:
        """All vectors, of a large table some rows at a time; the history is not used."""
        if len(self.table) <= AT_ONCE:
            return super().encode(history)
        self.rows.read()
        users, items = self.table[: self.n_users], self.table[self.n_users :]
        users = in_parts(users, self.user_vectors)
        items = in_parts(items, partial(self.item_vectors, key=None))
        return RankingVectors(items, self.similarity, users.__getitem__, users)

    def user_vectors(self, ids: Rows, own: Vectors) -> Vectors:
        """The tower's vectors [n, D] of users ids [n], whose rows of the table are `own` [n, E]."""
        about = _side_by_side(None, self.user_columns, ids)
        vectors: Vectors = self.of_users(own * self.known[ids], about)
        return vectors

    def item_vectors(self, ids: Rows, own: Vectors, key: int | None) -> Vectors:
        """Likewise of items; an id is dropped by its number and the step's key, if there is one."""
        own = own * self.known[ids + self.n_users]
        if key is not None:
            own = own * (hashed_uniform(ids, key) >= self.config.id_dropout).unsqueeze(1)
        vectors: Vectors = self.of_items(own, _side_by_side(self.texts, self.item_columns, ids))
        return vectors

    def nodes(self, generator: torch.Generator | None, *, cut: bool) -> AnyShape:
        """The towers' vectors of all users and items, [U + I, D]."""
        del cut
        self.rows.read()
        nodes = self.table * self.known
        users, items = nodes[: self.n_users], nodes[self.n_users :]
        if generator is not None and self.config.id_dropout:
            drawn = torch.rand(len(items), 1, generator=generator, device=items.device)
            items = items * (drawn >= self.config.id_dropout)
        about_users = _side_by_side(None, self.user_columns)
        about_items = _side_by_side(self.texts, self.item_columns)
        return torch.cat([self.of_users(users, about_users), self.of_items(items, about_items)])


def _known(config: Config, context: TrainContext) -> Tensor:
    """Whose id is read, [U + I, 1] of 0 and 1: those with a train pair, where `ids` has them."""
    users = torch.from_numpy(context.train.lengths > 0).to(context.device)
    items = context.counts.to(context.device) > 0
    of_items = _of("items", config.ids) and config.id_dropout < 1
    return torch.cat([users & _of("users", config.ids), items & of_items]).float().unsqueeze(1)


def _columns(
    side: str, config: Config, table: Callable[[], FeatureTable] | None
) -> FeatureColumns | None:
    if not _of(side, config.features):
        return None
    if table is None:
        raise ValueError(f"features={config.features} needs columns of {side}; the data have none")
    return FeatureColumns(table(), config.feature_width)


def _width(columns: FeatureColumns | None) -> int:
    return 0 if columns is None else columns.width


def _side_by_side(
    texts: Tensor | None, columns: FeatureColumns | None, ids: Rows | None = None
) -> Tensor | None:
    """Vectors of texts [n, T] and columns [n, X] as one, of all or of ids [n], if there are any."""
    if texts is not None and ids is not None:
        texts = texts[ids]
    if columns is None:
        return texts
    return columns(ids) if texts is None else torch.cat([texts, columns(ids)], 1)


def build(config: Config, context: TrainContext, generator: torch.Generator) -> TwoTower:
    """An untrained model."""
    return TwoTower(config, context, generator)
