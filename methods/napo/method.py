"""NAPO: preference optimisation with negatives shared by similar rows and an adaptive margin.

    L = softplus( log sum_{d in P_u} e^{beta (r_d - r_p)} + gamma ),   r = log pi [- log pi_ref]
    P_u = K own negatives and those of the floor(rho (G - 1)) most similar rows of u's group
    gamma = gamma_0 (1 - alpha (M - Mbar) / sd),   M = mean score of the pool by a frozen model

Ding, Liu, Wu, Hu, Wu, Wang, Wang, Wang & Wang, "On Negative-aware Preference Optimization for
Recommendation", 2025 (arXiv 2508.09653). `loss` names the settings of this one loss: `napo`;
`s_dpo` (Chen et al., "On Softmax Direct Preference Optimization for Recommendation", NeurIPS 2024,
arXiv 2406.09215); `dpo`, one negative; `simpo`, no reference, one negative and a fixed margin (a
response is one token, so there is no length to divide by); `softmax`, neither. Every flag can be
set beside it: `napo(loss=s_dpo,negatives=33)` is the control of equal pool size, which here costs
no more passes.

The papers tune a language model. Here the policy is the softmax of any backbone's scores over all
items (ours), the first `sft_epochs` epochs train it by its full cross-entropy, and a copy is then
frozen: reference, source of similarity (its query is h_u) and auxiliary model of the margin, in
place of the paper's separate SASRec (ours). Ranking by two models is distillation in part:
`aux=shuffled`, the same scores permuted over items, must lose what the margin adds. Best epoch and
patience start anew with the second stage, whose steps are `pace` times the backbone's; what came
before it is the cross-entropy alone, and `sft_epochs` beyond the budget its control. A language
model shares a neighbour's log-probability under the neighbour's prompt, for free (`approx`); here
`exact` costs one matmul, so the error is logged: `share_gap` is the mean |approx - exact| of shared
log-probabilities, `loss_approx` and `loss_exact` the loss under both; `log_pi` falls where a loss
without reference drifts; `gamma_spread` is how much the margin moves at all. Not for `dreamrec`,
whose queries have seen the positive.

Differs also: `preset=released` is the loss of the code, whose shared negatives get no gradient and
whose Mbar moves first; a shared item of u's own is left out (`mask_false=false`: as there); rows
are all positions, in groups of G, the paper's batch; sd standardises M, clamped so that gamma stays
from 0 to 2 gamma_0. logQ is not corrected for. One forward pass a step and one of the frozen copy
where it is read, whatever K, rho and G. Cost per step: B I dots with sharing, and again with the
copy's log Z where there is both; B P for the pool of P = K (1 + floor(rho (G - 1))).
"""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch

from negbench.ops.epoch_means import EpochMeans
from negbench.parts import Uniform
from negbench.protocol import (
    Card,
    Epoch,
    Feedback,
    Ids,
    Method,
    Negatives,
    Phase,
    Rows,
    Scores,
    Step,
    TrainContext,
    View,
    check_ranges,
)

from .margin import Margin
from .neighbour_pools import Pool
from .policy import CataloguePolicy, log_probs
from .preference_loss import FLAGS, Flags, LogProbs
from .reference_model import Reference
from .responses import Responses, item_permutation, negative_scores, response_mask, sharing_pool

CARD = Card(
    title="Negative-aware preference optimisation; DPO, S-DPO and SimPO as settings",
    family="preference",
    authors="Chenlu Ding, Daoxuan Liu, Jiancan Wu, Xingyu Hu, Junkang Wu, Haitao Wang, Yongkang"
    " Wang, Xingxing Wang and Xiang Wang",
    year=2025,
    venue="arXiv",
    link="https://arxiv.org/abs/2508.09653",
    paper="On Negative-aware Preference Optimization for Recommendation",
    moves=("objective",),
    needs=("catalogue",),
    provenance="specification",
    differs="The policy is a softmax over all items and trained first in the same run; its frozen "
    "copy is reference and auxiliary model; rows share within groups.",
    controls={"napo(loss=softmax)": "neither sharing, reference nor margin"},
    presets={
        "released": {
            "mean_first": True,
            "grad_negatives": False,
            "mask_false": False,
            "clamp": False,
            "standardise": False,
        },
    },
    search={
        "alpha": ("float", 0.0, 0.5),
        "beta": ("log", 0.1, 4.0),
        "rho": ("float", 0.0, 1.0),
        "negatives": ("of", 1, 3, 5, 10, 15),
    },
    later=("mean_first",),
)

