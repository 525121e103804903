"""Popularity-weighted negatives: items met often in the train part are drawn often.

    q(j | u) ~ (count_j + smoothing)^exponent   for j not in P_u

Mikolov, Sutskever, Chen, Corrado & Dean, "Distributed Representations of Words and Phrases and
their Compositionality", NIPS 2013 (arXiv 1310.4546), with exponent 0.75 for words. Exponent 0 is
`random`, 1 the unigram distribution, below 0 inverse popularity. An item of count 0 without
smoothing has weight 0 (and 1 under exponent 0): it is never a negative, so nothing ever pushes its
score down; smoothing 1 gives every item a chance. Cost per step: N draws from an alias table, O(1)
each, and N dot products a row.
"""

from dataclasses import dataclass

from torch import Tensor

from negbench.parts import BPR
from negbench.parts.sampling.proposals import WeightedProposal, for_batch
from negbench.protocol import Card, Method, Negatives, Step, TrainContext

CARD = Card(
    title="Popularity-weighted negatives",
    family="static",
    authors="Mikolov, Sutskever, Chen, Corrado and Dean",
    year=2013,
    venue="NIPS",
    link="https://arxiv.org/abs/1310.4546",
    moves=("sampler",),
    provenance="specification",
    differs="Excludes the user's positives; counts are smoothed by 1, so cold items can be drawn.",
    search={"exponent": ("float", 0.0, 1.0), "negatives": ("of", 1, 4, 16, 64)},
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    exponent: float = 0.75
    """-2 to 2; 0.75 in the paper."""
    smoothing: float = 1.0
    """Added to every count, 0 or more; 0 in the paper."""
    negatives: int = 1
    """N, 1 or more; 5 to 20 in the paper, 1 here as in `random`."""

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        if not -2 <= self.exponent <= 2:
            raise ValueError(f"`exponent` must be from -2 to 2; got {self.exponent}")
        if not 0 <= self.smoothing < float("inf"):
            raise ValueError(f"`smoothing` must be 0 or more; got {self.smoothing}")
        if self.negatives < 1:
            raise ValueError(f"`negatives` must be at least 1; got {self.negatives}")


class Popular:
    """N items for each row by smoothed train counts, outside its user's exclusion."""

    def __init__(self, config: Config) -> None:
        """Draw as the settings say."""
        self.config = config

    def begin(self, context: TrainContext) -> None:
        """Build the alias table and each user's log probability of an allowed draw."""
        self.items = WeightedProposal.of(weights(context.counts, self.config))
        self.log_p = self.items.log_p
        self.log_allowed = self.items.log_allowed(context.excluded)

    def sample(self, step: Step) -> Negatives:
        """ids [B, N], logq = log p_j - log p(allowed to u)."""
        batch, n = step.batch, self.config.negatives
        ids, mask = for_batch(self.items, step.context.excluded, batch, n, step.generator)
        logq = self.log_p[ids] - self.log_allowed[batch.users].unsqueeze(1)
        if mask is not None:
            logq = logq.masked_fill(~mask, 0.0)
        return Negatives(ids, logq=logq, mask=mask)


def weights(counts: Tensor, config: Config) -> Tensor:
    """(count + smoothing)^exponent, [I]; 0 where the base is 0, unless the exponent is 0."""
    base = counts.double() + config.smoothing
    powers = base.pow(config.exponent)
    return powers if config.exponent == 0 else powers.where(base > 0, 0.0)


def build(config: Config) -> Method:
    """Popularity-weighted draws under BPR."""
    return Method(sampler=Popular(config), objective=BPR())
