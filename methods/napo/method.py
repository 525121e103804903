"""NAPO: preference over negatives that similar rows share, with a margin by how likely they are.

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
`aux=shuffled`, the same scores dealt to other items, must lose what the margin adds. Validation
chooses among the epochs of both stages, so the weights kept may be those before any preference;
the second stage takes steps of `pace` times the backbone's, and `sft_epochs` beyond the budget is
its control. A language model shares a neighbour's log-probability under the neighbour's prompt, for
free (`approx`); here `exact` costs one matmul, so the error is told: `share_gap` is the mean
|approx - exact| of shared log-probabilities, `loss_approx` and `loss_exact` what the loss makes of
both; `log_pi` falls where a loss without reference drifts; `gamma_spread` is how much the margin
moves at all. Not for `dreamrec`, whose queries have seen the positive.

Differs also: `grad_negatives=false` is the code that was released with it (shared negatives get no
gradient); a shared item that u has met is left out (`mask_false=false`: as there); rows are all
positions, dealt to groups of G, the paper's batch; sd standardises M, clamped so that gamma stays
from 0 to 2 gamma_0. logQ is not corrected for. One forward pass a step and one of the frozen copy
where it is read, whatever K, rho and G. Cost per step: B I dots with sharing, and again with the
copy's log Z where there is both; B P for the pool of P = K (1 + floor(rho (G - 1))).
"""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from negbench.ops.epoch_means import Averages
from negbench.parts import Uniform
from negbench.protocol import Card, Epoch, Feedback, Method, Negatives, Step, TrainContext, View

from .margin import Margin
from .neighbour_pools import Pool
from .policy import Catalogue, log_probs
from .preference_loss import FLAGS, Flags, LogProbs
from .reference_model import Reference
from .responses import Responses, scored, shuffled, usable, whose

CARD = Card(
    title="Negative-aware preference optimisation; DPO, S-DPO and SimPO as settings",
    family="preference",
    authors="Ding, Liu, Wu, Hu, Wu, Wang, Wang, Wang and Wang",
    year=2025,
    venue="arXiv",
    link="https://arxiv.org/abs/2508.09653",
    moves=("objective",),
    provenance="specification",
    differs="The policy is a softmax over all items and trained first in the same run; its frozen "
    "copy is reference and auxiliary model; rows share within groups.",
    search={
        "alpha": ("float", 0.0, 0.5),
        "beta": ("log", 0.1, 4.0),
        "rho": ("float", 0.0, 1.0),
        "negatives": ("of", 1, 3, 5, 10, 15),
    },
)

NAMED: dict[str, dict[str, Any]] = {
    "napo": {"reference": "off", "negatives": 3, "rho": 0.7, "margin": "batch"},
    "s_dpo": {"reference": "sft", "negatives": 3, "rho": 0.0, "margin": "off"},
    "dpo": {"reference": "sft", "negatives": 1, "rho": 0.0, "margin": "off"},
    "simpo": {"reference": "off", "negatives": 1, "rho": 0.0, "margin": "fixed"},
    "softmax": {"reference": "off", "negatives": 3, "rho": 0.0, "margin": "off"},
}
EVERY = 8
"""Steps between two measurements of what sharing by neighbours costs."""


