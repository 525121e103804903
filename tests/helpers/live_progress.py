"""What a cell that trains has written of its evaluations."""

from negbench.storage import claims
from negbench.storage.training_progress import ProgressFile, TrainingProgress

CELL = "c" * 12
TAG = "epoch/valid_ndcg_at_20"


def progress(epoch):
    return TrainingProgress(epoch, 200, float(epoch), "ndcg@20", epoch, 0.5)


def write(held, evaluations):
    now = progress(evaluations[-1].epoch if evaluations else 1)
    ProgressFile(held.run / claims.FOLDER, held.cell, held.token).write(now, evaluations)
