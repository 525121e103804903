"""What popularity alone says of a pair: a score that knows no user and no item, only how often.

    b_ui = cos(e[interactions of u], e[interactions of i])

Users with as many train interactions share a vector, and so do items.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from negbench import rng
from negbench.protocol import Ids, Rows, Scores, World


class Branch(nn.Module):
    """One vector for each number of interactions, of users and of items: b_ui and nothing else."""

    user_level: Tensor
    item_level: Tensor

    def __init__(self, world: World, width: int) -> None:
        """Draw the vectors from a stream of their own."""
        super().__init__()
        generator = rng.stream(world.seed, "popularity branch")
        for side, counts in (("user", world.train.lengths), ("item", world.train.counts)):
            values, level = torch.unique(torch.tensor(counts), return_inverse=True)
            drawn = torch.randn(len(values), width, generator=generator) / width**0.5
            self.register_buffer(f"{side}_level", level, persistent=False)
            self.register_parameter(f"{side}_table", nn.Parameter(drawn))
        self.to(world.device)

    def forward(self, users: Rows, ids: Ids) -> Scores:
        """b of users [B] and items [B, N], [B, N]: each user with all levels, then picked."""
        query = F.normalize(self.get_parameter("user_table")[self.user_level[users]], dim=1)
        levels = query @ F.normalize(self.get_parameter("item_table"), dim=1).T
        return levels.gather(1, self.item_level[ids])

    def freeze(self) -> None:
        """Without a gradient an optimiser leaves the vectors where they are, momentum too."""
        for parameter in self.parameters():
            parameter.grad = None
