"""TensorBoard: RUN/tensorboard has a folder of event files for each cell."""

import re
import shutil
from importlib import import_module
from pathlib import Path

from negbench.storage.atomic_write import aside
from negbench.tracking.tracked_cell import TrackedCell

FOLDER = "tensorboard"
_UNUSUAL = re.compile(r"[^\w.=,()@+-]+")


class TensorBoardFiles:
    """Writes event files; a folder is renamed when it is whole, so no reader sees half a run."""

    def __init__(self, run: Path) -> None:
        """`run` is the folder of the negbench run."""
        self.folder = run / FOLDER

    def has(self, cell_id: str) -> bool:
        """Whether a cell is there."""
        return any(self.folder.glob(f"*-{cell_id}"))

    def write(self, cell: TrackedCell) -> None:
        """Write one cell: scalars by epoch, its settings and final metrics for the HParams tab."""
        board = import_module("torch.utils.tensorboard")
        summaries = import_module("torch.utils.tensorboard.summary")
        name = f"{_UNUSUAL.sub('_', cell.name)[:100]}-{cell.id}"
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = aside(self.folder / name)
        writer = board.SummaryWriter(str(temporary))
        try:
            for part in summaries.hparams(cell.settings, cell.results):
                writer.file_writer.add_summary(part)
            for row in cell.epochs:
                for tag, value in row.values.items():
                    writer.add_scalar(tag, value, row.epoch, walltime=row.ended)
            for tag, value in cell.results.items():
                writer.add_scalar(tag, value, cell.best_epoch, walltime=cell.ended)
            writer.close()
            temporary.rename(self.folder / name)
        finally:
            writer.close()
            shutil.rmtree(temporary, ignore_errors=True)
