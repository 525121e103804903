"""Columns of users or items as one vector an id: mean embeddings of codes, and the numbers."""

import torch
import torch.nn.functional as F
from torch import nn

from negbench.ops.axes import AnyShape, Rows
from negbench.protocol.feature_table import FeatureTable


class FeatureColumns(nn.Module):
    """The columns side by side, [n, width]: a categorical column is the mean of its codes' vectors.

    An id without a value in a column has zeros there.
    """

    numeric: AnyShape

    def __init__(self, table: FeatureTable, width: int) -> None:
        """Empty embeddings of `width` for each categorical column; `initialise` fills them."""
        super().__init__()
        bags = table.categorical
        self.embeddings = nn.ParameterList(torch.empty(bag.size, width) for bag in bags)
        self.width = width * len(bags) + table.numeric.shape[1]
        self.bags, self.numeric = bags, table.numeric

    def forward(self, ids: Rows | None = None) -> AnyShape:
        """Of all ids, or of ids [n]: [n, width]."""
        numeric = self.numeric if ids is None else self.numeric.index_select(0, ids)
        bags = self.bags if ids is None else [bag.of(ids) for bag in self.bags]
        means = [
            F.embedding_bag(
                bag.codes, embedding, bag.offsets, mode="mean", include_last_offset=True
            )
            for bag, embedding in zip(bags, self.embeddings, strict=True)
        ]
        return torch.cat([*means, numeric], 1)
