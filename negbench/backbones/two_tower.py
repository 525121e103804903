"""Two towers: a network for users and one for items, which reads an item's text beside its id.

    e_u = W_2 ReLU(W_1 p_u + b_1) + b_2
    e_i = V_2 ReLU(V_1 k_i q_i + V_3 t_i + c_1) + c_2
    s(u, i) = cos(e_u, e_i) / temperature

Yi et al., "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations", RecSys
2019: the model of candidate retrieval, in which negatives of the batch and their correction began
(`in_batch`, `mixed`, `cbns`). t_i is the vector of the item's text, zeros without one; k_i is 0 for
an item without a train pair, whose q_i was never trained, and in training for a share `id_dropout`
of the items of each step, so that the tower learns to rank by text alone, as in Volkovs, Yu &
Poutanen, "DropoutNet", NeurIPS 2017. A user without train pairs has p_u = 0 likewise.

So a COLD item is ranked by its text, among all others: `negbench run --bands count:1` has these
items as band `tail`, under a split that leaves any (temporal, say). Negatives drawn from all items
push them down, for they are negatives and never positives; in_batch and popularity never draw them
(synthetic of 4,000 items, one seed, 16 cold test pairs: recall@100 .125 with in_batch, 0 with
random, and 0 with mf). Tests of cold items need data with many.

Missing: columns. Data sets here have one text an item and no columns of users or items (age, genre,
price), so there is one feature. On data without texts the towers have ids alone and all cold items
tie. The corpus tower of the paper reads many features, and no id of a cold item either. Cost per
step: 6 (U + I) H (E + D) and 6 I T H products for all vectors, as methods may draw any item.

The defaults are ours and hold for all methods alike. With a loss that divides cosines by a
temperature of its own, one of the two should be 1.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from negbench.backbones import _embedding_table
from negbench.backbones._nodes import NodeBackbone
from negbench.backbones._sequence import initialise
from negbench.protocol import AnyShape, Card, TrainContext, check_ranges

CARD = Card(
    title="Two towers over ids and item texts",
    family="backbone",
    authors="Yi, Yang, Hong, Cheng, Heldt, Kumthekar, Zhao, Wei and Chi",
    year=2019,
    venue="RecSys",
    paper="Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations",
    provides=("users",),
    provenance="paper",
    differs="one text an item is the only feature, and ids are dropped in training for cold items",
    later=("weight_decay",),
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
    id_dropout: float = 0.1
    """Share of items that are without their id in a step, 0 to 1; 1 ranks by texts alone."""
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
        check_ranges(self, at_least={"embedding": 1, "hidden": 1}, between={"id_dropout": (0, 1)})


class Tower(nn.Module):
    """Vectors of ids, and others where there are any, through one hidden layer."""

    def __init__(self, config: Config, other: int = 0) -> None:
        """Empty weights; `initialise` fills them. `other` is the width of the other feature."""
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
    """The table of ids, the two towers and the texts, which are not trained."""

    known: Tensor
    texts: Tensor | None

    def __init__(self, config: Config, context: TrainContext, generator: torch.Generator) -> None:
        """Draw all initial weights from the generator."""
        super().__init__(config, context, generator, config.embedding)
        self.config = config
        texts = context.texts().vectors if config.texts and context.texts is not None else None
        users = torch.from_numpy(context.train.lengths.copy()) > 0
        known = torch.cat([users.to(context.device), context.counts.to(context.device) > 0])
        self.register_buffer("known", known.float().unsqueeze(1), persistent=False)
        self.register_buffer("texts", texts, persistent=False)
        with torch.device("meta"):
            self.of_users = Tower(config)
            self.of_items = Tower(config, 0 if texts is None else texts.shape[1])
        for part in (self.of_users, self.of_items):
            initialise(part, generator)
            # Without id and text a vector is this bias: at 0 its direction would have no gradient
            # but an infinite one.
            nn.init.normal_(part.out.bias, std=config.init, generator=generator)
        self.to(context.device)

    def nodes(self, generator: torch.Generator | None, *, cut: bool) -> AnyShape:
        """The towers' vectors of all users and items, [U + I, D]."""
        del cut
        nodes = self.table * self.known
        users, items = nodes[: self.n_users], nodes[self.n_users :]
        if generator is not None and self.config.id_dropout:
            drawn = torch.rand(len(items), 1, generator=generator, device=items.device)
            items = items * (drawn >= self.config.id_dropout)
        return torch.cat([self.of_users(users), self.of_items(items, self.texts)])


def build(config: Config, context: TrainContext, generator: torch.Generator) -> TwoTower:
    """An untrained model."""
    return TwoTower(config, context, generator)
