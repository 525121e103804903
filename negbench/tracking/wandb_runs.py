"""Weights & Biases: a project, in it a run for each cell; offline where no key is known.

The project is what WANDB_PROJECT names, else `negbench`; WANDB_MODE and the other variables of the
library hold too. Its files lie in RUN/wandb, and `wandb sync` sends those of offline runs. A cell
that is being trained has a run of its own online, which is deleted when it ends; offline nobody
could look at it.
"""

import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from negbench.tracking.live_cells import LiveCell
from negbench.tracking.tracked_cell import EpochValues, TrackedCell

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
        self.runs: dict[str, Any] = {}
        """Runs of cells that are being trained, by token."""

    def has(self, cell_id: str) -> bool:
        """Whether a cell was written as a whole; one that was cut short goes on by its id."""
        return (self._ended / cell_id).exists()

    def write(self, cell: TrackedCell) -> None:
        """Write one cell: values by epoch, and its final metrics as the summary."""
        self._ended.mkdir(parents=True, exist_ok=True)
        with self.wandb.init(
            id=cell.id,
            name=cell.name,
            group=cell.group,
            config=cell.settings,
            resume="allow" if self.mode == "online" else None,
            **self._where(),
        ) as written:
            for row in cell.epochs:
                written.log(row.values, step=row.epoch)
            written.summary.update({**cell.results, "best_epoch": cell.best_epoch})
        if self.mode != "disabled":
            (self._ended / cell.id).touch()

    def live(self) -> list[str]:
        """None: what others show is not asked for."""
        return []

    def begin(self, cell: LiveCell) -> None:
        """Start a run for a cell that is being trained, where it can be looked at."""
        if self.mode == "online":
            name = f"{cell.name} (live)"
            self.runs[cell.token] = self.wandb.init(
                id=cell.token, name=name, job_type="live", **self._where()
            )

    def log(self, token: str, values: Sequence[EpochValues]) -> None:
        """Add evaluations."""
        for row in values if token in self.runs else ():
            self.runs[token].log(row.values, step=row.epoch)

    def end(self, token: str) -> None:
        """End and delete the run of a cell that is not being trained any more."""
        if token in self.runs:
            run = self.runs.pop(token)
            run.finish()
            self.wandb.Api().run(run.path).delete()

    def _where(self) -> dict[str, Any]:
        """What all runs have in common."""
        return {
            "project": os.environ.get("WANDB_PROJECT") or PROJECT,
            "dir": str(self.run),
            "mode": self.mode,
            "reinit": "create_new",
            "settings": self._settings(),
        }

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
