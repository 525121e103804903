"""MDCNS: hard negatives of two models that learn side by side, chosen where the two disagree too.

    j_z ~ U{the M of C with the greatest z_j + b |s_j - p_j|},   z = s, p and (s + p) / 2
    L = sum_z w_z loss(s_i, s_{j_z}) / sum_z w_z + c T^2 KL(t || softmax(s / T)) over i and C
    t = softmax((s + p) / 2T),   C = N uniform draws outside P_u

Li, Wang, Zhao, Tian, Wang, Wang & Chen, "Divergence Meets Consensus: A Multi-Source Negative
Sampling Framework for Sequential Recommendation", SIGIR 2026 (arXiv 2605.19651). s are the scores
of the backbone (self), p those of a peer, and their mean is the teacher: each gives one negative of
the row, and items on which the two disagree come first. The peer has the same loss with the places
of s and p exchanged; neither gives the other a gradient. The backbone is ranked, as released.

Differs: the published peer is another sequential network (GRU4Rec or Mamba beside SASRec); here it
is a factorisation of its own, a vector for each user and each item, beside any backbone, scored by
the backbone's similarity. Its loss is always BCE, whatever a recipe or `--objective` puts in the
place of the backbone's. The released code does not divide by the sum of the weights and sums the
divergence over the batch: its weight .01 there is c = .01 B / sum_z w_z here, 1.86 for its B of
1024 and weights of 1, 1 and 3.5, which are `preset=released`. Positives are never candidates. The
L2 penalty stands on the backbone's negatives alone.

`peer=self` is the control: p = s, so that there is no disagreement, no divergence and no second
model, but three draws of `dns_mn`; with `top=1` that is `dns`. Cost per step: N dot products a row
with gradient and as many of the peer; Adam over the peer's tables.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import nn

from negbench.ops import rng
from negbench.ops.epoch_means import EpochMeans
from negbench.parts import BCE, Uniform
from negbench.parts.losses.functions import bce, masked_score, over_negatives
from negbench.parts.requirements import ids_of, width_of
from negbench.parts.selection.top_scored import one_of_best
from negbench.protocol import (
    Card,
    Ids,
    Mask,
    Method,
    Negatives,
    Rows,
    Scores,
    Similarity,
    Step,
    TrainContext,
    View,
    check_ranges,
)

CARD = Card(
    title="MDCNS: negatives of two models and of their disagreement",
    family="dynamic",
    authors="Yuanzi Li, Lingjie Wang, Jingyu Zhao, Zihang Tian, Yuhan Wang, Lei Wang and Xu Chen",
    year=2026,
    venue="SIGIR",
    link="https://arxiv.org/abs/2605.19651",
    paper="Divergence Meets Consensus: A Multi-Source Negative Sampling Framework for Sequential "
    "Recommendation",
    moves=("stages",),
    provenance="specification",
    differs="The peer is a factorisation with vectors of users and items, not a second sequential "
    "network; the weight of the divergence does not grow with the batch.",
    controls={
        "mdcns(peer=self)": "no second model: three draws of dns_mn",
        "mdcns(divergence=0,distil=0)": "negatives of both models without disagreement",
    },
    presets={
        "released": {"candidates": 100, "top": 1, "w_both": 3.5, "distil": 1.86},
    },
    search={
        "candidates": ("of", 16, 32, 64, 100),
        "w_both": ("of", 0.5, 1.0, 2.0, 3.5),
        "distil": ("log", 0.1, 10.0),
        "tau": ("of", 0.7, 1.0, 10.0),
    },
)
INIT = 0.1
"""Standard deviation of the peer's first vectors."""


