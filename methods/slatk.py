"""SL@K: a softmax loss weighted by how far its positive reaches into the user's top K.

    L = sigmoid((s_i - b_u) / tau_w) log sum_j e^{(s_j - s_i) / tau},   s = cosine
    b_u = K-th largest of the scores of u's train items and of N drawn negatives

Yang, Chen, Zhang, Wu, Sun, Feng, Chen & Wang, "Breaking the Top-K Barrier: Advancing Top-K Ranking
Metrics Optimization in Recommender Systems", KDD 2025. The weight is a soft 1[s_i >= b_u], so that
the loss follows NDCG@K instead of NDCG; the gradient runs through it too. At tau_w = infinity it is
half the softmax loss, the control. Adding a constant to all scores of a user moves b_u along.

b_u starts at 0 and is renewed in every `period`-th epoch (whether the released count starts at 0 is
not known), in each step for its users: from the scores before its update, without a gradient. The
draws are fewer than the items, so b_u is at most the true K-th largest score; it is as stale as
`period` says. Rows of one user are averaged (ours), as on a sequence backbone, where each position
has its own query. The released quantile sees a user's first items in id order up to the 90th
percentile of their number; ours sees all. With fewer than K scores, as under a recipe that keeps
one negative, b_u stays. The epoch's mean b_u is logged. A row without negatives has no loss. Cost
per step: N draws and N dot products a row, and those of all train items of its user in the epochs
that renew.
"""

from dataclasses import dataclass
from typing import Any

import torch

from negbench.ops.epoch_means import EpochMeans
from negbench.parts import Uniform
from negbench.parts.cosine_scores import Angular, Scoring
from negbench.parts.losses.functions import log_sum
from negbench.parts.user_history import Liked
from negbench.parts.user_quantiles import scores_of_liked
from negbench.protocol import (
    Card,
    Feedback,
    Method,
    Negatives,
    Phase,
    Rows,
    Scores,
    Step,
    TrainContext,
    UserValues,
    check_ranges,
)

CARD = Card(
    title="SL@K: a softmax loss for the top K",
    family="ranking",
    authors="Weiqin Yang, Jiawei Chen, Shengjia Zhang, Peng Wu, Yuegang Sun, Yan Feng, Chun Chen"
    " and Can Wang",
    year=2025,
    venue="KDD",
    link="https://doi.org/10.1145/3711896.3736866",
    paper="Breaking the Top-K Barrier: Advancing Top-K Ranking Metrics Optimization in "
    "Recommender Systems",
    moves=("objective", "transform"),
    provenance="specification",
    differs="The quantile is of all train items, from the scores before each step's update, and "
    "the mean over a user's rows.",
    search={
        "tau": ("log", 0.05, 0.5),
        "tau_w": ("float", 0.5, 3.0),
        "period": ("of", 5, 20),
        "negatives": ("of", 64, 256, 1000),
    },
    controls={"slatk(tau_w=1e9)": "half the softmax loss: no quantile"},
    presets={
        "released": {"negatives": 1000, "tau": 0.2, "tau_w": 2.5, "period": 5, "k": 20},
        "gowalla": {"negatives": 1000, "tau": 0.1, "tau_w": 1.0, "period": 20, "k": 20},
    },
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    negatives: int = 64
    """N, 1 or more; 1000 released."""
    tau: float = 0.2
    """Above 0; the best of the softmax loss in the paper: .1 or .2."""
    tau_w: float = 2.5
    """Of the weight, above 0; .5 to 3 released, by data set: 2.5 Health, 1 Gowalla."""
    k: int = 20
    """K of the top K, from 1 to `negatives`; 20 released. A setting, whatever list is measured."""
    period: int = 5
    """Epochs between renewals of b_u, 1 or more; 5 or 20 released."""
    similarity: Scoring = "cosine"
    """cosine is the paper's; backbone: the scores as they come."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        above = {"tau": 0, "tau_w": 0}
        check_ranges(self, at_least={"negatives": 1, "period": 1, "k": 1}, above=above)
        if self.k > self.negatives:
            raise ValueError(
                f"`k` must be at most `negatives`, for a K-th largest score of any user; got "
                f"{self.k} of {self.negatives}; lower `k` or draw more"
            )


def kth_largest(liked: Scores, drawn: Scores, k: int) -> Rows:
    """The k-th largest of each row of both [B, .], minus infinity where there are fewer: [B]."""
    scores = torch.cat([liked, drawn], 1)
    if scores.shape[1] < k:
        return scores.new_full((len(scores),), -torch.inf)
    kth: Rows = scores.topk(k, 1).values[:, -1]
    return kth


def mean_of_users(values: Rows, users: Rows) -> tuple[Rows, Rows]:
    """The distinct users of rows with a finite value, and the mean of each one's rows."""
    finite = values.isfinite()
    distinct, place, counts = torch.unique(users[finite], return_inverse=True, return_counts=True)
    sums = values.new_zeros(len(distinct)).index_add_(0, place, values[finite])
    return distinct, sums / counts


class SoftmaxAtK:
    """The softmax loss at K, and the quantile of each user."""

    quantiles: UserValues

    def __init__(self, config: Config) -> None:
        """Read the settings."""
        self.config, self.averages = config, EpochMeans()

    def begin(self, context: TrainContext) -> None:
        """Callback before training: quantiles of 0."""
        self.liked = Liked.of(context.train.distinct, context.device)
        self.quantiles = torch.zeros(context.n_users, device=context.device)
        self.renewed: tuple[Rows, Rows] | None = None

    def own_phase(self) -> Phase | None:
        """The epoch in which the quantiles are first renewed."""
        return Phase("top-K weight", self.config.period) if self.config.period > 1 else None

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B]."""
        config = self.config
        b = self.quantiles[step.batch.users]
        loss, counts = log_sum((s_neg - s_pos.unsqueeze(1)) / config.tau, negatives)
        # Now, for `observe`: after the update the view's vectors are of two kinds.
        self.renewed = self.quantiles_of(step, s_neg, negatives) if self.due(step) else None
        return (torch.sigmoid((s_pos - b) / config.tau_w) * loss).masked_fill(~counts, 0.0)

    def due(self, step: Step) -> bool:
        """Whether the quantiles are renewed in this step's epoch."""
        return step.epoch % self.config.period == 0

    def quantiles_of(self, step: Step, s_neg: Scores, negatives: Negatives) -> tuple[Rows, Rows]:
        """The users of the step and their quantiles by its scores."""
        drawn = s_neg.detach()
        if negatives.mask is not None:
            drawn = drawn.masked_fill(~negatives.mask, -torch.inf)
        liked, _ = scores_of_liked(step, self.liked)
        kth = kth_largest(liked, drawn, self.config.k)
        return mean_of_users(kth, step.batch.users)

    def observe(self, feedback: Feedback) -> None:
        """Callback after each step: renew the quantiles of its users, in the epochs that do."""
        if self.renewed is not None:
            users, values = self.renewed
            self.quantiles[users], self.renewed = values.to(self.quantiles.dtype), None
        self.averages.add("quantile", self.quantiles[feedback.step.batch.users])

    def epoch_metrics(self) -> dict[str, float]:
        """Mean quantile over the epoch's rows."""
        return dict(self.averages.epoch_metrics())

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the quantiles."""
        return {"quantiles": self.quantiles}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        self.quantiles = state["quantiles"].clone()


def build(config: Config) -> Method:
    """Uniform draws with this loss."""
    return Method(
        sampler=Uniform(config.negatives),
        objective=SoftmaxAtK(config),
        transform=Angular(config.similarity),
    )
