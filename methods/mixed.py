"""Mixed negatives: the batch's positives together with uniform items, one pool for all rows.

    L = log(1 + sum_j e^{s_j - log q_j - log N - s_i})
    q_j = (K count_j / sum count + K' / I) / (K + K')

Yang, Yi, Cheng, Hong, Li, Wang, Xu & Chi, "Mixed Negative Sampling for Learning Two-tower Neural
Networks in Recommendations", WWW Companion 2020. The uniform part reaches items that no batch
holds. Differs from the paper: only negatives are corrected, a user's other positives are hidden
(and q renormalised), and both parts have a bound of their own. Cost per step: K + K' shared dot
products a row, K' item vectors.
"""

from dataclasses import dataclass

from negbench.parts import Pool, Softmax
from negbench.protocol import Card, Method

CARD = Card(
    title="Mixed in-batch and uniform negatives",
    family="static",
    authors="Yang, Yi, Cheng, Hong, Li, Wang, Xu and Chi",
    year=2020,
    venue="WWW Companion",
    link="https://doi.org/10.1145/3366424.3386195",
    moves=("sampler",),
    provenance="specification",
    differs="Only negatives are corrected; a user's other positives are hidden from the row.",
    search={"pool": ("of", 128, 512, 2048), "uniform": ("of", 128, 512, 2048)},
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    pool: int = 512
    """K at most, 0 or more; the whole batch in the paper."""
    uniform: int = 512
    """K', 0 or more; 0 to 8192 in the paper."""
    correct: bool = True
    """Subtract log q of the mixture, as the paper does."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        if min(self.pool, self.uniform) < 0 or self.pool + self.uniform < 1:
            raise ValueError(
                "`pool` and `uniform` must be 0 or more and not both 0; "
                f"got {self.pool} and {self.uniform}"
            )


def build(config: Config) -> Method:
    """The mixture with a sampled softmax loss."""
    return Method(sampler=Pool(config.pool, config.uniform), objective=Softmax(config.correct))
