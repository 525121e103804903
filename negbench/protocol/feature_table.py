"""Features of users or items as tensors: codes in bags, and numbers standardised on train ids."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from negbench.data.features import Categorical, Features, Numeric
from negbench.data.interactions import Csr
from negbench.ops.axes import AnyShape, Rows


@dataclass(frozen=True, eq=False)
class CodeBags:
    """The codes of a categorical column, id after id, as `torch.nn.functional.embedding_bag` reads.

    `codes` int64 [m], each below `size`; id r has those from `offsets[r]` to `offsets[r + 1]`.
    """

    codes: Tensor
    offsets: Tensor
    size: int

    def of(self, ids: Rows) -> "CodeBags":
        """The codes of ids [n] alone, in their order."""
        starts, ends = self.offsets[ids], self.offsets[ids + 1]
        offsets = F.pad((ends - starts).cumsum(0), (1, 0))
        within = torch.arange(int(offsets[-1]), device=ids.device)
        places = within + (starts - offsets[:-1]).repeat_interleave(ends - starts)
        return CodeBags(self.codes[places], offsets, self.size)


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """The columns of n users or items; `numeric` [n, F] is float, 0 where a value is missing.

    Only train ids, those with a train pair, tell what is known: a number is standardised by their
    mean and standard deviation, and a value that none of them has is missing, as an embedding of it
    would never be trained. A column of one number among them is 0 throughout.
    """

    categorical: tuple[CodeBags, ...]
    numeric: AnyShape

    @classmethod
    def of(
        cls,
        features: Features,
        trained: NDArray[np.bool_],
        device: torch.device | str = "cpu",
    ) -> Self:
        """From columns, and which ids have a train pair, [n]."""
        numbers = [_standardised(each, trained) for each in features.numeric]
        table = np.stack(numbers, 1) if numbers else np.zeros((len(features), 0))
        return cls(
            tuple(_bags(each, trained, device) for each in features.categorical),
            torch.from_numpy(table.astype(np.float32)).to(device),
        )


def _standardised(column: Numeric, trained: NDArray[np.bool_]) -> NDArray[np.float64]:
    values = column.values
    known = values[trained & ~np.isnan(values)]
    if not len(known) or known.min() == known.max():
        return np.zeros(len(values))
    standard: NDArray[np.float64] = (values - known.mean()) / known.std()
    return np.where(np.isnan(standard), 0.0, standard)


def _bags(column: Categorical, trained: NDArray[np.bool_], device: torch.device | str) -> CodeBags:
    codes = column.codes
    known = np.zeros(codes.n_columns, bool)
    known[codes.indices[trained[codes.rows]]] = True
    kept = known[codes.indices]
    size = {"n_rows": codes.n_rows, "n_columns": codes.n_columns}
    bags = Csr.of(codes.rows[kept], codes.indices[kept], **size)
    return CodeBags(
        torch.from_numpy(bags.indices.astype(np.int64)).to(device),
        torch.from_numpy(bags.indptr.copy()).to(device),
        codes.n_columns,
    )
