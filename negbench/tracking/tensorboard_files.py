"""TensorBoard: RUN/tensorboard has a folder of event files for each cell.

A cell that is being trained has one that ends in -live, which goes when it ends.
"""

import re
import shutil
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from negbench.storage.atomic_write import aside
from negbench.tracking.live_cells import LiveCell
from negbench.tracking.tracked_cell import EpochValues, TrackedCell

FOLDER = "tensorboard"
LIVE = "-live"
_UNUSUAL = re.compile(r"[^\w.=,()@+-]+")


class TensorBoardFiles:
    """Writes event files; a folder is renamed when it is whole, so no reader sees half a run."""

    def __init__(self, run: Path) -> None:
        """`run` is the folder of the negbench run."""
        self.folder = run / FOLDER
        self.writers: dict[str, Any] = {}
        """Of cells that are being trained, by token."""

    def has(self, cell_id: str) -> bool:
        """Whether a cell is there."""
        return any(self.folder.glob(f"*-{cell_id}"))

    def write(self, cell: TrackedCell) -> None:
        """Write one cell: scalars by epoch, its settings and final metrics for the HParams tab."""
        board = import_module("torch.utils.tensorboard")
        summaries = import_module("torch.utils.tensorboard.summary")
        name = f"{_plain(cell.name)}-{cell.id}"
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

    def live(self) -> list[str]:
        """Tokens of the cells that have a folder while they train."""
        return [
            each.name.removesuffix(LIVE).rpartition("-")[2] for each in self.folder.glob(f"*{LIVE}")
        ]

    def begin(self, cell: LiveCell) -> None:
        """Make the folder of a cell that is being trained."""
        board = import_module("torch.utils.tensorboard")
        folder = self.folder / f"{_plain(cell.name)}-{cell.token}{LIVE}"
        self.writers[cell.token] = board.SummaryWriter(str(folder))

    def log(self, token: str, values: Sequence[EpochValues]) -> None:
        """Add evaluations, for whoever looks now."""
        writer = self.writers[token]
        for row in values:
            for tag, value in row.values.items():
                writer.add_scalar(tag, value, row.epoch, walltime=row.ended)
        writer.flush()

    def end(self, token: str) -> None:
        """Remove the folder of a cell that is not being trained any more."""
        if token in self.writers:
            self.writers.pop(token).close()
        for folder in self.folder.glob(f"*-{token}{LIVE}"):
            shutil.rmtree(folder, ignore_errors=True)


def _plain(name: str) -> str:
    return _UNUSUAL.sub("_", name)[:100]
