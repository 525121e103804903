"""Lets other processes see how far a cell has come: its epochs and best value, beside its claim."""

import math

from negbench.experiment.cell.run import OnProgress
from negbench.storage.claims import FOLDER, Held
from negbench.storage.training_progress import ProgressFile, TrainingProgress
from negbench.training.config import Progress, TrainConfig


def writing_progress(claim: Held, budget: TrainConfig) -> OnProgress:
    """A listener of the training of a claimed cell, in whichever process that runs."""
    file = ProgressFile(claim.run / FOLDER, claim.cell, claim.token)

    def write(now: Progress) -> None:
        validated = now.best_valid > -math.inf
        file.write(
            TrainingProgress(
                epoch=now.epoch,
                epochs=budget.epochs,
                seconds=now.rows[-1]["wall"],
                metric=budget.select,
                best_epoch=now.best_epoch if validated else 0,
                best_valid=now.best_valid if validated else None,
            )
        )

    return write
