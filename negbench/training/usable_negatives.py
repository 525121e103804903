"""Rows that have no usable negative: they are compared with nothing, so they teach nothing.

A batch of one has no in-batch negative, and a user with every item has none at all. The loss of
such a row is a constant, which looks like a training that went well; so they are counted.
"""

import torch

from negbench.protocol.step import Negatives


class UnusableRows:
    """Counts the rows of an epoch whose every negative is masked.

    The count stays on the device: a GPU that were asked in every step would wait in every step.
    """

    def __init__(self, device: torch.device) -> None:
        """Nothing is counted yet."""
        self.count = torch.zeros((), dtype=torch.long, device=device)

    def add(self, used: Negatives, rows: int) -> None:
        """Count the rows of one step, whose mask is [B, N] or [B, K]."""
        if used.mask is not None and used.n:
            # The greatest byte: torch's `any` along rows of a wide mask takes ten times as long.
            self.count += rows - used.mask.view(torch.uint8).amax(1).sum()

    def take(self) -> int:
        """The count of the epoch; the next one starts at 0."""
        number = int(self.count)
        self.count.zero_()
        return number
