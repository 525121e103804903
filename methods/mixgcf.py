"""MixGCF: negatives mixed from candidates and a share of the positive, layer by layer.

    e'_j^l = a^l e_i^l + (1 - a^l) e_j^l,   a^l ~ U(0, 1),   l = 0 .. L,   j in C
    j_l = argmax_{j in C} <q, e'_j^l>,   e- = mean_l e'_{j_l}^l,   C = M uniform draws outside P_u
    L = log(1 + sum_{k <= K} e^{s_k - s_i})

Huang et al., "MixGCF: An Improved Training Method for Graph Neural Network-based Recommender
Systems", KDD 2021. One a for a row, a layer and a negative, the same for all candidates, so that
mixing does not change which one is best; q is the final user vector, as with mean pooling, or the
user's own vector of the layer (`query=layer`, the paper's for concatenated layers). The gradient
goes to both ends of the mixture.

A backbone without layers has one. There the choice is that of `dns` and the loss is
softplus((1 - a)(s_j - s_i)): MixGCF on matrix factorisation is `dns` with a random scale of the
margin, a softer DNS, and what the mixture holds of the positive cancels from its gradient.
`soft_bpr` is the same with a fixed scale: the control for the randomness. `low=0,high=0` is `dns`,
and `low=1,high=1` is no negative at all: loss log 2, gradient 0.

Differs: the L2 penalty stands on a real chosen item, not on layer 0 of the mixture; of a mosaic of
several items the recorded id is that of a layer drawn uniformly, so that counts over many rows
weigh each layer's item by 1 / (L + 1). Candidates are compared by the backbone's own similarity; a
mixture is scored by it too, so that under cosines the algebra above holds only nearly. Cost per
step: K M (L + 1) dot products and look-ups a row.
"""

from dataclasses import dataclass, replace
from typing import Literal

import torch

from negbench.parts import BPR, Softmax, Uniform
from negbench.parts.layer_vectors import LayerStack, any_layer
from negbench.parts.requirements import ids_of
from negbench.protocol import AnyShape, Card, Method, Negatives, Objective, Step, check_ranges

CARD = Card(
    title="MixGCF: positives mixed into hard negatives, layer by layer",
    family="dynamic",
    authors="Tinglin Huang, Yuxiao Dong, Ming Ding, Zhen Yang, Wenzheng Feng, Xinyu Wang and Jie"
    " Tang",
    year=2021,
    venue="KDD",
    link="https://doi.org/10.1145/3447548.3467408",
    paper="MixGCF: An Improved Training Method for Graph Neural Network-based Recommender Systems",
    moves=("stages",),
    provenance="specification",
    differs="On a backbone without layers it is DNS with a random margin scale; the L2 penalty "
    "stands on a real chosen item instead of the mixture.",
    search={"candidates": ("of", 8, 16, 32, 64), "high": ("float", 0.2, 1.0)},
    controls={
        "mixgcf(low=0,high=0)": "no mixing: hard negatives, at each layer its own",
        "mixgcf(low=0.5,high=0.5)": "the same share of the positive in every row",
    },
    presets={"released": {"candidates": 64, "negatives": 1, "query": "pooled"}},
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    candidates: int = 16
    """M, 1 or more; released 64 (yelp2018), 32 (alibaba) and 16 (amazon)."""
    negatives: int = 1
    """K, 1 or more, each of M candidates of its own; 1 released."""
    query: Literal["pooled", "layer"] = "pooled"
    """pooled: the final user vector; layer: the user's own vector of each layer."""
    low: float = 0.0
    """Least share a of the positive, 0 to 1; 0 in the paper."""
    high: float = 1.0
    """Greatest share, `low` to 1; 1 in the paper."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"candidates": 1, "negatives": 1})
        if not 0 <= self.low <= self.high <= 1:
            raise ValueError(
                "`low` and `high` must be shares with 0 <= low <= high <= 1; got "
                f"{self.low} and {self.high}"
            )


@dataclass(frozen=True)
class Mixture:
    """Stage: mix the best candidate of each layer with the positive, and pool the layers."""

    config: Config

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """Vectors [B, K, D] from candidates [B, K M], with the id of one of the mixed items."""
        if not negatives.n:
            return negatives
        layers, ids = LayerStack(step), ids_of(step, negatives, "mixgcf")
        best = self.best(step, negatives, layers)
        chosen = ids.gather(1, best.flatten(1)).view_as(best)
        share = self.share(step, best)
        mixed = share * layers.positives().unsqueeze(1) + (1 - share) * layers.chosen(chosen)
        kept = negatives.take(any_layer(best, step.generator))
        return replace(kept, vectors=mixed.mean(2), named=True)

    @torch.no_grad()
    def best(self, step: Step, negatives: Negatives, layers: LayerStack) -> AnyShape:
        """Column of the best candidate of each negative at each layer, [B, K, L]."""
        k = min(self.config.negatives, negatives.n)
        m, rows = negatives.n // k, len(step.batch)
        scores = self.scores(step, negatives, layers)[:, : k * m]
        best = scores.view(rows, k, m, scores.shape[-1]).argmax(2)
        return best + m * torch.arange(k, device=best.device).view(1, k, 1)

    def scores(self, step: Step, negatives: Negatives, layers: LayerStack) -> AnyShape:
        """The score of each candidate at each layer, [B, N, L]; minus infinity where masked."""
        if not layers.many:
            return step.scores_no_grad(negatives).unsqueeze(-1)
        similarity = step.view.similarity
        query = layers.queries if self.config.query == "layer" else step.view.query.unsqueeze(1)
        query = similarity.query(query).detach().expand(-1, layers.queries.shape[1], -1)
        blocks = [
            torch.einsum("bmld,bld->bml", similarity.prepare(vectors), query[rows])
            for rows, vectors in layers.candidates(negatives)
        ]
        scores = torch.cat(blocks)
        step.view.dots.add(scores.numel())
        if negatives.mask is None:
            return scores
        return scores.masked_fill_(~negatives.mask.unsqueeze(-1), -torch.inf)

    def share(self, step: Step, like: AnyShape) -> AnyShape:
        """The share a of the positive, [B, K, L, 1]."""
        config, view = self.config, step.view
        at = torch.rand(like.shape, generator=step.generator, device=view.query.device)
        share: AnyShape = config.low + (config.high - config.low) * at.unsqueeze(-1)
        return share


def build(config: Config) -> Method:
    """Uniform candidates and their mixtures, with BPR, or its form for several negatives."""
    objective: Objective = BPR() if config.negatives == 1 else Softmax(correct=False)
    return Method(
        sampler=Uniform(config.candidates * config.negatives),
        stages=(Mixture(config),),
        objective=objective,
    )
