"""Lets other processes see how far a cell has come: its epochs and best value, beside its claim."""

import math

from negbench.experiment.cell.run import OnProgress
from negbench.storage.claims import FOLDER, Held
from negbench.storage.training_progress import (
    RECENT,
    Evaluation,
    ProgressFile,
    TrainingProgress,
)
from negbench.training.config import Progress, TrainConfig


def writing_progress(claim: Held, budget: TrainConfig) -> OnProgress:
    """A listener of the training of a claimed cell, in whichever process that runs."""
    file = ProgressFile(claim.run / FOLDER, claim.cell, claim.token)
    valid = f"valid_{budget.select}"

    def write(now: Progress) -> None:
        validated = now.best_valid > -math.inf
        evaluations = [
            Evaluation(int(row["epoch"]), row["wall"], row[valid])
            for row in now.rows[-RECENT:]
            if math.isfinite(row.get(valid, math.nan))
        ]
        file.write(
            TrainingProgress(
                epoch=now.epoch,
                epochs=budget.epochs,
                seconds=now.rows[-1]["wall"],
                metric=budget.select,
                best_epoch=now.best_epoch if validated else 0,
                best_valid=now.best_valid if validated else None,
            ),
            evaluations,
        )

    return write
