"""Dynamic negative sampling with a set hardness: one of the M best of N uniform candidates.

    j ~ U{the M best scored of C},   C = N uniform draws outside P_u

Shi, Chen, Feng, Zhang, Wu, Gao & He, "On the Theories Behind Hard Negative Sampling for
Recommendation", WWW 2023 (arXiv 2302.03472). Under BPR it estimates the one-way partial AUC with
false-positive rates up to M / N: the shorter the list that counts, the smaller M. The paper's code
averages the loss over all M (`keep=all`); its text draws one (`keep=one`, the same in
expectation). M = 1 is `dns`; M = N is `random`. Differs from the paper: fewer candidates by
default, and positives are never candidates. Cost per step: N dot products a row.
"""

from dataclasses import dataclass
from typing import Literal

from negbench.parts import BPR, TopM, Uniform
from negbench.protocol import Card, Method

CARD = Card(
    title="Dynamic negative sampling DNS(M, N)",
    family="dynamic",
    authors="Shi, Chen, Feng, Zhang, Wu, Gao and He",
    year=2023,
    venue="WWW",
    link="https://arxiv.org/abs/2302.03472",
    moves=("stages",),
    provenance="specification",
    differs="32 candidates by default instead of 200; positives are never candidates.",
    search={"candidates": ("of", 16, 32, 64, 200), "top": ("of", 1, 2, 4, 8)},
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    candidates: int = 32
    """N in the paper's words, 1 or more; 200 in the paper."""
    top: int = 4
    """M, from 1 to `candidates`; 1 to 20 are usual."""
    keep: Literal["one", "all"] = "one"
    """one: draw one of the M, as the text; all: average over them, as the code."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        if not 1 <= self.top <= self.candidates:
            raise ValueError(
                f"`top` must be from 1 to `candidates`; got {self.top} of {self.candidates}"
            )


def build(config: Config) -> Method:
    """One or all of the M top-scored uniform draws, with BPR."""
    stages = (TopM(config.top, config.keep),)
    return Method(sampler=Uniform(config.candidates), stages=stages, objective=BPR())
