"""The training budget of a cell, and how far a training run has come."""

import math
from dataclasses import dataclass, field

from negbench.plugins.config_ranges import check_ranges

OPTIMISERS = ("adam", "adam_exact", "adagrad", "sgd")
DEFAULT_OPTIMISER = "adam"


@dataclass(frozen=True)
class TrainConfig:
    """The training budget, the same for every method.

    The defaults let patience end the training of every method on the embedded data sets (mf, one
    seed): the best epochs lie between 2 and 83. Patience 5 is too short there: `random` on
    goodbooks then stops at epoch 23 and keeps a validation NDCG@20 of .038; epoch 63 has .050.
    """

    epochs: int = 200
    """At most this many epochs."""
    patience: int = 10
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
    optimiser: str = DEFAULT_OPTIMISER
    """`adam` updates large tables by rows; `adam_exact` all rows in each step, as torch has it."""
    time_limit: float = 0.0
    """Seconds that a cell may train, 0 for no limit; the record says where it was reached."""

    def __post_init__(self) -> None:
        """Check the budget. Raises ValueError where nothing would train."""
        check_ranges(self, at_least={"epochs": 1, "patience": 1, "eval_every": 1})
        if self.optimiser not in OPTIMISERS:
            raise ValueError(
                f"`optimiser` must be one of {', '.join(OPTIMISERS)}; got {self.optimiser!r}"
            )


@dataclass
class Progress:
    """How far a training run has come; part of a checkpoint."""

    epoch: int = 0
    best_epoch: int = 0
    best_valid: float = -math.inf
    n_unfilled: int = 0
    n_rows: int = 0
    """Rows trained on so far; a pair counts once an epoch."""
    n_unusable: int = 0
    """Of these the rows without any usable negative."""
    negatives: int = 0
    """Negatives used so far, masked ones included."""
    dots: int = 0
    """User-item dot products of the steps so far."""
    rows: list[dict[str, float]] = field(default_factory=list)
    stopped: str = ""
