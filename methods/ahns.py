"""Adaptive hardness: the candidate nearest to a target that falls as the positive's score rises.

    j = argmin_{j in C} |s_j - beta (s_i + alpha)^{p + 1}|,   p < -1,   C = M uniform draws

Lai et al., "Adaptive Hardness Negative Sampling for Collaborative Filtering", AAAI 2024. A positive
that is still scored low gets hard negatives, one that is scored high gets easy ones. One candidate
is `random`; beta to infinity is `dns`, to minus infinity the easiest candidate; p = -1 makes the
target a constant.

The target has a pole at s_i = -alpha, and below it another sign (p = -2): early in training, with
scores about 0, it leaps from plus to minus infinity between rows that hardly differ, which get the
hardest and the easiest candidate. That is the released form, and the default. `floor` above 0 cuts
s_i + alpha from below instead (ours): then a row under the pole gets hard negatives, as the idea
has it. `ahns_below` logs the share of rows with s_i + alpha at or below the floor. With a p that is
no whole number the power of a negative number is none, so `floor` must be above 0 there. Cost per
step: M + 1 dot products a row.
"""

from dataclasses import dataclass

import torch

from negbench.ops.epoch_means import EpochMeans
from negbench.parts import BPR, Uniform
from negbench.protocol import Card, Method, Negatives, Rows, Step, check_ranges

CARD = Card(
    title="Adaptive hardness negative sampling",
    family="dynamic",
    authors="Riwei Lai, Rui Chen, Qilong Han, Chi Zhang and Li Chen",
    year=2024,
    venue="AAAI",
    link="https://arxiv.org/abs/2401.05191",
    paper="Adaptive Hardness Negative Sampling for Collaborative Filtering",
    moves=("stages",),
    provenance="specification",
    differs="As released; a floor under the pole of the target is an option, off by default.",
    search={
        "beta": ("of", 0.1, 0.4, 1.0, 3.0),
        "alpha": ("of", 0.1, 0.5, 1.0),
        "candidates": ("of", 8, 16, 32),
    },
    controls={"ahns(power=-1)": "a constant target: hardness that does not adapt"},
    presets={
        "released": {"candidates": 32, "alpha": 1.0, "beta": 0.1, "power": -2.0, "floor": 0.0},
        "released_sport": {"candidates": 32, "alpha": 0.5, "beta": 0.1, "power": -2.0},
        "released_ml_1m": {"candidates": 16, "alpha": 0.1, "beta": 0.4, "power": -2.0},
    },
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    candidates: int = 32
    """M, 1 or more; released 16 (ML-1M) and 32."""
    alpha: float = 1.0
    """Added to the positive's score; released .1 (ML-1M), .5 (sport) and 1 (phone, tool)."""
    beta: float = 0.1
    """Factor of the target; released .4 (ML-1M) and .1."""
    power: float = -2.0
    """p, -1 or less for a target that does not rise; -2 released."""
    floor: float = 0.0
    """Least s_i + alpha, 0 or more; 0 does not cut, as released."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"candidates": 1, "floor": 0})
        if not self.power <= -1:
            raise ValueError(f"`power` must be -1 or less; got {self.power}")
        if not self.floor and self.power % 1:
            raise ValueError(
                "`power` must be a whole number where `floor` is 0, for s_i + alpha may be "
                f"negative; got {self.power}; set floor=0.01"
            )


class NearTarget:
    """Stage: keep the candidate whose score is nearest to the row's target."""

    def __init__(self, config: Config) -> None:
        """Start with empty averages."""
        self.config, self.averages = config, EpochMeans()

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """[B, M] or shared [K] -> [B, 1]."""
        if not negatives.n:
            return negatives
        scores = step.scores_no_grad(negatives)
        with torch.no_grad():
            target = self.target(step.view.score_pair(step.view.positive))
        # Beyond the best and the worst candidate a target chooses as at them, and is no infinity.
        usable = scores.isfinite()
        most = scores.amax(1)
        least = scores.masked_fill(~usable, torch.inf).amin(1)
        target = torch.minimum(torch.maximum(target, least), most).unsqueeze(1)
        distance = (scores - target).abs().masked_fill_(~usable, torch.inf)
        return negatives.take(distance.argmin(1, keepdim=True))

    def target(self, s_pos: Rows) -> Rows:
        """The target score of rows with these positives' scores, [B]; infinite at the pole."""
        config = self.config
        base = s_pos + config.alpha
        self.averages.add("ahns_below", base <= config.floor)
        if config.floor:
            base = base.clamp(min=config.floor)
        target: Rows = config.beta * base ** (config.power + 1)
        return target.nan_to_num(0.0, torch.inf, -torch.inf)

    def epoch_metrics(self) -> dict[str, float]:
        """The epoch's metrics: the share of rows below the pole, or the floor."""
        return dict(self.averages.epoch_metrics())


def build(config: Config) -> Method:
    """The nearest of M uniform draws to the target, with BPR."""
    return Method(sampler=Uniform(config.candidates), stages=(NearTarget(config),), objective=BPR())
