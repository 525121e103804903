"""Sources that several methods share."""

from negbench.parts.sampling.proposals import UniformProposal, for_batch
from negbench.protocol import Negatives, Step, TrainContext


class Uniform:
    """N items for each row, uniform over those that its user's exclusion leaves."""

    def __init__(self, negatives: int = 1) -> None:
        """Draw this many for each row."""
        self.negatives = negatives

    def begin(self, context: TrainContext) -> None:
        """Know the catalogue and each user's log probability of an allowed item."""
        self.items = UniformProposal(context.n_items, context.device)
        self.logq = self.items.logq(context.excluded)

    def sample(self, step: Step) -> Negatives:
        """ids [B, N], logq = -log(I - |excluded of u|)."""
        batch, n = step.batch, self.negatives
        ids, mask = for_batch(self.items, step.context.excluded, batch, n, step.generator)
        logq = self.logq.index_select(0, batch.users).unsqueeze(1).expand_as(ids)
        return Negatives(ids, logq=logq, mask=mask)
