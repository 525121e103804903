"""DENS: vectors gated into a relevant and an irrelevant part, and negatives chosen by both.

    p_r = p * sig(W1 p + W2 u),   n_r = n * sig(W3 n + W4 p_r),   p_ir = p - p_r,   n_ir = n - n_r
    j_l = argmax_{j in C} <u^l, (1 - t) n_j^l - n_{r,j}^l>,   t = min(1, epoch / warm)
    L = softplus(s_n - s_i) + gamma/4 (sp(s(p_ir) - s(p_r)) + sp(s(n_r) - s(n_ir))
                                     + sp(s(n_r) - s(p_r)) + sp(s(p_ir) - s(n_ir)))

Lai et al., "Disentangled Negative Sampling for Collaborative Filtering", WSDM 2023. Each layer of
the backbone chooses by its own vectors among M uniform candidates, and the negative n is the mean
of what the layers chose, all of it rows of real items. The four terms of the auxiliary loss stand
on the means over layers and train the gates: the positive is liked for its relevant part, the
negative disliked for its own. A backbone without layers has one, and its negative is one item.

The choice is by low relevance: with gates of 1/2 (new ones are near it) the first epoch, t = 0, is
`dns` at each layer, and t = 1 takes the easiest candidate. So if the gates learn nothing the method
becomes easier than `random`; the epoch's metrics `dens_t` and `dens_hardness`, the mean of
s_n - mean_{j in C} s_j, show it. The ramp is the method and not a warm-up before it: the published
results are of epochs 10 to 55 of a ramp of 100, so no phase begins at its end.

Differs: of a mosaic of several items the recorded id, which bears the L2 penalty, is that of a
layer drawn uniformly. Epochs of the ramp count from 0, as released. Scores s are the backbone's
own, cosines where it has them. Cost per step: M (L + 1) dot products and gates, D^2 each, a row.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F

from negbench.ops import rng
from negbench.ops.epoch_means import EpochMeans
from negbench.parts import BPR, Uniform
from negbench.parts.layer_vectors import LayerStack, any_layer
from negbench.parts.requirements import ids_of, width_of
from negbench.protocol import (
    AnyShape,
    AnyVectors,
    Card,
    LayerVectors,
    Method,
    Negatives,
    Scalar,
    Step,
    TrainContext,
    check_ranges,
)

CARD = Card(
    title="DENS: disentangled negative sampling",
    family="dynamic",
    authors="Riwei Lai, Li Chen, Yuhan Zhao, Rui Chen and Qilong Han",
    year=2023,
    venue="WSDM",
    link="https://doi.org/10.1145/3539597.3570419",
    paper="Disentangled Negative Sampling for Collaborative Filtering",
    moves=("stages",),
    provenance="specification",
    differs="Runs on backbones without layers too, with one item as the negative.",
    search={
        "candidates": ("of", 4, 6, 8, 16),
        "gamma": ("of", 0.1, 0.3, 0.5),
        "warm": ("of", 20, 50, 100),
    },
    controls={"dens(gamma=0)": "gates that never learn"},
    presets={"released": {"candidates": 6, "gamma": 0.3, "warm": 100}},
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    candidates: int = 6
    """M, 1 or more; 6 by default in the released code."""
    gamma: float = 0.3
    """Weight of the auxiliary loss, 0 or more; .3 released. 0 leaves the gates untrained."""
    warm: int = 100
    """Epochs of the ramp of t from 0 to 1, 1 or more; 100 released."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"candidates": 1, "gamma": 0, "warm": 1})


class Gates(torch.nn.Module):
    """The four linear maps inside the gates, the same at every layer."""

    def __init__(self, width: int, seed: int) -> None:
        """Weights and biases uniform within 1 / sqrt(D), as released."""
        super().__init__()
        generator, bound = rng.stream(seed, "dens gates"), width**-0.5

        def linear() -> torch.nn.Linear:
            # On no device first: torch's own values would come from the global generator.
            layer = torch.nn.Linear(width, width, device="meta").to_empty(device="cpu")
            with torch.no_grad():
                layer.weight.uniform_(-bound, bound, generator=generator)
                layer.bias.uniform_(-bound, bound, generator=generator)
            return layer

        self.positive, self.user = linear(), linear()
        self.negative, self.relevant = linear(), linear()

    def of_positives(self, positives: AnyVectors, users: AnyVectors) -> AnyVectors:
        """The relevant part of positives, given their users."""
        return positives * torch.sigmoid(of(self.positive, positives) + of(self.user, users))

    def of_negatives(self, negatives: AnyVectors, relevant: AnyVectors) -> AnyVectors:
        """The relevant part of negatives, given the relevant part of their positives."""
        gate = of(self.negative, negatives) + of(self.relevant, relevant)
        return negatives * torch.sigmoid(gate)


