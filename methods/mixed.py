"""Mixed negatives: the batch's positives together with uniform items, one pool for all rows.

    L = log(1 + sum_j e^{s_j - log q_j - log N - s_i})
    q_j = (K count_j / sum count + K' / I) / (K + K')

Yang, Yi, Cheng, Hong, Li, Wang, Xu & Chi, "Mixed Negative Sampling for Learning Two-tower Neural
Networks in Recommendations", WWW Companion 2020. The uniform part reaches items that no batch
holds. Differs from the paper: only negatives are corrected, a user's other positives are hidden
(and q renormalised), and both parts have a bound of their own.

`correction=exact` and `marginal`, and `pool_of=sequence,hide=batch`, the form of a study of
sequential models (arXiv 2410.17276, there MNS) whose loss is `--objective bce`, are as in
`in_batch`; `preset=apple` has the study's numbers for Beauty. Cost per step: K + K' shared dot
products a row, K' item vectors; with `pool_of=sequence` K + K' gathered ones a row.
"""

from dataclasses import dataclass
from typing import Literal

from negbench.parts import Pool
from negbench.parts.losses.exact_softmax import Correction, correction_of, softmax_of
from negbench.parts.sampling.shared_pool import Hide, PoolOf
from negbench.protocol import Card, Method

CARD = Card(
    title="Mixed in-batch and uniform negatives",
    family="static",
    authors="Ji Yang, Xinyang Yi, Derek Zhiyuan Cheng, Lichan Hong, Yang Li, Simon Xiaoming Wang,"
    " Taibai Xu and Ed H. Chi",
    year=2020,
    venue="WWW Companion",
    link="https://doi.org/10.1145/3366424.3386195",
    paper="Mixed Negative Sampling for Learning Two-tower Neural Networks in Recommendations",
    moves=("sampler",),
    provenance="specification",
    differs="Only negatives are corrected; a user's other positives are hidden from the row.",
    search={"pool": ("of", 128, 512, 2048), "uniform": ("of", 128, 512, 2048)},
    controls={
        "mixed(correction=none)": "the same draws without the correction",
        "mixed(correction=marginal)": "log q over all items, the positive among them",
    },
    presets={
        "apple": {
            "pool": 5,
            "uniform": 5,
            "pool_of": "sequence",
            "hide": "batch",
            "correction": None,
        },
    },
    later=("correction", "pool_of", "hide"),
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    pool: int = 512
    """K at most, 0 or more; the whole batch in the paper."""
    uniform: int = 512
    """K', 0 or more; 0 to 8192 in the paper."""
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
        if min(self.pool, self.uniform) < 0 or self.pool + self.uniform < 1:
            raise ValueError(
                "`pool` and `uniform` must be 0 or more and not both 0; "
                f"got {self.pool} and {self.uniform}"
            )
        correction_of(self.correction, self.correct)


def build(config: Config) -> Method:
    """The mixture with a sampled softmax loss."""
    correction = correction_of(config.correction, config.correct)
    conditional = correction != "marginal"
    sampler = Pool(config.pool, config.uniform, config.hide, config.pool_of, conditional)
    return Method(sampler=sampler, objective=softmax_of(correction))
