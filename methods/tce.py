"""Truncated cross-entropy: drops the rows whose positives fit worst, as likely noise.

    keep the (1 - d(e)) B rows with the least -log sigma(s_i),   L = mean over the kept rows
    d(e) = drop^exponent (e - 1) / ramp in the first `ramp` epochs, then drop

T-CE, of the denoising paper (WSDM 2021). Interactions by accident are learnt late, so pairs with a
large loss are left out, more of them as the model gets to know the data. The order of the rows is
that of their positives' scores, whatever the loss is, so this stage works with any sampler and any
objective; alone it has BCE. `drop=0` is BCE.

In the released code positives and negatives are rows of their own and a dropped positive leaves its
negatives in; here both go with the row. The share is of the positives, and it rises by epochs where
the code counts steps, 30,000 of 1,024 rows until its share of .2 (`preset=released`, whose `ramp`
stays that of the data); with `exponent` other than 1 it jumps at the end, as the code's does. Cost
per step: one dot product a row and a sort of B numbers, beside the negatives of `random`.
"""

from dataclasses import dataclass, replace

import torch

from negbench.parts import BCE, Uniform
from negbench.protocol import Card, Method, Negatives, Phase, Rows, Step, check_ranges

CARD = Card(
    title="T-CE: truncated cross-entropy",
    family="denoising",
    authors="Wenjie Wang, Fuli Feng, Xiangnan He, Liqiang Nie and Tat-Seng Chua",
    year=2021,
    venue="WSDM",
    link="https://arxiv.org/abs/2006.04153",
    paper="Denoising Implicit Feedback for Recommendation",
    moves=("stages",),
    provenance="specification",
    differs="A dropped positive takes its negatives along; the share rises by epochs, not steps.",
    presets={"released": {"drop": 0.2, "exponent": 1.0, "negatives": 1}},
    search={"drop": ("float", 0.02, 0.4), "ramp": ("of", 0, 5, 10, 20)},
    controls={"tce(drop=0)": "BCE with no row dropped: what the truncation adds"},
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    drop: float = 0.1
    """Share of the rows that is dropped in the end, 0 to .9; .2 released."""
    ramp: int = 10
    """Epochs until then, 0 or more."""
    exponent: float = 1.0
    """The ramp goes up to drop^exponent, above 0; 1 ends it without a jump."""
    negatives: int = 1
    """N, 1 or more, of the method alone."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(
            self,
            at_least={"ramp": 0, "negatives": 1},
            above={"exponent": 0},
            between={"drop": (0, 0.9)},
        )

    def share(self, epoch: int) -> float:
        """d(e), the share that is dropped in `epoch`, counted from 1."""
        if epoch > self.ramp:
            return self.drop
        return float(self.drop**self.exponent) * (epoch - 1) / self.ramp


@dataclass(frozen=True)
class Truncate:
    """A stage that gives weight 0 to the rows with the lowest-scored positives."""

    config: Config

    def own_phase(self) -> Phase | None:
        """The truncation at its full share; None where nothing is dropped."""
        return Phase("full truncation", self.config.ramp + 1) if self.config.drop else None

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """Row weights: 0 for the dropped, B / kept for the others, whose mean the loss is then."""
        b = len(step.batch)
        kept = b - int(self.config.share(step.epoch) * b)
        if kept == b:
            return negatives
        weight = weights_of_best(positive_scores(step), kept)
        if negatives.row_weight is not None:
            weight = weight * negatives.row_weight
        return replace(negatives, row_weight=weight)


@torch.no_grad()
def positive_scores(step: Step) -> Rows:
    """The scores of the rows' positives, detached, [B]."""
    return step.view.score_pair(step.view.positive)


def weights_of_best(scores: Rows, kept: int) -> Rows:
    """B / kept for the `kept` highest of scores [B], 0 for the rest; earlier rows win ties."""
    best = scores.argsort(descending=True, stable=True)[:kept]
    return torch.zeros_like(scores).index_fill_(0, best, len(scores) / kept)


def build(config: Config) -> Method:
    """Uniform draws, the truncation and BCE."""
    return Method(Uniform(config.negatives), BCE(), (Truncate(config),))
