"""Triplet Shapley: triplets are weighted or resampled by their Shapley value for a held-out loss.

    phi_k = E_pi [U(Pre_k(pi) + k) - U(Pre_k(pi))],   U(S) = l_V(before) - l_V(after a step over S)
    w_k = (1 - eps) exp(z_k / tau) / mean_l exp(z_l / tau) + eps,   z the values standardised
    weights:  the loss of triplet k times w_k;   resample: k drawn with probability w_k / T

He & Ma, "Interpretable Triplet Importance for Personalized Ranking", CIKM 2024 (arXiv 2407.19469),
of which only the abstract was read: Monte Carlo Shapley values of triplets, with a control variate,
resample and reweight BPR. Games, estimators, weights and schedule are our derivation.

Players are the triplets of a fixed pool: every train pair that is left with `candidates` uniform
negatives. l_V is the BPR loss on pairs that the method holds out of train itself, `share` of them,
with uniform negatives: never valid or test. Their rows weigh 0 in training (they stay in the L2
penalty and among the edges of LightGCN's graph). Games: `in_run` is the second-order expansion of
a gradient step over the pool, in closed form; `one_step` walks permutations of small blocks over
the loss itself; `retrain` trains groups (the buckets) for a few steps, truncated. LightGCN's values
go through its propagation exactly. Every value has a standard error, over `measurements` that are
independent, and a moving mean over refreshes; a sample of them goes into the record.

`per="triplet"` draws a row's negatives from the pool, `per="bucket"` draws new ones and takes the
mean weight of the triplet's bucket (hardness x popularity of the negative). A row is weighted by
the mean weight of its candidates, so that pairs are resampled as their negatives are; `corrected`
undoes both, as a control: the expected gradient is that of uniform negatives. `tau` to infinity is
`random` over the pool.

The raw held-out loss also falls as all scores near their best scale, and LightGCN's propagation
amplifies just that direction, the vectors themselves: raw values measure whether the scale should
shrink or grow, and turn their sign at the best one. So by default values are `scale_free`: l_V is
that of the best scale, and a step's part along the vectors is left out. Logged: `held_out_loss`
before every epoch, `held_out_rise` over the epoch after a refresh; `refuse` drops values that raise
it. They detect false negatives weakly (AUC on kuairec: MF .56, LightGCN .48 to .50), raw values
better while scores are too small, and worse later.

Cost per step: one dot product a row (`candidates` with buckets); 6 D `measurements` a triplet and
refresh for `in_run`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import torch
from torch import Tensor

from negbench.parts import BPR, Uniform
from negbench.parts.holdout_pairs import hold_out
from negbench.parts.requirements import users_of
from negbench.protocol import (
    Card,
    Epoch,
    Membership,
    Method,
    Negatives,
    Pairs,
    Phase,
    Step,
    TrainContext,
    check_ranges,
)

from .buckets import Buckets, bucket_means
from .held_out_watch import HeldOutWatch
from .triplet_gradients import VectorState
from .triplet_pool import TripletPool
from .valuation import HeldOutTriplets, Valuation
from .value_weights import effective_share, sample_candidate, softmax_weights

CARD = Card(
    title="Triplet Shapley: values of triplets by their share in a held-out loss",
    family="weighting",
    authors="Bowei He and Chen Ma",
    year=2024,
    venue="CIKM",
    link="https://arxiv.org/abs/2407.19469",
    paper="Interpretable Triplet Importance for Personalized Ranking",
    moves=("sampler",),
    needs=("catalogue", "users"),
    provenance="ours",
    differs="Only the abstract was at hand: games, estimators and weights are derived.",
    controls={"shapley(corrected=true)": "values that change no expected gradient"},
    search={
        "use": ("of", "weights", "resample"),
        "per": ("of", "triplet", "bucket"),
        "tau": ("log", 0.3, 10.0),
        "candidates": ("of", 4, 8, 16),
    },
)


@dataclass(frozen=True)
class Config:
    """The settings; all derived, the paper's are not known."""

    game: Literal["in_run", "one_step", "retrain"] = "in_run"
    """The utility of a set of triplets; `retrain` values buckets, not single triplets. `one_step`
    takes minutes a refresh for half a million triplets: take fewer by `triplets`."""
    order: int = 2
    """Of `in_run`: 1 or 2, first or second order."""
    estimator: Literal["plain", "antithetic", "quadratic", "first_order"] = "antithetic"
    """Of `one_step` and `retrain`; the last two are control variates, of which first_order's gain
    is nil."""
    permutations: int = 4
    """Of `one_step` and `retrain`, in each measurement; even, 4 or more."""
    measurements: int = 8
    """Independent measurements that a value and its standard error come from, 2 or more."""
    utility: int = 16_384
    """Held-out triplets in a measurement, 1 or more."""
    share: float = 0.2
    """Share of train that is held out for the utility, above 0, below 1."""
    scale_free: bool = True
    """Value what a step changes beside the scale of all scores; `one_step` keeps a step's part."""
    refuse: bool = False
    """Drop values, until the next ones, if the held-out loss rises in the epoch after them."""
    rate: float = 0.01
    """How far the game's step goes for each train pair, above 0."""
    steps: int = 1
    """Steps of `retrain`, 1 or more."""
    candidates: int = 8
    """Negatives of the pool for each pair, 1 or more."""
    triplets: int = 8_000_000
    """Triplets of the pool at most; pairs beyond it get uniform negatives. 1 or more."""
    use: Literal["weights", "resample"] = "resample"
    """How values change training: as weights, or as sampling probabilities."""
    per: Literal["triplet", "bucket"] = "triplet"
    """Whether each triplet has its own weight, or each bucket of triplets."""
    by_hardness: int = 8
    """Buckets by hardness, 1 or more."""
    by_popularity: int = 4
    """Buckets by popularity, 1 or more."""
    tau: float = 1.0
    """Temperature of the standardised values, above 0."""
    eps: float = 0.2
    """Share of plain uniform draws, 0 to 1."""
    corrected: bool = False
    """Undo what resampling does to the expected gradient: the control."""
    every: int = 5
    """Epochs between refreshes of the values, 1 or more."""
    warmup: int = 2
    """Epochs of uniform negatives before the first values, 0 or more."""
    memory: float = 0.5
    """Share of the old value in the new one, 0 to below 1."""

    def __post_init__(self) -> None:
        """Check the settings."""
        least = {"measurements": 2, "utility": 1, "steps": 1, "candidates": 1, "triplets": 1}
        least |= {"by_hardness": 1, "by_popularity": 1, "every": 1, "warmup": 0}
        check_ranges(self, at_least=least | {"permutations": 4}, between={"eps": (0, 1)})
        if self.order not in (1, 2):
            raise ValueError(f"`order` must be 1 or 2; got {self.order}")
        if self.permutations % 2 and self.estimator != "plain":
            raise ValueError(f"`permutations` must be even; got {self.permutations}")
        for name, above in (("share", 1.0), ("rate", math.inf), ("tau", math.inf)):
            if not 0 < (value := getattr(self, name)) < above:
                raise ValueError(f"`{name}` must lie between 0 and {above}; got {value}")
        if not 0 <= self.memory < 1:
            raise ValueError(f"`memory` must be from 0 to below 1; got {self.memory}")
        if self.corrected and self.use != "resample":
            raise ValueError("`corrected` undoes resampling; it needs use=resample")


