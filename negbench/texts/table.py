"""What a method may know of items in words: a vector for every item, and which of them have one."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, eq=False)
class TextTable:
    """Vectors [I, T] of length 1, zeros where nothing is known; `known` [I] says where it is."""

    vectors: Tensor
    known: Tensor

    @classmethod
    def of(cls, vectors: NDArray[np.float32], device: torch.device | str = "cpu") -> Self:
        """From vectors of any length [I, T]; a row of zeros is an item without words."""
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        known = length[:, 0] > 0
        unit = vectors / np.where(length > 0, length, 1)
        return cls(
            torch.from_numpy(unit.astype(np.float32)).to(device),
            torch.from_numpy(known).to(device),
        )

    @property
    def width(self) -> int:
        """T."""
        return self.vectors.shape[1]
