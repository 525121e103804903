"""In-batch negatives: each row takes the positives of the batch's other rows.

    L = log(1 + sum_{j in batch, j not in P_u} e^{z_j - s_i}),   z_j = s_j - log q(j | u) - log N

Yi, Yang, Hong, Cheng, Heldt, Kumthekar, Zhao, Wei & Chi, "Sampling-Bias-Corrected Neural Modeling
for Large Corpus Item Recommendations", RecSys 2019. A positive comes in proportion to its train
count, so an uncorrected softmax pushes popular items down; logQ undoes it. Differs from the paper:
q is counted on the train part, not streamed; only negatives are corrected, for the positive is not
a draw; a user's other positives are hidden; and the pool is bounded, so that thousands of sequence
rows do not score each other. Cost per step: K = min(B, pool) shared dot products a row, no further
item vectors.
"""

from dataclasses import dataclass

from negbench.parts import Pool, Softmax
from negbench.protocol import Card, Method, check_ranges

CARD = Card(
    title="In-batch negatives with logQ correction",
    family="static",
    authors="Yi, Yang, Hong, Cheng, Heldt, Kumthekar, Zhao, Wei and Chi",
    year=2019,
    venue="RecSys",
    link="https://doi.org/10.1145/3298689.3346996",
    moves=("sampler",),
    provenance="specification",
    differs="Counted instead of streamed frequencies, only negatives corrected, a bounded pool.",
    search={"pool": ("of", 128, 512, 2048), "correct": ("of", True, False)},
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    pool: int = 1024
    """K at most, 1 or more; the whole batch in the paper."""
    correct: bool = True
    """Subtract log q; the paper's correction. False is the plain in-batch softmax."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"pool": 1})


def build(config: Config) -> Method:
    """The batch's positives with a sampled softmax loss."""
    return Method(sampler=Pool(config.pool), objective=Softmax(config.correct))
