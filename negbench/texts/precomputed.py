"""Vectors that the user made: a `.npy` file, a row for each item in the data set's order."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from negbench.errors import DataError


@dataclass(frozen=True)
class Given:
    """A table of numbers [I, T]; a row of zeros is an item without words."""

    path: Path

    @property
    def identity(self) -> str:
        """By what the file holds, not by where it lies."""
        return f"npy-{_content(self.path)}"

    def read(self, n_items: int) -> NDArray[np.float32]:
        """The table; a DataError where it is not one of this many items."""
        rule = f"a table of text vectors must be numbers [{n_items}, T]"
        try:
            found = np.load(self.path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise DataError(f"{rule}; {self.path} cannot be read ({error})") from None
        if found.ndim != 2 or len(found) != n_items or found.dtype.kind not in "fiu":
            raise DataError(
                f"{rule}, a row for each item in the order of the ids that a run's folder keeps; "
                f"{self.path} holds {list(found.shape)} {found.dtype}"
            )
        if not np.isfinite(found).all():
            raise DataError(f"{rule} without NaN; {self.path} has some; write zeros for no text")
        table: NDArray[np.float32] = found.astype(np.float32)
        return table


@lru_cache
def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
