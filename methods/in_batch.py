"""In-batch negatives: each row takes the positives of the batch's other rows.

    L = log(1 + sum_{j in batch, j not in P_u} e^{z_j - s_i}),   z_j = s_j - log q(j | u) - log N

Yi, Yang, Hong, Cheng, Heldt, Kumthekar, Zhao, Wei & Chi, "Sampling-Bias-Corrected Neural Modeling
for Large Corpus Item Recommendations", RecSys 2019. A positive comes in proportion to its train
count, so an uncorrected softmax pushes popular items down; logQ undoes it. Differs from the paper:
q is counted on the train part, not streamed; only negatives are corrected, for the positive is not
a draw; a user's other positives are hidden; and the pool is bounded, so that thousands of sequence
rows do not score each other.

log q(j | u) is the law of what the row may have, its positive left out. `correction=exact` (RecSys
2025, arXiv 2507.09331) asks for just that, so its gradient is that of the default and only the
value of the loss differs: as a row of a table it is the default, not another method.
`correction=marginal` is log q over all items, the common correction that it corrects.
`pool_of=sequence,hide=batch` is the form of a study of sequential models (arXiv 2410.17276, there
BNS): each history has K of the batch's positives, drawn without replacement, and only its own of
this batch are hidden; its loss is `--objective bce`, and `preset=apple` has its numbers for Beauty.
Cost per step: K = min(B, pool) shared dot products a row, no further item vectors; with
`pool_of=sequence` K gathered ones a row, and a random number for each sequence and row of the
batch.
"""

from dataclasses import dataclass
from typing import Literal

from negbench.parts import Pool
from negbench.parts.losses.exact_softmax import Correction, correction_of, softmax_of
from negbench.parts.sampling.shared_pool import Hide, PoolOf
from negbench.protocol import Card, Method, check_ranges

CARD = Card(
    title="In-batch negatives with logQ correction",
    family="static",
    authors="Xinyang Yi, Ji Yang, Lichan Hong, Derek Zhiyuan Cheng, Lukasz Heldt, Aditee"
    " Kumthekar, Zhe Zhao, Li Wei and Ed H. Chi",
    year=2019,
    venue="RecSys",
    link="https://doi.org/10.1145/3298689.3346996",
    paper="Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations",
    moves=("sampler",),
    provenance="specification",
    differs="Counted instead of streamed frequencies, only negatives corrected, a bounded pool.",
    search={"pool": ("of", 128, 512, 2048), "correct": ("of", True, False)},
    controls={
        "in_batch(correction=none)": "the same draws without the correction",
        "in_batch(correction=marginal)": "log q over all items, the positive among them",
    },
    presets={
        "apple": {"pool": 50, "pool_of": "sequence", "hide": "batch", "correction": None},
    },
    later=("correction", "pool_of", "hide"),
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    pool: int = 1024
    """K at most, 1 or more; the whole batch in the paper."""
    correct: bool = True
    """Subtract log q; the paper's correction. False is the plain softmax."""
    correction: Correction | Literal["auto"] = "auto"
    """log q given what is hidden (standard, exact) or not (marginal); none: leave it out; auto:
    standard, unless `correct` is false."""
    pool_of: PoolOf = "batch"
    """One pool for the batch, as in the paper, or one for each of its sequences."""
    hide: Hide = "excluded"
    """From a row: its user's whole exclusion, or its user's positives of this batch alone."""

    def __post_init__(self) -> None:
        """Check the settings. Raises ValueError for an empty pool or two corrections."""
        check_ranges(self, at_least={"pool": 1})
        correction_of(self.correction, self.correct)


def build(config: Config) -> Method:
    """The batch's positives with a sampled softmax loss."""
    correction = correction_of(config.correction, config.correct)
    conditional = correction != "marginal"
    sampler = Pool(config.pool, 0, config.hide, config.pool_of, conditional)
    return Method(sampler=sampler, objective=softmax_of(correction))
