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

a, b and s- go down the loss, gamma and s+ up: a and b at `dual_lr`, the others at `pace` times it,
twice in all released code. After each step a and b are clipped to 0..1, s- to 0..5, s+ to -1..4,
gamma to max(-a, b - 1)..1. The official trainer goes up, a later benchmark goes down in all five
(`ascent=false`), which its published numbers are from: going up is known to diverge, so report
both, and neither by one seed. Going down, s+ runs to a bound, for the loss is concave in it: to -1,
where all positives count, or to 4, where none does, and `pace` can decide which. The numbers of
that benchmark come out with cosines (docs/reproductions.md), where f lies within .27 to .73.

`multipliers` adds theta_a (a + gamma) + theta_b (gamma + 1 - b) to the loss, whose thetas go down
at a's rate. In that benchmark they are free (`true`): gamma is clipped to where both factors are at
least 0, so they fall without end and draw a and gamma to 1 and b to 0. The official ones are held
at 0 or more and soon are 0: here none.

Differs: one clip after a step. One s- cuts the draws of all rows, so that beta is a share of them
together: a user who scores everything high loses more of them. Scores are the backbone's; a row
without negatives has the loss of its positive. The values are logged. Cost per step: N draws and N
dot products a row.
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
    differs="No multipliers of gamma's bounds by default; rows are pairs with draws of their own.",
    search={
        "alpha": ("of", 0.1, 0.3, 0.5, 0.7, 0.9),
        "beta": ("of", 0.01, 0.1, 0.3),
        "ascent": ("of", True, False),
        "dual_lr": ("log", 1e-4, 1e-2),
    },
    controls={
        "llpauc(ascent=false)": "all values go down the loss",
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
            "multipliers": True,
        },
    },
)
STARTS = {"a": 1.0, "b": 0.0, "s_neg": 0.5, "gamma": 0.0, "s_pos": 0.5}
ASCENDING = ("gamma", "s_pos")
PACED = ("s_neg", "gamma", "s_pos")
MULTIPLIERS = {"theta_a": 0.5, "theta_b": 0.5}


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
    """Learning rate of a and b, 0 or more; 0 is the backbone's."""
    pace: float = 2.0
    """Adam's rate of s+, s- and gamma over that of a and b, above 0; 2 released."""
    multipliers: bool = False
    """Whether the bounds of gamma have free multipliers, as in the later benchmark."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(
            self,
            at_least={"negatives": 1, "dual_lr": 0},
            above={"alpha": 0, "beta": 0, "sharpness": 0, "pace": 0},
            between={"alpha": (0, 1), "beta": (0, 1)},
        )


class LowerLeftAUC:
    """The min-max loss and its five values."""

    def __init__(self, config: Config) -> None:
        """Read the settings."""
        self.config = config

    def begin(self, context: TrainContext) -> None:
        """Callback before training: all values at their starts."""
        starts = STARTS | (MULTIPLIERS if self.config.multipliers else {})
        self.stored = {
            name: nn.Parameter(torch.tensor(start / self._unit(name), device=context.device))
            for name, start in starts.items()
        }

    @property
    def values(self) -> dict[str, Rows]:
        """Each value, a scalar that the loss reads."""
        return {name: stored * self._unit(name) for name, stored in self.stored.items()}

    def _unit(self, name: str) -> float:
        # Adam's steps do not change with the unit of a parameter: in units of two it goes twice
        # as far.
        return self.config.pace if name in PACED else 1.0

    def minimised(self) -> Iterable[nn.Parameter]:
        """a, b, s- and the multipliers; without ascent gamma and s+ too."""
        return [
            stored
            for name, stored in self.stored.items()
            if name not in ASCENDING or not self.config.ascent
        ]

    def maximised(self) -> Iterable[nn.Parameter]:
        """gamma and s+; nothing without ascent."""
        return [self.stored[name] for name in ASCENDING] if self.config.ascent else []

    def own_lr(self) -> float | None:
        """The learning rate of a and b, None for the backbone's."""
        return self.config.dual_lr or None

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B]."""
        del step
        values = self.values
        a, b, cut_neg, gamma, cut_pos = (values[name] for name in STARTS)
        f_pos, f_neg = torch.sigmoid(s_pos), torch.sigmoid(s_neg)
        x = 2 * (1 + gamma) * f_pos - (f_pos - a).square()
        y = 2 * (1 + gamma) * f_neg + (f_neg - b).square()
        above = over_negatives(self.surrogate(y - cut_neg), weight(negatives), negatives.mask)
        liked = cut_pos + self.surrogate(x - cut_pos) / self.config.alpha
        loss: Rows = cut_neg + above / self.config.beta - liked - gamma.square()
        if self.config.multipliers:
            bounds = values["theta_a"] * (a + gamma) + values["theta_b"] * (gamma + 1 - b)
            loss = loss + bounds
        return loss

    def surrogate(self, x: AnyShape) -> AnyShape:
        """r(x): a smooth max(0, x)."""
        return F.softplus(x, beta=self.config.sharpness)

    @torch.no_grad()
    def observe(self, feedback: Feedback) -> None:
        """Callback after each step: clip the values to their bounds."""
        del feedback
        for name, low, high in (("a", 0, 1), ("b", 0, 1), ("s_neg", 0, 5), ("s_pos", -1, 4)):
            self.stored[name].clamp_(low / self._unit(name), high / self._unit(name))
        least = torch.maximum(-self.stored["a"], self.stored["b"] - 1)
        gamma, unit = self.stored["gamma"], self._unit("gamma")
        gamma.copy_(torch.maximum(gamma, least / unit).clamp(max=1 / unit))

    def epoch_metrics(self) -> dict[str, float]:
        """The values at the end of the epoch."""
        return {f"auc_{name}": float(value.detach()) for name, value in self.values.items()}

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the values as they are stored."""
        return {name: stored.detach() for name, stored in self.stored.items()}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        for name, stored in self.stored.items():
            stored.copy_(state[name])


def build(config: Config) -> Method:
    """Uniform draws with this loss."""
    return Method(sampler=Uniform(config.negatives), objective=LowerLeftAUC(config))
