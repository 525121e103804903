"""Uniform negatives: every item outside the user's exclusion has the same probability.

    q(j | u) = 1 / (I - |P_u|)   for j not in P_u

Rendle, Freudenthaler, Gantner & Schmidt-Thieme, "BPR: Bayesian Personalized Ranking from Implicit
Feedback", UAI 2009 (arXiv 1205.2618). The row that every other method is compared with. Exact for
any user: many official codes do not exclude positives at all (`--exclude none` shows what that
does). `shared=sequence` gives all positions of a history the same draws, as a study of sequential
models does (arXiv 2410.17276, there RNS, with `--objective bce`); `preset=apple` has its numbers
for Beauty. Cost per step: N draws and N dot products a row.
"""

from dataclasses import dataclass

from negbench.parts import BPR, Uniform
from negbench.parts.sampling.per_sequence import Shared, shared_by
from negbench.protocol import Card, Method, check_ranges

CARD = Card(
    title="Uniform negatives",
    family="static",
    authors="Steffen Rendle, Christoph Freudenthaler, Zeno Gantner and Lars Schmidt-Thieme",
    year=2009,
    venue="UAI",
    link="https://arxiv.org/abs/1205.2618",
    paper="BPR: Bayesian Personalized Ranking from Implicit Feedback",
    moves=("sampler",),
    provenance="specification",
    search={"negatives": ("of", 1, 4, 16, 64)},
    presets={"apple": {"negatives": 5, "shared": "sequence"}},
    later=("shared",),
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    negatives: int = 1
    """N, 1 or more; the paper takes 1."""
    shared: Shared = "row"
    """Draws of each row's own, or the same for all positions of a sequence."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"negatives": 1})


def build(config: Config) -> Method:
    """Uniform draws with BPR."""
    return Method(sampler=shared_by(config.shared, Uniform(config.negatives)), objective=BPR())