@dataclass(frozen=True)
class Config:
    """The settings."""

    candidates: int = 32
    """N, 1 or more; 100 in the paper."""
    top: int = 1
    """M, from 1 to `candidates`; 1 to 5 in the paper."""
    divergence: float = 1.0
    """b, 0 or more; 1 released. 0 chooses by score alone."""
    w_self: float = 1.0
    """Weight of the negative that the model itself finds hardest, 0 or more; .5 to 3 published."""
    w_peer: float = 1.0
    """Of the one that the other model finds hardest; likewise."""
    w_both: float = 1.0
    """Of the one by the mean score; likewise, 3.5 in the released example."""
    distil: float = 1.0
    """c, the weight of the divergence from the mean of both, 0 or more."""
    tau: float = 1.0
    """T, above 0; .7, 1 and 10 in the paper."""
    peer: Literal["mf", "self"] = "mf"
    """mf: a factorisation of its own; self: the backbone again, the control."""
    width: int = 0
    """Of the peer's vectors; 0 for the backbone's."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        least = {"divergence": 0, "w_self": 0, "w_peer": 0, "w_both": 0, "distil": 0, "width": 0}
        check_ranges(self, at_least=least, above={"tau": 0})
        if not 1 <= self.top <= self.candidates:
            raise ValueError(
                f"`top` must be from 1 to `candidates`; got {self.top} of {self.candidates}"
            )
        if not self.total:
            raise ValueError("one of `w_self`, `w_peer` and `w_both` must be above 0; got 0 each")

    @property
    def total(self) -> float:
        """The sum of the three weights."""
        return self.w_self + self.w_peer + self.w_both


def divergence_from(teacher: Scores, student: Scores, tau: float, mask: Mask | None) -> Rows:
    """T^2 KL(softmax(teacher / T) || softmax(student / T)) of each row, [B]; no gradient to the
    teacher, and what is masked has no part."""
    teacher, student = teacher.detach() / tau, student / tau
    if mask is not None:  # behind the division, which a small T would make infinite
        least = masked_score(student.dtype)
        teacher, student = teacher.masked_fill(~mask, least), student.masked_fill(~mask, least)
    log_t, log_s = teacher.log_softmax(1), student.log_softmax(1)
    rows: Rows = tau**2 * (log_t.exp() * (log_t - log_s)).sum(1)
    return rows


class Peer(nn.Module):
    """A factorisation beside the backbone: a vector for each user and each item."""

    def __init__(self, context: TrainContext, width: int) -> None:
        """Draw the vectors from their own random stream."""
        super().__init__()
        generator = rng.stream(context.seed, "mdcns peer", device=context.device)

        def table(rows: int) -> nn.Parameter:
            drawn = torch.randn(rows, width, generator=generator, device=context.device)
            return nn.Parameter(INIT * drawn)

        self.users, self.items = table(context.n_users), table(context.n_items)

    def scores(self, step: Step, ids: Ids) -> tuple[Rows, Scores]:
        """The scores of the positives [B] and of ids [B, N], by the backbone's similarity."""
        similarity = step.view.similarity
        if similarity.kind == "own":
            similarity = Similarity()
        query, positive = self.users[step.batch.users], self.items[step.batch.items]
        view = View(query, self.items, positive, similarity, dots=step.view.dots)
        return view.score_pair(positive), view.score_rows(ids)


