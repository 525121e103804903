"""Non-negative PU risk: negatives are unlabelled, and the positives among them are taken off.

    L = w softplus(-s_i) + max(0, mean_j softplus(s_j) - pi softplus(s_i)),   w = pi

Kiryo, Niu, du Plessis & Sugiyama, "Positive-Unlabeled Learning with Non-Negative Risk Estimator",
NeurIPS 2017. A drawn item is a positive with probability pi, so that the mean over draws holds pi
times the loss of positives taken for negatives, which is subtracted. A model that fits its
positives well makes the difference negative, which no risk is: there it counts 0 and has no
gradient, instead of raising s_i without end.

The risk is the batch's, so the max is over its mean (`scope=batch`); `scope=row` takes it for each
row, which is biased more. `balanced=true` (ours) puts w = 1, as 1:1 losses of recommenders have it:
then pi = 0 is BCE. The paper's step up the loss below a tolerance is left out. A draw should follow
the marginal law of items, positives included: under the suite's exclusion of train items pi is the
share of unseen positives alone. A row without negatives has the loss of its positive. The share of
steps, or rows, that are cut is logged. Cost per step: N draws and N dot products a row.
"""

from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F

from negbench.ops.epoch_means import EpochMeans
from negbench.parts import Uniform
from negbench.parts.losses.functions import count_unmasked, over_negatives
from negbench.parts.losses.objectives import weight
from negbench.protocol import Card, Method, Negatives, Rows, Scores, Step, check_ranges

CARD = Card(
    title="nnPU: non-negative risk of positives and unlabelled items",
    family="denoising",
    authors="Ryuichi Kiryo, Gang Niu, Marthinus C. du Plessis and Masashi Sugiyama",
    year=2017,
    venue="NeurIPS",
    link="https://arxiv.org/abs/1703.00593",
    paper="Positive-Unlabeled Learning with Non-Negative Risk Estimator",
    moves=("objective",),
    provenance="specification",
    differs="A negative risk is cut at 0 and not stepped up from; positives weigh 1, not pi, by "
    "default.",
    search={"prior": ("log", 1e-3, 0.5), "negatives": ("of", 1, 4, 16)},
    controls={"nnpu(prior=0)": "BCE: no share of positives is taken off"},
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    negatives: int = 4
    """N, 1 or more."""
    prior: float = 0.05
    """pi, 0 to 1: the share of positives among the draws."""
    balanced: bool = True
    """Whether a positive weighs 1, as in BCE, instead of pi; ours."""
    scope: Literal["batch", "row"] = "batch"
    """Where the risk of negatives is kept from going below 0: over a batch, or each row."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"negatives": 1}, between={"prior": (0, 1)})
        if not self.prior and not self.balanced:
            raise ValueError(
                f"`prior` must be above 0 where balanced=false, or positives count nothing; got "
                f"{self.prior}"
            )


class NonNegativeRisk:
    """The non-negative PU risk."""

    def __init__(self, config: Config) -> None:
        """Read the settings."""
        self.config, self.averages = config, EpochMeans()

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B]."""
        del step
        config = self.config
        drawn = over_negatives(F.softplus(s_neg), weight(negatives), negatives.mask)
        risk = drawn - config.prior * F.softplus(s_pos)
        # A row without negatives estimates no risk.
        risk = risk * (count_unmasked(s_neg, negatives.mask) > 0)
        level = risk.detach() if config.scope == "row" else risk.detach().mean()
        self.averages.add("cut", (level < 0).double())
        own = F.softplus(-s_pos)
        return (own if config.balanced else config.prior * own) + risk * (level >= 0)

    def epoch_metrics(self) -> dict[str, float]:
        """The share of steps or rows whose risk of negatives was below 0."""
        return dict(self.averages.epoch_metrics())


def build(config: Config) -> Method:
    """Uniform draws with this loss."""
    return Method(sampler=Uniform(config.negatives), objective=NonNegativeRisk(config))
