"""The sampler of objectives that use no negatives: alignment, whole-data losses."""

import torch

from negbench.protocol import Negatives, Step


class NoNegatives:
    """Draws nothing: ids [B, 0], so that false-negative rates have no row and print "-"."""

    def sample(self, step: Step) -> Negatives:
        """No negatives for any row."""
        return Negatives(step.batch.users.new_zeros((len(step.batch), 0), dtype=torch.long))
