"""Checkpoints: a killed cell resumes from its last one, bit for bit."""

import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch

from negbench.errors import UserError
from negbench.training.fit import Fit


@dataclass(frozen=True)
class Checkpoint:
    """The checkpoint file of a cell, written every `every` epochs (0: never), by rename."""

    path: Path
    every: int

    def save(self, fit: Fit) -> None:
        """Write the checkpoint if it is due."""
        if not self.every or fit.progress.epoch % self.every:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        aside = self.path.with_name(f".{self.path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}")
        torch.save(fit.state_dict(), aside)
        aside.replace(self.path)

    def load(self, fit: Fit) -> None:
        """Restore from the file if there is one; weights only, nothing is unpickled.

        Raises UserError for a file that does not fit the cell.
        """
        if not self.every or not self.path.exists():
            return
        try:
            fit.load_state_dict(torch.load(self.path, weights_only=True))
        except (UnpicklingError, RuntimeError, OSError, KeyError, EOFError, ValueError) as error:
            raise UserError(
                f"a checkpoint must fit its cell; {self.path} does not ({error}); remove it"
            ) from error
