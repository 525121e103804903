"""What a part may know of the data in training: train statistics, never a held-out pair."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from negbench.data.interactions import Csr
from negbench.data.membership import Membership
from negbench.protocol.text_table import TextTable


@dataclass(frozen=True, eq=False)
class TrainContext:
    """What a part may know of the data: train statistics, never a held-out pair."""

    train: Csr
    counts: Tensor
    """Train interactions of each item, [I] float."""
    excluded: Membership
    """The pairs that must not be drawn as negatives; what `--exclude` says, `train` by default."""
    exclude: str = "train"
    provides: frozenset[str] = frozenset()
    """What the data offer beyond pairs: "order", "texts", "truth"."""
    device: torch.device = torch.device("cpu")
    seed: int = 0
    width: int = 0
    """D of the backbone's vectors; 0 in a loop that is not ours, where nobody says it before."""
    texts: Callable[[], TextTable] | None = None
    """The items in words, encoded when first asked for; None where nobody has them."""

    @property
    def n_users(self) -> int:
        """U."""
        return self.train.n_rows

    @property
    def n_items(self) -> int:
        """I."""
        return self.train.n_columns
