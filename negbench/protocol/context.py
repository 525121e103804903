"""What a part may know of the data in training: train statistics, never a held-out pair."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from negbench.data.interactions import Csr
from negbench.data.membership import Membership
from negbench.ops.axes import ItemValues
from negbench.protocol.feature_table import FeatureTable
from negbench.protocol.text_table import TextTable


@dataclass(frozen=True, eq=False)
class TrainContext:
    """What a part may know of the data: train statistics, never a held-out pair."""

    train: Csr
    counts: ItemValues
    """Train users of each item, [I] float: its train interactions, repeats once."""
    excluded: Membership
    """The pairs that must not be drawn as negatives, set by `--exclude`; `train` by default."""
    exclude: str = "train"
    provides: frozenset[str] = frozenset()
    """What the data offer beyond pairs: "order", "texts", "truth", "exposures", "user_features",
    "item_features"."""
    device: torch.device = torch.device("cpu")
    seed: int = 0
    width: int = 0
    """Embedding width D; 0 if unknown (`attach` without `dim`)."""
    texts: Callable[[], TextTable] | None = None
    """Vectors of the item texts, encoded on first use; None where the data have no texts."""
    known_negatives: Callable[[], Csr] | None = None
    """Pairs [U, I] that a user was shown in vain or rated too low in the time of the train pairs,
    worked out on first use; judgements of the test are not among them. None where none is known."""

    user_features: Callable[[], FeatureTable] | None = None
    item_features: Callable[[], FeatureTable] | None = None
    """Columns of the users and of the items, standardised on first use; None where the data have
    none."""

    @property
    def n_users(self) -> int:
        """U."""
        return self.train.n_rows

    @property
    def n_items(self) -> int:
        """I."""
        return self.train.n_columns
