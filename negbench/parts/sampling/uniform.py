"""The uniform negative sampler."""

import torch

from negbench.parts.sampling.proposals import Prefetch, UniformProposal
from negbench.protocol import FixedProposal, Negatives, Step, TrainContext


class Uniform:
    """N items for each row, uniform over those that its user's exclusion leaves."""

    def __init__(self, negatives: int = 1) -> None:
        """Draw `negatives` items for each row."""
        self.negatives = negatives

    def begin(self, context: TrainContext) -> None:
        """Callback before training: the proposal, and each user's log probability of an item."""
        items = UniformProposal(context.n_items, context.device)
        self.prefetch = Prefetch(items, self.negatives)
        self.logq, self.items = items.logq(context.excluded), items

    def sample(self, step: Step) -> Negatives:
        """ids [B, N], logq = -log(I - |excluded of u|)."""
        ids, mask = self.prefetch.sample(step.context.excluded, step.batch, step.generator)
        logq = self.logq.index_select(0, step.batch.users).unsqueeze(1).expand_as(ids)
        return Negatives(ids, logq=logq, mask=mask)

    def fixed_proposal(self) -> FixedProposal:
        """1 / I for each item, redrawn where excluded."""
        n, device = self.items.n_items, self.items.device
        return FixedProposal(torch.full((n,), 1 / n, dtype=torch.float64, device=device), True)