LOSSES: dict[str, dict[str, Any]] = {
    "napo": {"reference": "off", "negatives": 3, "rho": 0.7, "margin": "batch"},
    "s_dpo": {"reference": "sft", "negatives": 3, "rho": 0.0, "margin": "off"},
    "dpo": {"reference": "sft", "negatives": 1, "rho": 0.0, "margin": "off"},
    "simpo": {"reference": "off", "negatives": 1, "rho": 0.0, "margin": "fixed"},
    "softmax": {"reference": "off", "negatives": 3, "rho": 0.0, "margin": "off"},
}
EVERY = 8
"""Steps between two measurements of the error of sharing."""


@dataclass(frozen=True)
class Config:
    """The settings; None takes the value of `loss`."""

    loss: Literal["napo", "s_dpo", "dpo", "simpo", "softmax"] = "napo"
    """Names reference, negatives, rho and margin."""
    reference: Literal["off", "sft"] | None = None
    """Whether gains are over the frozen copy; off in NAPO's code."""
    negatives: int | None = None
    """K, 1 or more, where no other method draws; 3 in NAPO and S-DPO, 1 to 19 tried."""
    rho: float | None = None
    """Share of the group that a row shares with, 0 to 1; 0.7 in NAPO, .5 to 1 tried."""
    margin: Literal["off", "fixed", "batch", "per_negative"] | None = None
    """batch is NAPO's; per_negative is ours."""
    beta: float = 1.0
    """Above 0; 1 in both papers' code."""
    gamma: float = 1.0
    """gamma_0, 0 or more; 1 in NAPO, 1.5 tried."""
    alpha: float = 0.3
    """0 or more; 0.3 in NAPO, 0 to 0.5 tried."""
    momentum: float = 0.9
    """Of Mbar, 0 to below 1; 0.9 in NAPO."""
    mean_first: bool = False
    """Whether Mbar, from 0, moves before its use; True as released, whose alpha counts .9."""
    share: Literal["approx", "exact"] = "approx"
    """approx is NAPO's: the neighbour's prompt."""
    grad_negatives: bool = True
    """Whether negatives get a gradient, as described; False as released."""
    mask_false: bool = True
    """Leave out shared items of the user's own; False as released."""
    aggregate: Literal["lse", "mean"] = "lse"
    """mean is DMPO."""
    clamp: bool = True
    """Keep gamma from 0 to 2 gamma_0; False as released."""
    standardise: bool = True
    """Divide the margin's scores by their spread; False as released."""
    similarity: Literal["dot", "cosine"] = "dot"
    """Similarity of rows; dot in NAPO, which favours long vectors."""
    group: int = 16
    """G, 1 or more rows; 16 in NAPO's code on one device."""
    aux: Literal["frozen", "shuffled"] = "frozen"
    """shuffled is the control of the margin."""
    sft_epochs: int = 20
    """Epochs of plain cross-entropy first, 0 or more; 5 in S-DPO, of a pre-trained model."""
    pace: float = 0.1
    """Step size of the second stage over the first's, above 0; 1e-5 in S-DPO, 0.1 is ours."""
    cells: int = 2**28
    """Scores that a step may hold, 1 or more; 2**28 is 1 GiB a table."""

    def __post_init__(self) -> None:
        """Check the settings."""
        least = {"sft_epochs": 0, "group": 1, "cells": 1}
        check_ranges(self, at_least=least | ({} if self.negatives is None else {"negatives": 1}))
        if not 0 < self.pace < math.inf:
            raise ValueError(f"`pace` must be a number above 0; got {self.pace}")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"`momentum` must be at least 0 and below 1; got {self.momentum}")
        self.flags()

    def resolved(self) -> dict[str, Any]:
        """Every setting, with the values of `loss` for those left None."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return {**LOSSES[self.loss], **given}

    def flags(self) -> Flags:
        """The flags of the loss."""
        return Flags(**{name: value for name, value in self.resolved().items() if name in FLAGS})


class PreferenceLoss:
    """Cross-entropy first, then the preference loss against a frozen copy."""

    def __init__(self, config: Config) -> None:
        """Read the settings."""
        self.config, self.flags = config, config.flags()
        self.reference, self.policy = Reference(config.sft_epochs), CataloguePolicy(config.cells)
        self.averages = EpochMeans()

    def begin(self, context: TrainContext) -> None:
        """Callback before training: reset reference and margin; permute the control's items."""
        flags, config = self.flags, self.config
        self.supervised = config.sft_epochs > 0
        self.reference.begin()
        self.policy.begin(context)
        self.margin = Margin(
            flags.margin,
            flags.gamma,
            flags.alpha,
            config.momentum,
            standardise=config.standardise,
            clamp=flags.clamp,
            mean_first=config.mean_first,
        )
        self.permutation = item_permutation(context) if config.aux == "shuffled" else None

    def refresh(self, epoch: Epoch) -> None:
        """Callback before each epoch: freeze the policy after its first stage, if it is read."""
        self.supervised = epoch.number <= self.config.sft_epochs
        if self.flags.needs_frozen:
            self.reference.refresh(epoch)

    def own_phase(self) -> Phase:
        """The epochs of the preference loss."""
        return Phase("preference loss", self.config.sft_epochs + 1)

    def lr_factor(self, epoch: int) -> float:
        """Learning-rate factor: 1 in the first stage, `pace` in the second."""
        return 1.0 if epoch <= self.config.sft_epochs else self.config.pace

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B]."""
        self.averages.add("supervised", s_pos.new_tensor(float(self.supervised)))
        if self.supervised:
            log_pi = s_pos - torch.logsumexp(self.policy.scores(step.view), 1)
            self.averages.add("log_pi", log_pi)
            return -log_pi
        frozen = self.reference.view(step.batch) if self.flags.needs_frozen else None
        return self.preference_rows(step, frozen, s_pos, s_neg, negatives)

    def preference_rows(
        self, step: Step, frozen: View | None, s_pos: Rows, s_neg: Scores, negatives: Negatives
    ) -> Rows:
        """The preference loss of each row, [B], from one view of the policy and one of the copy."""
        flags, config = self.flags, self.config
        pool = sharing_pool(step, frozen, negatives, flags.rho, config.group, config.similarity)
        ids = pool.take(negatives.ids) if pool.shares and negatives.ids is not None else None
        mask = response_mask(step, pool, ids, negatives, flags.mask_false)
        table = self.policy.scores(step.view) if flags.needs_partition else None
        policy = log_probs(s_pos, s_neg, table, ids)
        reference = (
            self.frozen_log_probs(frozen, negatives, ids) if flags.reference == "sft" else None
        )
        gamma = self.margin.of(self.auxiliary(frozen, pool, negatives), pool, mask)
        logw = None if negatives.logw is None else pool.take(negatives.logw)
        responses = Responses(policy, reference, pool, gamma, mask, logw)
        if step.number % EVERY == 1:
            self.log_step(step, responses)
        return responses.loss(flags)

    @torch.no_grad()
    def frozen_log_probs(
        self, frozen: View | None, negatives: Negatives, ids: Ids | None
    ) -> LogProbs:
        """The log-probabilities of the same responses by the frozen copy."""
        assert frozen is not None
        table = self.policy.scores(frozen) if self.flags.rho else None
        s_pos, s_neg = frozen.score_pair(frozen.positive), negative_scores(frozen, negatives)
        return log_probs(s_pos, s_neg, table, ids)

    @torch.no_grad()
    def auxiliary(self, frozen: View | None, pool: Pool, negatives: Negatives) -> Scores | None:
        """Scores of each negative by the frozen copy for its own row, over the pools, [B, P]."""
        if frozen is None or not self.margin.uses_scores:
            return None
        return pool.take(negative_scores(frozen, negatives, self.permutation))

    @torch.no_grad()
    def log_step(self, step: Step, responses: Responses) -> None:
        """Log the policy's drift, the margin, and the error of sharing."""
        log_pi = responses.policy.positive
        if not self.flags.needs_partition:
            log_pi = log_pi - torch.logsumexp(self.policy.scores(step.view), 1)
        self.averages.add("log_pi", log_pi)
        gamma = torch.as_tensor(responses.gamma, dtype=log_pi.dtype)
        self.averages.add("gamma", gamma)
        self.averages.add("gamma_spread", gamma.std(correction=0))
        responses.log_sharing_error(self.flags, self.averages)

    def observe(self, feedback: Feedback) -> None:
        """Callback after each step: update the margin's running mean."""
        if feedback.step.training:
            self.margin.update_mean()

    def epoch_metrics(self) -> dict[str, float]:
        """Share of supervised steps, mean log pi of positives, margin, and the error of sharing."""
        return dict(self.averages.epoch_metrics())

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the frozen weights and the margin's running mean."""
        return {"frozen": self.reference.state_dict(), "mean": self.margin.mean}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        self.reference.load_state_dict(state["frozen"])
        self.margin.mean = state["mean"]


def build(config: Config) -> Method:
    """K uniform negatives a row under the preference loss."""
    return Method(Uniform(config.resolved()["negatives"]), PreferenceLoss(config))
