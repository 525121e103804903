"""Talos: a softmax of sigmoids above a learnt score threshold, for the top K.

    L = log sum_j sigmoid(s_j - b_u)^{1 / tau} - (1 / tau) log sigmoid(s_i - b_u),   s = cosine
    min_b (1 / I) [sum_{i in P_u} r(s_i - b_u) + (I - |P_u|) / N sum_j r(s_j - b_u)]
    r(x) = (1 - K / I) max(0, x) + (K / I) max(0, -x)

Zhang et al., "Talos: Optimizing Top-K Accuracy in Recommender Systems", WWW 2026 (arXiv
2601.19276). b_u is a parameter of each user with an Adam of its own at `quantile_lr`: the pinball
loss r over all items is least at the K-th largest score, the train items P_u counted as they are
and the draws for all others, which is unbiased for uniform ones; those of another sampler count
1 / q there, where q is known. The scores have no gradient there and b_u
has none in L. An item below the threshold keeps its slope, one far above has none left. b_u =
infinity is the softmax loss at tau, minus infinity is log N without gradient. tau stands outside
of the sigmoid, and both terms of L stay: without the first all scores rise.

b_u starts at 0 (ours). Both losses are trained in one sum, with the pinball loss averaged over
rows: under Adam its weight hardly matters. A row without negatives has no L. The epoch's mean b_u
is logged. Cost per step: N draws and N dot products a row, and one for each train item of its user.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from negbench.ops.epoch_means import EpochMeans
from negbench.parts import Uniform
from negbench.parts.cosine_scores import Angular, Scoring
from negbench.parts.losses.functions import (
    count_unmasked,
    log_sum,
    masked_score,
    over_negatives,
)
from negbench.parts.user_history import Liked
from negbench.parts.user_quantiles import pinball, scores_of_liked
from negbench.protocol import (
    Card,
    Feedback,
    Method,
    Negatives,
    Rows,
    Scalar,
    Scores,
    Step,
    TrainContext,
    check_ranges,
)

CARD = Card(
    title="Talos: learnt score thresholds for the top K",
    family="ranking",
    authors="Shengjia Zhang, Weiqin Yang, Jiawei Chen, Peng Wu, Yuegang Sun, Gang Wang, Qihao Shi"
    " and Can Wang",
    year=2026,
    venue="WWW",
    link="https://arxiv.org/abs/2601.19276",
    paper="Talos: Optimizing Top-K Accuracy in Recommender Systems",
    moves=("objective", "transform"),
    provenance="specification",
    differs="Thresholds and vectors are trained on one sum of losses; the start at 0 is ours.",
    search={
        "tau": ("log", 0.05, 0.3),
        "negatives": ("of", 64, 256, 1024),
        "quantile_lr": ("log", 1e-4, 1e-2),
    },
    controls={"talos(start=20,quantile_lr=1e-9)": "the softmax loss: a threshold above all scores"},
    presets={"released": {"negatives": 1024, "k": 20, "quantile_lr": 0.001}},
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    negatives: int = 64
    """N, 1 or more; 1024 released."""
    tau: float = 0.1
    """Above 0; .05 to .3 released, by data set."""
    k: int = 20
    """K of the top K, 1 or more; 20 released. More than there are items counts as all."""
    quantile_lr: float = 0.001
    """Learning rate of the thresholds, above 0; .001 released."""
    start: float = 0.0
    """Where every threshold starts, -1000 to 1000; not known of the paper."""
    similarity: Scoring = "cosine"
    """cosine is the paper's; backbone: the scores as they come."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(
            self,
            at_least={"negatives": 1, "k": 1},
            above={"tau": 0, "quantile_lr": 0},
            between={"start": (-1000, 1000)},
        )


class Thresholded:
    """The loss above a threshold, and the pinball loss that trains each user's threshold."""

    def __init__(self, config: Config) -> None:
        """Read the settings."""
        self.config, self.averages = config, EpochMeans()

    def begin(self, context: TrainContext) -> None:
        """Callback before training: a threshold for each user."""
        self.liked = Liked.of(context.train.distinct, context.device)
        start = torch.full((context.n_users,), self.config.start, device=context.device)
        self.thresholds = nn.Parameter(start)

    def minimised(self) -> list[nn.Parameter]:
        """The thresholds."""
        return [self.thresholds]

    def own_lr(self) -> float:
        """The learning rate of the thresholds."""
        return self.config.quantile_lr

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B]; the thresholds get no gradient from it."""
        b = self.thresholds.detach()[step.batch.users]
        total, counts = log_sum(F.logsigmoid(s_neg - b.unsqueeze(1)) / self.config.tau, negatives)
        loss = total - F.logsigmoid(s_pos - b) / self.config.tau
        return loss.masked_fill(~counts, 0.0)

    def losses(
        self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives
    ) -> Mapping[str, Scalar]:
        """The pinball loss of the thresholds, averaged over the rows."""
        del s_pos
        b = self.thresholds.index_select(0, step.batch.users)
        return {"pinball": self.pinball_rows(step, b, s_neg.detach(), negatives).mean()}

    def pinball_rows(self, step: Step, b: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The estimated pinball loss over all items of each row's user at thresholds b [B]."""
        n_items = step.context.n_items
        share = min(1.0, self.config.k / n_items)
        liked, sizes = scores_of_liked(step, self.liked)
        inside = liked.isfinite()
        gaps = torch.where(inside, liked, 0.0) - b.unsqueeze(1)
        own = (pinball(gaps, share) * inside).sum(1)
        weights = even_weights(negatives, s_neg)
        drawn = over_negatives(pinball(s_neg - b.unsqueeze(1), share), weights, negatives.mask)
        return (own + (n_items - sizes) * drawn) / n_items

    def observe(self, feedback: Feedback) -> None:
        """Callback after each step: add the thresholds of its rows to the epoch's mean."""
        self.averages.add("threshold", self.thresholds.detach()[feedback.step.batch.users])

    def epoch_metrics(self) -> dict[str, float]:
        """Mean threshold over the epoch's rows."""
        return dict(self.averages.epoch_metrics())

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the thresholds."""
        return {"thresholds": self.thresholds.detach()}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        self.thresholds.copy_(state["thresholds"])


def even_weights(negatives: Negatives, like: Scores) -> Scores | None:
    """What makes draws of any known proposal count as uniform ones, [B, N] with a mean of 1 a row;
    None where the proposal is not known."""
    if negatives.logq is None or not negatives.n:
        return None
    z, mask = -negatives.logq.expand_as(like), negatives.mask
    if mask is not None:
        z = z.masked_fill(~mask, masked_score(z.dtype))
    n = count_unmasked(like, mask).clamp(min=1).reshape(-1, 1)
    return z.softmax(1) * n


def build(config: Config) -> Method:
    """Uniform draws with this loss."""
    return Method(
        sampler=Uniform(config.negatives),
        objective=Thresholded(config),
        transform=Angular(config.similarity),
    )