class TwoModels:
    """Stage: one negative by the backbone, one by the peer and one by both; the peer learns too."""

    def __init__(self, config: Config) -> None:
        """The peer is built in `begin`."""
        self.config, self.averages = config, EpochMeans()
        self.peer: Peer | None = None

    def begin(self, context: TrainContext) -> None:
        """Callback before training: draw the peer's vectors."""
        if self.config.peer == "mf":
            self.peer = Peer(context, self.config.width or width_of(context))

    def minimised(self) -> Iterable[nn.Parameter]:
        """The peer's vectors."""
        return [] if self.peer is None else list(self.peer.parameters())

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """[B, N] or shared [K] -> [B, 3]: chosen by the backbone, by the peer and by both."""
        if not negatives.n:
            return negatives
        config, rows = self.config, len(step.batch)
        candidates = negatives.per_row(rows)
        mask = None if candidates.mask is None else candidates.mask.expand(rows, -1)
        if self.peer is None:
            own = step.scores_no_grad(candidates)
            at = self.choose(step, own, own, mask)
            return self.weighed(step, candidates.take(at), config.w_self, config.w_peer)
        ids = ids_of(step, candidates, "mdcns")
        with torch.set_grad_enabled(torch.is_grad_enabled() and bool(config.distil)):
            own_pos, own = step.view.score_pair(step.view.positive), step.score(candidates)
        theirs_pos, theirs = self.peer.scores(step, ids)
        at = self.choose(step, own.detach(), theirs.detach(), mask)
        of_peer = self.weighed(step, candidates.take(at), config.w_peer, config.w_self)
        weight = None if of_peer.logw is None else of_peer.logw.exp()
        losses = {"peer": bce(theirs_pos, theirs.gather(1, at), weight, of_peer.mask).mean()}
        if config.distil:
            student, peer = (
                torch.cat([positive.unsqueeze(1), scores], 1)
                for positive, scores in ((own_pos, own), (theirs_pos, theirs))
            )
            known = None if mask is None else torch.cat([torch.ones_like(mask[:, :1]), mask], 1)
            teacher = (student + peer) / 2
            for name, scores in (("distil", student), ("peer_distil", peer)):
                apart = divergence_from(teacher, scores, config.tau, known)
                losses[name] = config.distil * apart.mean()
        self.log_step(own.detach(), theirs.detach(), at, mask)
        used = self.weighed(step, candidates.take(at), config.w_self, config.w_peer)
        return replace(used, losses={**negatives.losses, **losses})

    @torch.no_grad()
    def choose(self, step: Step, own: Scores, theirs: Scores, mask: Mask | None) -> Ids:
        """Columns [B, 3] of the candidates [B, N]: one of the M best by s, by p and by both."""
        top, apart = min(self.config.top, own.shape[1]), (own - theirs).abs()
        if mask is not None:
            apart = apart.masked_fill(~mask, 0.0)
        chosen = []
        for scores in (own, theirs, (own + theirs) / 2):
            scores = scores + self.config.divergence * apart
            if mask is not None:
                scores = scores.masked_fill(~mask, -torch.inf)
            if top == 1:
                chosen.append(scores.argmax(1, keepdim=True))
            else:
                chosen.append(one_of_best(scores, top, step.generator, mask))
        return torch.cat(chosen, 1)

    def weighed(self, step: Step, negatives: Negatives, by_own: float, by_peer: float) -> Negatives:
        """The three negatives [B, 3] with their weights, whose mean is 1."""
        weights = (by_own, by_peer, self.config.w_both)
        if len(set(weights)) == 1:
            return negatives
        logs = [math.log(3 * w / self.config.total) if w else -math.inf for w in weights]
        logw = step.view.query.new_tensor(logs).expand(len(step.batch), -1)
        return replace(negatives, logw=logw if negatives.logw is None else negatives.logw + logw)

    @torch.no_grad()
    def log_step(self, own: Scores, theirs: Scores, at: Ids, mask: Mask | None) -> None:
        """Log how far the two models are apart, and how often they choose the same item."""
        self.averages.add("disagreement", over_negatives((own - theirs).abs(), None, mask))
        self.averages.add("same_choice", at[:, 0] == at[:, 1])

    def epoch_metrics(self) -> dict[str, float]:
        """Mean |s - p| over the candidates, and the share of rows in which both choose one item."""
        return dict(self.averages.epoch_metrics())

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the peer."""
        return {} if self.peer is None else dict(self.peer.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the peer."""
        if self.peer is not None:
            self.peer.load_state_dict(state)


def build(config: Config) -> Method:
    """Uniform candidates, three of them chosen by two models, with BCE."""
    return Method(sampler=Uniform(config.candidates), stages=(TwoModels(config),), objective=BCE())
