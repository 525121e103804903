"""Vectors of the item texts, and which items have a text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from negbench.ops.axes import ItemValues, ItemVectors


@dataclass(frozen=True, eq=False)
class TextTable:
    """Unit vectors [I, T] of the item texts, zeros where there is none; `known` [I] is a mask."""

    vectors: ItemVectors
    known: ItemValues
    words: tuple[str, ...] | None = None
    """The texts themselves, [I], for language models; None where only vectors are given."""

    @classmethod
    def of(
        cls,
        vectors: NDArray[np.float32],
        device: torch.device | str = "cpu",
        words: Sequence[str] | None = None,
    ) -> Self:
        """From vectors of any length [I, T]; a row of zeros is an item without text."""
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
