"""LLPAUC: the lower-left partial AUC, as a min-max problem over the scores of points.

    min_{theta, a, b, s-} max_{gamma, s+}  -s+ - (1 / alpha) mean_i r(x_i - s+)
                                           + s- + (1 / beta) mean_j r(y_j - s-) - gamma^2
    x_i = -(f_i - a)^2 + 2 (1 + gamma) f_i,   y_j = (f_j - b)^2 + 2 (1 + gamma) f_j
    f = sigmoid(s),   r(x) = softplus(5 x) / 5

Shi, Wang, Feng, Zhang, Wang, Wu & He, "Lower-Left Partial AUC: An Effective and Efficient
Optimization Metric for Recommendation", WWW 2024 (arXiv 2403.00844). Only the alpha best scored
share of the positives and the beta best scored share of the negatives count: s+ and s- are the
scores at which they are cut. alpha = beta = 1 is the square loss of all pairs, (1 - f_i + f_j)^2
less 1, at the optimum of a (mean f_i), b (mean f_j) and gamma (mean f_j - mean f_i); a beta of
one in all n negatives leaves the hardest.

a, b and s- go down the loss, gamma and s+ up, at `dual_lr`; after each step a and b are clipped to
0..1, s- to 0..5, s+ to -1..4, gamma to max(-a, b - 1)..1. The official trainer goes up, a later
benchmark goes down in all five (`ascent=false`), which its published numbers are from: going up is
known to diverge, so report both, and neither by one seed. Differs: the official loss has
multipliers for the bounds of gamma as well, here the clipping alone. One s- cuts the draws of all
rows, so that beta is a share of them together: a user who scores everything high loses more of
them. Scores are the backbone's; a row without negatives has the loss of its positive. The five
values are logged. Cost per step: N draws and N dot products a row.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from negbench.parts import Uniform
from negbench.parts.losses.functions import over_negatives
from negbench.parts.losses.objectives import weight
from negbench.protocol import (
    AnyShape,
    Card,
    Feedback,
    Method,
    Negatives,
    Rows,
    Scores,
    Step,
    TrainContext,
    check_ranges,
)

CARD = Card(
    title="LLPAUC: lower-left partial AUC",
    family="ranking",
    authors="Wentao Shi, Chenxu Wang, Fuli Feng, Yang Zhang, Wenjie Wang, Junkang Wu and Xiangnan"
    " He",
    year=2024,
    venue="WWW",
    link="https://arxiv.org/abs/2403.00844",
    paper="Lower-Left Partial AUC: An Effective and Efficient Optimization Metric for "
    "Recommendation",
    moves=("objective",),
    provenance="specification",
    differs="Bounds are kept by clipping alone; rows are pairs with draws of their own.",
    search={
        "alpha": ("of", 0.1, 0.3, 0.5, 0.7, 0.9),
        "beta": ("of", 0.01, 0.1, 0.3),
        "ascent": ("of", True, False),
        "dual_lr": ("log", 1e-4, 1e-2),
    },
    controls={
        "llpauc(ascent=false)": "all five values go down the loss",
        "llpauc(alpha=1,beta=1)": "the square loss of all pairs",
    },
    presets={
        "released": {"alpha": 0.7, "beta": 0.01, "sharpness": 5.0, "ascent": True},
        "ir_benchmark": {
            "negatives": 1000,
            "alpha": 0.7,
            "beta": 0.01,
            "sharpness": 5.0,
            "ascent": False,
        },
    },
)
STARTS = {"a": 1.0, "b": 0.0, "s_neg": 0.5, "gamma": 0.0, "s_pos": 0.5}
ASCENDING = ("gamma", "s_pos")


@dataclass(frozen=True)
class Config:
    """The settings."""

    negatives: int = 64
    """N, 1 or more; 1000 in the later benchmark."""
    alpha: float = 0.7
    """Share of the positives that counts, above 0 up to 1; .7 released."""
    beta: float = 0.1
    """Share of the negatives that counts, above 0 up to 1; .1 or .01 released."""
    sharpness: float = 5.0
    """k of r(x) = softplus(k x) / k, above 0; 5 released. The larger, the nearer to max(0, x)."""
    ascent: bool = True
    """Whether gamma and s+ go up the loss: true as official, false as the later benchmark."""
    dual_lr: float = 0.0
    """Learning rate of the five values, 0 or more; 0 is the backbone's, twice it is official."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(
            self,
            at_least={"negatives": 1, "dual_lr": 0},
            above={"alpha": 0, "beta": 0, "sharpness": 0},
            between={"alpha": (0, 1), "beta": (0, 1)},
        )


class LowerLeftAUC:
    """The min-max loss and its five values."""

    def __init__(self, config: Config) -> None:
        """Read the settings."""
        self.config = config

    def begin(self, context: TrainContext) -> None:
        """Callback before training: the five values at their starts."""
        self.values = {
            name: nn.Parameter(torch.tensor(start, device=context.device))
            for name, start in STARTS.items()
        }

    def minimised(self) -> Iterable[nn.Parameter]:
        """a, b and s-; without ascent gamma and s+ too."""
        return [
            value
            for name, value in self.values.items()
            if name not in ASCENDING or not self.config.ascent
        ]

    def maximised(self) -> Iterable[nn.Parameter]:
        """gamma and s+; nothing without ascent."""
        return [self.values[name] for name in ASCENDING] if self.config.ascent else []

    def own_lr(self) -> float | None:
        """The learning rate of the five values, None for the backbone's."""
        return self.config.dual_lr or None

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B]."""
        del step
        a, b, cut_neg, gamma, cut_pos = (self.values[name] for name in STARTS)
        f_pos, f_neg = torch.sigmoid(s_pos), torch.sigmoid(s_neg)
        x = 2 * (1 + gamma) * f_pos - (f_pos - a).square()
        y = 2 * (1 + gamma) * f_neg + (f_neg - b).square()
        above = over_negatives(self.surrogate(y - cut_neg), weight(negatives), negatives.mask)
        liked = cut_pos + self.surrogate(x - cut_pos) / self.config.alpha
        return cut_neg + above / self.config.beta - liked - gamma.square()

    def surrogate(self, x: AnyShape) -> AnyShape:
        """r(x): a smooth max(0, x)."""
        return F.softplus(x, beta=self.config.sharpness)

    @torch.no_grad()
    def observe(self, feedback: Feedback) -> None:
        """Callback after each step: clip the values to their bounds."""
        del feedback
        v = self.values
        for name, low, high in (("a", 0, 1), ("b", 0, 1), ("s_neg", 0, 5), ("s_pos", -1, 4)):
            v[name].clamp_(low, high)
        v["gamma"].copy_(torch.maximum(v["gamma"], torch.maximum(-v["a"], v["b"] - 1)).clamp(max=1))

    def epoch_metrics(self) -> dict[str, float]:
        """The five values at the end of the epoch."""
        return {f"auc_{name}": float(value.detach()) for name, value in self.values.items()}

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the five values."""
        return {name: value.detach() for name, value in self.values.items()}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        for name, value in self.values.items():
            value.copy_(state[name])


def build(config: Config) -> Method:
    """Uniform draws with this loss."""
    return Method(sampler=Uniform(config.negatives), objective=LowerLeftAUC(config))
