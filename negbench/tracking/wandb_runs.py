"""Weights & Biases: a project, in it a run for each cell; offline where no key is known.

The project is what WANDB_PROJECT names, else `negbench`; WANDB_MODE and the other variables of the
library hold too. Its files lie in RUN/wandb, and `wandb sync` sends those of offline runs.
"""

import os
from importlib import import_module
from pathlib import Path

from negbench.tracking.tracked_cell import TrackedCell

FOLDER = "wandb"
PROJECT = "negbench"
PATIENCE = 30.0
"""Seconds to wait for a server, for its first answer and for the end of a run."""


class WandbRuns:
    """Writes runs of finished cells, one after the other."""

    def __init__(self, run: Path) -> None:
        """`run` is the folder of the negbench run."""
        self.run, self.wandb = run, import_module("wandb")
        asked = os.environ.get("WANDB_MODE")
        self.mode = asked or ("online" if self.wandb.api.api_key else "offline")

    def has(self, cell_id: str) -> bool:
        """Whether a cell was written as a whole; one that was cut short goes on by its id."""
        return (self._ended / cell_id).exists()

    def write(self, cell: TrackedCell) -> None:
        """Write one cell: values by epoch, and its final metrics as the summary."""
        self._ended.mkdir(parents=True, exist_ok=True)
        with self.wandb.init(
            project=os.environ.get("WANDB_PROJECT") or PROJECT,
            dir=str(self.run),
            id=cell.id,
            name=cell.name,
            group=cell.group,
            config=cell.settings,
            mode=self.mode,
            resume="allow" if self.mode == "online" else None,
            reinit="create_new",
            settings=self._settings(),
        ) as written:
            for row in cell.epochs:
                written.log(row.values, step=row.epoch)
            written.summary.update({**cell.results, "best_epoch": cell.best_epoch})
        if self.mode != "disabled":
            (self._ended / cell.id).touch()

    @property
    def _ended(self) -> Path:
        """A file for each cell that was written as a whole."""
        return self.run / FOLDER / "negbench"

    def _settings(self) -> object:
        """No output, no measures of this machine, no code or commit of the user's."""
        return self.wandb.Settings(
            silent=True,
            console="off",
            disable_git=True,
            save_code=False,
            x_disable_stats=True,
            init_timeout=PATIENCE,
            finish_timeout=PATIENCE,
            finish_timeout_raises=True,
        )
