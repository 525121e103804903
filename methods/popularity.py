"""Popularity-weighted negatives: items are drawn by their smoothed train counts.

    q(j | u) ~ (count_j + smoothing)^exponent   for j not in P_u

Mikolov, Sutskever, Chen, Corrado & Dean, "Distributed Representations of Words and Phrases and
their Compositionality", NIPS 2013 (arXiv 1310.4546), with exponent 0.75 for words. Exponent 0 is
`random`, 1 the unigram distribution, below 0 inverse popularity. An item of count 0 without
smoothing has weight 0 (and 1 under exponent 0): it is never a negative, so nothing ever pushes its
score down; smoothing 1 gives every item a chance. `shared=sequence` gives all positions of a
history the same draws, as a study of sequential models does (arXiv 2410.17276, there PNS, with
`--objective bce`); `preset=apple` has its numbers for Beauty. Cost per step: N draws from an alias
table, O(1) each, and N dot products a row.
"""

from dataclasses import dataclass

from negbench.parts import BPR
from negbench.parts.sampling.per_sequence import Shared, shared_by
from negbench.parts.sampling.proposals import Prefetch, WeightedProposal
from negbench.protocol import (
    Card,
    FixedProposal,
    ItemValues,
    Method,
    Negatives,
    Step,
    TrainContext,
    check_ranges,
)

CARD = Card(
    title="Popularity-weighted negatives",
    family="static",
    authors="Tomas Mikolov, Ilya Sutskever, Kai Chen, Greg S. Corrado and Jeff Dean",
    year=2013,
    venue="NIPS",
    link="https://arxiv.org/abs/1310.4546",
    paper="Distributed Representations of Words and Phrases and their Compositionality",
    moves=("sampler",),
    provenance="specification",
    differs="Excludes the user's positives; counts are smoothed by 1, so cold items can be drawn.",
    search={"exponent": ("float", 0.0, 1.0), "negatives": ("of", 1, 4, 16, 64)},
    presets={
        "apple": {"exponent": 1.0, "smoothing": 0.0, "negatives": 5, "shared": "sequence"},
    },
    later=("shared",),
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
    shared: Shared = "row"
    """Draws of each row's own, or the same for all positions of a sequence."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"negatives": 1}, between={"exponent": (-2, 2)})
        if not 0 <= self.smoothing < float("inf"):
            raise ValueError(f"`smoothing` must be 0 or more; got {self.smoothing}")


class Popular:
    """N items for each row by smoothed train counts, outside its user's exclusion."""

    def __init__(self, config: Config) -> None:
        """The alias table is built in `begin`."""
        self.config = config

    def begin(self, context: TrainContext) -> None:
        """Callback before training: alias table, and log p(allowed to u) of each user."""
        items = WeightedProposal.of(weights(context.counts, self.config))
        self.prefetch = Prefetch(items, self.config.negatives)
        self.log_p, self.log_allowed = items.log_p, items.log_allowed(context.excluded)
        self.p = items.p

    def sample(self, step: Step) -> Negatives:
        """ids [B, N], logq = log p_j - log p(allowed to u)."""
        ids, mask = self.prefetch.sample(step.context.excluded, step.batch, step.generator)
        logq = self.log_p[ids] - self.log_allowed[step.batch.users].unsqueeze(1)
        if mask is not None:
            logq = logq.masked_fill(~mask, 0.0)
        return Negatives(ids, logq=logq, mask=mask)

    def fixed_proposal(self) -> FixedProposal:
        """The smoothed counts, redrawn where excluded."""
        return FixedProposal(self.p, redraws=True)


def weights(counts: ItemValues, config: Config) -> ItemValues:
    """Weights (count + smoothing)^exponent, [I]; 0 where the base is 0 and the exponent is not."""
    base = counts.double() + config.smoothing
    powers = base.pow(config.exponent)
    return powers if config.exponent == 0 else powers.where(base > 0, 0.0)


def build(config: Config) -> Method:
    """Popularity-weighted draws with BPR."""
    return Method(sampler=shared_by(config.shared, Popular(config)), objective=BPR())
