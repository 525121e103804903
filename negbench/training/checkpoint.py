"""Checkpoints: a killed cell resumes from its last one, bit for bit."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError

import torch

from negbench.errors import UserError
from negbench.storage.atomic_write import aside
from negbench.training.fit import Fit

SECONDS = 300.0
"""Training that a killed cell may lose, where the epochs between checkpoints are not given."""


@dataclass
class Checkpoint:
    """The checkpoint file of a cell, written by rename at the end of an epoch.

    It is due every `every` epochs; with 0, when `SECONDS` have passed since the cell began or its
    last checkpoint: cells that are shorter write none.
    """

    path: Path
    every: int = 0
    _last: float = field(default_factory=time.monotonic, init=False, repr=False)

    def save(self, fit: Fit) -> None:
        """Write the checkpoint if it is due. Raises OSError where it cannot be written."""
        if not self._due(fit.progress.epoch):
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = aside(self.path)
        try:
            with temporary.open("wb") as file:
                torch.save(fit.state_dict(), file)
            temporary.replace(self.path)
        except RuntimeError as error:
            if isinstance(error.__context__, OSError):  # as torch ends on a full disk
                raise error.__context__ from error
            raise
        finally:
            temporary.unlink(missing_ok=True)
        self._last = time.monotonic()

    def _due(self, epoch: int) -> bool:
        if self.every:
            return epoch % self.every == 0
        return time.monotonic() - self._last >= SECONDS

    def load(self, fit: Fit) -> None:
        """Restore from the file if there is one; weights only, nothing is unpickled.

        Raises UserError for a file that does not fit the cell.
        """
        if not self.path.exists():
            return
        try:
            fit.load_state_dict(torch.load(self.path, weights_only=True))
        except (UnpicklingError, RuntimeError, OSError, KeyError, EOFError, ValueError) as error:
            raise UserError(
                f"a checkpoint must fit its cell; {self.path} does not ({error}); remove it"
            ) from error