def of(layer: torch.nn.Linear, vectors: AnyVectors) -> AnyVectors:
    """The layer's output, of the precision of the vectors, which may not be that of its weights."""
    output: AnyVectors = layer(vectors.to(layer.weight.dtype))
    return output.to(vectors.dtype)


class Disentangled:
    """Stage: at each layer the candidate of the least relevant part, and the gates' own loss."""

    def __init__(self, config: Config) -> None:
        """The gates are built in `begin`."""
        self.config, self.averages = config, EpochMeans()

    def begin(self, context: TrainContext) -> None:
        """Callback before training: build the gates."""
        self.gates = Gates(width_of(context), context.seed).to(context.device)

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """[B, M] or shared [K] -> [B, 1]: an item, or a mean [B, 1, D] over layers."""
        if not negatives.n:
            return negatives
        layers, ids = LayerStack(step), ids_of(step, negatives, "dens")
        users, positives = layers.queries, layers.positives()
        best = self.choose(step, negatives, layers, positives)
        kept = negatives.take(any_layer(best, step.generator))
        if not layers.many and not self.config.gamma:
            return kept
        rows = layers.chosen(ids.gather(1, best.flatten(1)).view_as(best))
        if self.config.gamma:
            loss = self.config.gamma * self.loss(step, users, positives, rows, kept)
            kept = replace(kept, losses={**kept.losses, "gates": loss})
        return replace(kept, vectors=rows.mean(2), named=True) if layers.many else kept

    def ramp(self, step: Step) -> float:
        """t, from 0 in the first epoch to 1."""
        return min(1.0, (step.epoch - 1) / self.config.warm)

    @torch.no_grad()
    def choose(
        self, step: Step, negatives: Negatives, layers: LayerStack, positives: LayerVectors
    ) -> AnyShape:
        """Column of the chosen candidate at each layer, [B, 1, L]."""
        t, users = self.ramp(step), layers.queries
        relevant = self.gates.of_positives(positives, users).unsqueeze(1)
        values, scores = [], []
        for rows, vectors in layers.candidates(negatives):
            part = self.gates.of_negatives(vectors, relevant[rows])
            scores.append(torch.einsum("bmld,bld->bml", vectors, users[rows]))
            value = (1 - t) * scores[-1] - torch.einsum("bmld,bld->bml", part, users[rows])
            values.append(value)
        value, score = torch.cat(values), torch.cat(scores)
        step.view.dots.add(value.numel())
        mean = score.mean(1, keepdim=True)
        if negatives.mask is not None:
            usable = negatives.mask.unsqueeze(-1)
            value.masked_fill_(~usable, -torch.inf)
            mean = (score * usable).sum(1, keepdim=True) / usable.sum(1, keepdim=True).clamp(min=1)
        best = value.argmax(1, keepdim=True)
        hardness = score.gather(1, best) - mean
        if negatives.mask is not None:
            hardness = hardness[negatives.mask.any(1)]
        self.averages.add_sum("dens_t", t)
        self.averages.add("dens_hardness", hardness)
        return best

    def loss(
        self,
        step: Step,
        users: LayerVectors,
        positives: LayerVectors,
        rows: AnyVectors,
        kept: Negatives,
    ) -> Scalar:
        """The gates' loss for negatives [B, 1, L, D]: the mean of its four terms over rows."""
        p_r = self.gates.of_positives(positives, users)
        n_r = self.gates.of_negatives(rows.squeeze(1), p_r)
        parts = torch.stack([p_r, positives - p_r, n_r, rows.squeeze(1) - n_r], 1).mean(2)
        s = step.view.score_rows(parts)
        p_r, p_ir, n_r, n_ir = s.unbind(1)
        terms = [p_ir - p_r, n_r - n_ir, n_r - p_r, p_ir - n_ir]
        loss = F.softplus(torch.stack(terms)).mean(0)
        if kept.mask is not None:
            loss = loss * kept.mask[:, 0]
        return loss.mean()

    def minimised(self) -> Iterable[torch.nn.Parameter]:
        """The gates' parameters; none where they do not learn."""
        return self.gates.parameters() if self.config.gamma else []

    def epoch_metrics(self) -> dict[str, float]:
        """The epoch's metrics: t, and how much harder than the mean the chosen candidates are."""
        return dict(self.averages.epoch_metrics())

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the gates."""
        return dict(self.gates.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the gates."""
        self.gates.load_state_dict(state)


def build(config: Config) -> Method:
    """One of M uniform candidates at each layer, with BPR and the gates' loss."""
    return Method(
        sampler=Uniform(config.candidates), stages=(Disentangled(config),), objective=BPR()
    )
