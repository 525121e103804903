"""Checkpoints: a long cell that is killed goes on from its last one, bit for bit."""

import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch

from negbench.errors import UserError
from negbench.training.fit import Fit


@dataclass(frozen=True)
class Kept:
    """The checkpoint of a long cell: written aside and renamed every so many epochs."""

    path: Path
    every: int

    def save(self, fit: Fit) -> None:
        """Write one where it is due."""
        if not self.every or fit.progress.epoch % self.every:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        aside = self.path.with_name(f".{self.path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}")
        torch.save(fit.state_dict(), aside)
        aside.replace(self.path)

    def load(self, fit: Fit) -> None:
        """Go on from one where it is there; weights only, nothing is unpickled."""
        if not self.every or not self.path.exists():
            return
        try:
            fit.load_state_dict(torch.load(self.path, weights_only=True))
        except (UnpicklingError, RuntimeError, OSError, KeyError, EOFError, ValueError) as error:
            raise UserError(
                f"a checkpoint must fit its cell; {self.path} does not ({error}); remove it"
            ) from error