@dataclass(frozen=True)
class Config:
    """The settings; None is what `loss` says."""

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
    share: Literal["approx", "exact"] = "approx"
    """approx is NAPO's: the neighbour's prompt."""
    grad_negatives: bool = True
    """Push negatives down, as described; False as released."""
    mask_false: bool = True
    """Leave out what the user has met; False as released."""
    aggregate: Literal["lse", "mean"] = "lse"
    """mean is DMPO."""
    clamp: bool = True
    """Keep gamma from 0 to 2 gamma_0; False as released."""
    standardise: bool = True
    """Divide the margin's scores by their spread; False as released."""
    similarity: Literal["dot", "cosine"] = "dot"
    """How rows are alike; dot in NAPO, which favours long vectors."""
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
        """Refuse what has no meaning."""
        for name, least in {"sft_epochs": 0, "group": 1, "cells": 1, "negatives": 1}.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"`{name}` must be at least {least}; got {value}")
        if not 0 < self.pace < math.inf:
            raise ValueError(f"`pace` must be a number above 0; got {self.pace}")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"`momentum` must be at least 0 and below 1; got {self.momentum}")
        self.flags()

    def said(self) -> dict[str, Any]:
        """Every setting, those left open as `loss` names them."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return {**NAMED[self.loss], **given}

    def flags(self) -> Flags:
        """The flags of the loss."""
        return Flags(**{name: value for name, value in self.said().items() if name in FLAGS})


class Preferred:
    """Cross-entropy first, then the preference loss against a frozen copy."""

    def __init__(self, config: Config) -> None:
        """Weigh as the settings say."""
        self.config, self.flags = config, config.flags()
        self.reference, self.policy = Reference(config.sft_epochs), Catalogue(config.cells)
        self.averages = Averages()

    def begin(self, context: TrainContext) -> None:
        """Nothing frozen, no mean margin; the control's deal of items is fixed by the seed."""
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
        )
        self.dealt = shuffled(context) if config.aux == "shuffled" else None

    def refresh(self, epoch: Epoch) -> None:
        """Freeze the policy when its own training is over, if anything reads it."""
        self.supervised = epoch.number <= self.config.sft_epochs
        if self.flags.needs_frozen:
            self.reference.refresh(epoch)

    def lr_factor(self, epoch: int) -> float:
        """Smaller steps once the policy is trained: preference tunes what is there."""
        return 1.0 if epoch <= self.config.sft_epochs else self.config.pace

    def rows(self, step: Step, s_pos: Tensor, s_neg: Tensor, negatives: Negatives) -> Tensor:
        """The loss of each row, [B]."""
        self.averages.add("supervised", s_pos.new_tensor(float(self.supervised)))
        if self.supervised:
            chosen = s_pos - torch.logsumexp(self.policy.scores(step.view), 1)
            self.averages.add("log_pi", chosen)
            return -chosen
        still = self.reference.view(step.batch) if self.flags.needs_frozen else None
        return self.preferred(step, still, s_pos, s_neg, negatives)

    def preferred(
        self, step: Step, still: View | None, s_pos: Tensor, s_neg: Tensor, negatives: Negatives
    ) -> Tensor:
        """The preference loss of each row, [B], from one view of the policy and one of the copy."""
        flags, config = self.flags, self.config
        pool = whose(step, still, negatives, flags.rho, config.group, config.similarity)
        ids = pool.take(negatives.ids) if pool.shares and negatives.ids is not None else None
        mask = usable(step, pool, ids, negatives, flags.mask_false)
        table = self.policy.scores(step.view) if flags.needs_partition else None
        policy = log_probs(s_pos, s_neg, table, ids)
        reference = self.frozen(still, negatives, ids) if flags.reference == "sft" else None
        gamma = self.margin.of(self.auxiliary(still, pool, negatives), pool, mask)
        logw = None if negatives.logw is None else pool.take(negatives.logw)
        given = Responses(policy, reference, pool, gamma, mask, logw)
        if step.number % EVERY == 1:
            self.measure(step, given)
        return given.loss(flags)

    @torch.no_grad()
    def frozen(self, still: View | None, negatives: Negatives, ids: Tensor | None) -> LogProbs:
        """The same log-probabilities by the frozen copy."""
        assert still is not None
        table = self.policy.scores(still) if self.flags.rho else None
        return log_probs(still.score_pair(still.positive), scored(still, negatives), table, ids)

    @torch.no_grad()
    def auxiliary(self, still: View | None, pool: Pool, negatives: Negatives) -> Tensor | None:
        """How likely the copy finds each negative for its own row, over the pools, [B, P]."""
        if still is None or not self.margin.reads:
            return None
        return pool.take(scored(still, negatives, self.dealt))

    @torch.no_grad()
    def measure(self, step: Step, given: Responses) -> None:
        """How far the policy drifts, the margin, and what sharing by neighbours gets wrong."""
        chosen = given.policy.positive
        if not self.flags.needs_partition:
            chosen = chosen - torch.logsumexp(self.policy.scores(step.view), 1)
        self.averages.add("log_pi", chosen)
        gamma = torch.as_tensor(given.gamma, dtype=chosen.dtype)
        self.averages.add("gamma", gamma)
        self.averages.add("gamma_spread", gamma.std(correction=0))
        given.tell(self.flags, self.averages)

    def observe(self, feedback: Feedback) -> None:
        """The margin's mean takes in the step."""
        if feedback.step.training:
            self.margin.move()

    def epoch_metrics(self) -> dict[str, float]:
        """Share of supervised steps, mean log pi of positives, margin, and the error of sharing."""
        return dict(self.averages.epoch_metrics())

    def state_dict(self) -> dict[str, Any]:
        """The frozen weights and the mean margin."""
        return {"frozen": self.reference.state_dict(), "mean": self.margin.mean}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take them back."""
        self.reference.load_state_dict(state["frozen"])
        self.margin.mean = state["mean"]


def build(config: Config) -> Method:
    """K uniform negatives a row under the preference loss."""
    return Method(Uniform(config.said()["negatives"]), Preferred(config))
