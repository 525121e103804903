"""Negatives by the logarithm of their popularity, between `random` and `popularity`.

    q(j | u) ~ log(2 + count_j)   for j not in P_u

An example, not from a paper. Cost per step: N draws from an alias table and N dot products a row.

    negbench run --plugin examples/own_method.py -d goodbooks -m random,popularity,own_method
"""

from dataclasses import dataclass

from negbench.parts import BPR
from negbench.parts.sampling.proposals import WeightedProposal, sample_outside
from negbench.protocol import Card, Method, Negatives, Step, TrainContext

CARD = Card(title="Log-popularity", family="static", moves=("sampler",), provenance="ours")


@dataclass(frozen=True)
class Config:
    """The settings; each can be typed, as in own_method(negatives=4)."""

    negatives: int = 1
    """N, 1 or more."""


class LogPopularity:
    """A sampler: N items for each row, outside the items that its user must not get."""

    def __init__(self, negatives: int) -> None:
        """Sample this many for each row."""
        self.negatives = negatives

    def begin(self, context: TrainContext) -> None:
        """Callback before training: build the alias table from the train counts [I]."""
        self.proposal = WeightedProposal.of((2 + context.counts).log())
        self.log_allowed = self.proposal.log_allowed(context.excluded)

    def sample(self, step: Step) -> Negatives:
        """Item ids [B, N], each with its log probability given the exclusion."""
        users, excluded = step.batch.users, step.context.excluded
        ids, mask = sample_outside(self.proposal, excluded, users, self.negatives, step.generator)
        logq = self.proposal.log_p[ids] - self.log_allowed[users].unsqueeze(1)
        return Negatives(ids, logq=logq, mask=mask)


def build(config: Config) -> Method:
    """Log-popular negatives under BPR."""
    return Method(sampler=LogPopularity(config.negatives), objective=BPR())