class ValuedTriplets:
    """Samples negatives by the Shapley values of their triplets, which it measures and stores."""

    def __init__(self, config: Config) -> None:
        """Read the settings; the pool is sampled in `begin`."""
        self.config = config
        use = "corrected" if config.corrected else config.use
        self.how: Literal["weights", "resample", "corrected"] = use
        self.uniform, self.fresh = Uniform(1), Uniform(config.candidates)
        shared = set(vars(config)) & {field.name for field in fields(Valuation)}
        self.valuation = Valuation(**{name: getattr(config, name) for name in shared})

    def begin(self, context: TrainContext) -> None:
        """Callback before training: hold out pairs, and sample the pool from the rest."""
        self.uniform.begin(context)
        self.fresh.begin(context)
        held_out, rest = hold_out(context.train, self.config.share, context.seed)
        self.held_out = Membership.of(held_out, device=context.device)
        self.watch = HeldOutWatch(HeldOutTriplets.of(held_out, context), self.config.utility)
        self.pool = TripletPool.of(rest, context, self.config.candidates, self.config.triplets)
        self.counts = context.counts
        self._update_weights()

    def refresh(self, epoch: Epoch) -> None:
        """Callback before each epoch: every `every` epochs, measure the values of the pool."""
        late = epoch.number - self.config.warmup - 1
        users = users_of(epoch.users, "shapley", "a method without values")
        if late < 0 or not len(self.watch.held_out.users) or not bool(self.pool.usable.any()):
            return
        state = VectorState.of(epoch, users)
        if self.config.scale_free:
            state = state.scale_free(self.watch.nodes(state))
        self.watch.measure(state)
        if late % self.config.every:
            return
        players = state.nodes(*self.pool.triplets)
        hardness = state.hardness(players)
        counts = self.counts[self.pool.triplets[2]]
        buckets = self._buckets(hardness, counts)
        value, error = self.valuation.values(
            state,
            players,
            lambda n: self.watch.held_out.sample(n, state, epoch.generator),
            len(self.pool),
            buckets.index(hardness, counts),
            epoch.generator,
        )
        self.pool.add(value, error, hardness, epoch.number, self.config.memory)
        self.watch.refreshed()
        self._update_weights()

    def own_phase(self) -> Phase:
        """The epochs whose triplets have values."""
        return Phase("values of triplets", self.config.warmup + 1)

    def sample(self, step: Step) -> Negatives:
        """One negative a row, ids [B, 1], weighted or resampled by the values."""
        users, items = step.batch.users, step.batch.items
        held_out = self.held_out.contains(users, items.unsqueeze(1)).squeeze(1)
        count = (~held_out).to(torch.float32)
        if not self.pool.epoch or (self.config.refuse and self.watch.harmful):
            plain = self.uniform.sample(step)
            return Negatives(plain.ids, mask=plain.mask, row_weight=count)
        ids, weight = self._candidates(step)
        at, drawn, of_row = sample_candidate(weight, step.generator, self.how)
        return Negatives(
            ids.gather(1, at),
            mask=weight.gather(1, at) > 0,
            logw=drawn.log(),
            row_weight=count * of_row,
        )

    def _candidates(self, step: Step) -> tuple[Tensor, Tensor]:
        """ids [B, C] and their weights, above 0 and of mean 1; 0 for masked candidates."""
        fresh = self.fresh.sample(step)
        assert fresh.ids is not None
        allowed = torch.ones_like(fresh.ids, dtype=torch.bool) if fresh.mask is None else fresh.mask
        if self.config.per == "bucket":
            s_pos = step.view.score_pair(step.view.positive).detach()
            apart = step.scores_no_grad(fresh) - s_pos.unsqueeze(1)
            buckets = self.buckets.index(apart, self.counts[fresh.ids])
            return fresh.ids, self.bucket_weights[buckets] * allowed
        at, in_pool = self.pool.find(step.batch.users, step.batch.items)
        in_pool = in_pool.unsqueeze(1)
        ids = torch.where(in_pool, self.pool.negatives[at], fresh.ids)
        return ids, torch.where(in_pool, self.weights[at], allowed.to(torch.float32))

    def _buckets(self, hardness: Tensor, counts: Tensor) -> Buckets:
        config = self.config
        return Buckets.of(hardness, counts, config.by_hardness, config.by_popularity)

    def _update_weights(self) -> None:
        """Compute the weights from the current values."""
        pool, used = self.pool, self.pool.usable
        self.weights = used.to(torch.float32)
        if not pool.epoch:
            return
        value = pool.value[used]
        if self.config.per == "triplet":
            self.weights[used] = softmax_weights(value, self.config.tau, self.config.eps)
            return
        hardness, counts = pool.hardness[used], self.counts[pool.negatives[used]]
        self.buckets = self._buckets(hardness, counts)
        index = self.buckets.index(hardness, counts)
        mean = bucket_means(value, index, self.buckets.n)
        size = torch.bincount(index, minlength=self.buckets.n)
        self.bucket_weights = softmax_weights(mean, self.config.tau, self.config.eps, size)

    def triplets(self) -> Mapping[str, Pairs]:
        """A sample of the pool with its values, errors and hardness."""
        return self.pool.record()

    def epoch_metrics(self) -> Mapping[str, float]:
        """Mean value and error, and the effective sample size of the weights as a share."""
        if not self.pool.epoch:
            return self.watch.metrics()
        used, per_bucket = self.pool.usable, self.config.per == "bucket"
        weight = self.bucket_weights if per_bucket else self.weights
        return {
            "value": float(self.pool.value[used].mean()),
            "value_error": float(self.pool.variance[used].mean().sqrt()),
            "effective_share": effective_share(weight),
            **self.watch.metrics(),
        }

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the measured values, and the held-out loss before them."""
        return {**self.pool.state_dict(), "watch": self.watch.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state, and compute the weights."""
        self.pool.load_state_dict(state)
        self.watch.load_state_dict(state["watch"])
        self._update_weights()


def build(config: Config) -> Method:
    """Triplets sampled by their Shapley values, under BPR."""
    return Method(sampler=ValuedTriplets(config), objective=BPR())
