"""What a method may know of items in words: a vector for every item, and which of them have one."""

from collections.abc import Sequence
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
    words: tuple[str, ...] | None = None
    """The texts themselves, [I], for models that learn to read; None where vectors are all."""

    @classmethod
    def of(
        cls,
        vectors: NDArray[np.float32],
        device: torch.device | str = "cpu",
        words: Sequence[str] | None = None,
    ) -> Self:
        """From vectors of any length [I, T]; a row of zeros is an item without words."""
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        known = length[:, 0] > 0
        unit = vectors / np.where(length > 0, length, 1)
        return cls(
            torch.from_numpy(unit.astype(np.float32)).to(device),
            torch.from_numpy(known).to(device),
            None if words is None else tuple(words),
        )

    @property
    def width(self) -> int:
        """T."""
        return self.vectors.shape[1]
