"""The distribution of a sampler that does not change in training, so that rates have a formula."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from negbench.ops.axes import ItemValues


@dataclass(frozen=True, eq=False)
class FixedProposal:
    """A distribution over items, the same for every user until what is excluded is left out."""

    p: ItemValues
    """Probability of each item before exclusion, [I] float64."""
    redraws: bool
    """Whether a row draws again for what is excluded, so that all rows use the same number of
    negatives; else the excluded ones of a shared pool are masked, and rows use fewer."""
    of_train_pairs: bool = False
    """Whether it is that of the batch's positives, and so holds only where batches are random
    train pairs."""


@runtime_checkable
class HasFixedProposal(Protocol):
    """A sampler whose draws follow a fixed proposal."""

    def fixed_proposal(self) -> FixedProposal | None:
        """The distribution, asked for after `begin`; None where the settings leave no fixed one."""
        ...
