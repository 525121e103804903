"""Precomputed text vectors: a `.npy` file with a row for each item in the data set's order."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from negbench.errors import DataError
from negbench.ops.file_stamp import Stamp, stamp


@dataclass(frozen=True)
class PrecomputedVectors:
    """A file of vectors [I, T]; a row of zeros is an item without text."""

    path: Path

    @property
    def identity(self) -> str:
        """A hash of the file's content; its path does not matter."""
        return f"npy-{_content(self.path, stamp(self.path))}"

    def read(self, n_items: int) -> NDArray[np.float32]:
        """The vectors [I, T].

        Raises DataError if the file does not hold finite numbers of this many items.
        """
        rule = f"a table of text vectors must be numbers [{n_items}, T]"
        try:
            stored = np.load(self.path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise DataError(f"{rule}; {self.path} cannot be read ({error})") from None
        if stored.ndim != 2 or len(stored) != n_items or stored.dtype.kind not in "fiu":
            raise DataError(
                f"{rule}, a row for each item in the order of the ids that a run's folder keeps; "
                f"{self.path} holds {list(stored.shape)} {stored.dtype}"
            )
        if not np.isfinite(stored).all():
            raise DataError(f"{rule} without NaN; {self.path} has some; write zeros for no text")
        vectors: NDArray[np.float32] = stored.astype(np.float32)
        return vectors


@lru_cache
def _content(path: Path, version: Stamp) -> str:
    del version
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
