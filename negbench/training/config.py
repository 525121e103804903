"""The training budget of a cell, and how far a training run has come."""

import math
from dataclasses import dataclass, field

from negbench.plugins.config_ranges import check_ranges


@dataclass(frozen=True)
class TrainConfig:
    """The training budget, the same for every method."""

    epochs: int = 100
    """At most this many epochs."""
    patience: int = 5
    """Early stopping: evaluations without gain on the validation part."""
    eval_every: int = 1
    """Epochs between evaluations."""
    select: str = "ndcg@20"
    """The validation metric of early stopping and of the weights that are kept."""
    lr: float | None = None
    """Override of the backbones' own learning rate; None keeps it."""
    l2: float | None = None
    """Override of the backbones' own L2 weight."""
    dim: int | None = None
    """Override of the backbones' own width."""
    batch_size: int | None = None
    """Override of the backbones' own batch size."""
    time_limit: float = 0.0
    """Seconds that a cell may train, 0 for no limit; the record says where it was reached."""

    def __post_init__(self) -> None:
        """Check the budget. Raises ValueError where it trains nothing."""
        check_ranges(self, at_least={"epochs": 1, "patience": 1, "eval_every": 1})


@dataclass
class Progress:
    """How far a training run has come; part of a checkpoint."""

    epoch: int = 0
    best_epoch: int = 0
    best_valid: float = -math.inf
    n_unfilled: int = 0
    negatives: int = 0
    """Negatives used so far, masked ones included."""
    dots: int = 0
    """User-item dot products of the steps so far."""
    rows: list[dict[str, float]] = field(default_factory=list)
    stopped: str = ""
