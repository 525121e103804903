"""Adaptive negatives: the top-scored items of an in-batch pool, chosen for each row.

    L = softplus(-s_i) + w/k sum_{j in top_k} softplus(s_j),   top_k of K in-batch items, w = 1

Prakash, Bermperidis & Chennu, "Evaluating Performance and Bias of Negative Sampling in Large-Scale
Sequential Recommendation Models", 2024 (arXiv 2410.17276), there called ANS. With `faithful` the
negative term is scaled as in the authors' code, w = k / K: top-k scores are put into zeros of the
pool's width, and the mean runs over all of them; K is what the batch can give where it has fewer,
and each negative weighs 1 / K where fewer than k are left. Only the user's positives of this batch
are hidden then, as there. What differs even so: the pool is drawn once for the batch, there once
for each sequence (`pool_of=sequence`); the constant log 2 of the zeros is left out (no gradient);
negatives are drawn anew at every step; padding adds nothing. Without `faithful` the user's whole
exclusion is hidden. No correction for popularity in either. The pool is the paper's; of its values
of k the default is the one that goodbooks' valid part prefers; `preset=apple` has its numbers for
Beauty. Cost: K shared dots a row.
"""

from dataclasses import dataclass

from negbench.parts import BCE, Pool, TopM
from negbench.parts.sampling.shared_pool import Hide, PoolOf
from negbench.parts.selection.scattered_mean import ScatteredTop
from negbench.protocol import Card, Method

CARD = Card(
    title="Adaptive negatives: top-k of an in-batch pool",
    family="dynamic",
    authors="Arushi Prakash, Dimitrios Bermperidis and Srivas Chennu",
    year=2024,
    venue="arXiv",
    link="https://arxiv.org/abs/2410.17276",
    paper="Evaluating Performance and Bias of Negative Sampling in Large-Scale Sequential "
    "Recommendation Models",
    moves=("sampler", "stages"),
    provenance="specification",
    differs="One pool for the batch unless `pool_of=sequence`; the loss scaling is a switch.",
    search={"pool": ("of", 100, 300, 1000), "top": ("of", 5, 25, 50)},
    presets={"apple": {"pool": 100, "top": 25, "faithful": True, "pool_of": "sequence"}},
    later=("pool_of",),
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    pool: int = 100
    """K at most, 1 or more; 100 in the paper."""
    top: int = 25
    """k, from 1 to `pool`; 5 or 25 in the paper."""
    faithful: bool = False
    """Weigh the negatives by k / K and hide the batch's positives only, as the authors' code."""

    pool_of: PoolOf = "batch"
    """One pool for the batch, or one for each of its sequences, as in the paper."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        if not 1 <= self.top <= self.pool:
            raise ValueError(f"`top` must be from 1 to `pool`; got {self.top} of {self.pool}")


def build(config: Config) -> Method:
    """The top-scored of the pool, with BCE."""
    hide: Hide = "batch" if config.faithful else "excluded"
    return Method(
        sampler=Pool(config.pool, hide=hide, pool_of=config.pool_of),
        stages=(ScatteredTop(config.top) if config.faithful else TopM(config.top),),
        objective=BCE(),
    )
