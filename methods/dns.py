"""Dynamic negative sampling: of M uniform candidates, the one that the model scores highest.

    j* = argmax_{j in C} s(u, j),   C = M uniform draws outside P_u

Zhang, Chen, Wang & Yu, "Optimizing Top-N Collaborative Filtering via Dynamic Negative Item
Sampling", SIGIR 2013. The paper draws with a rank-dependent probability; this is the common form
with the highest-scored candidate. One candidate is `random`. Cost per step: M dot products a row.
"""

from dataclasses import dataclass

from negbench.parts import BPR, TopM, Uniform
from negbench.protocol import Card, Method, check_ranges

CARD = Card(
    title="Dynamic negative sampling",
    family="dynamic",
    authors="Weinan Zhang, Tianqi Chen, Jun Wang and Yong Yu",
    year=2013,
    venue="SIGIR",
    link="https://doi.org/10.1145/2484028.2484126",
    paper="Optimizing Top-N Collaborative Filtering via Dynamic Negative Item Sampling",
    moves=("stages",),
    provenance="specification",
    differs="Always takes the best scored candidate, the form in common use.",
    search={"candidates": ("of", 2, 4, 8, 16, 32, 64)},
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    candidates: int = 8
    """M, 1 or more; 4 to 32 are usual."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"candidates": 1})


def build(config: Config) -> Method:
    """The top-scored of M uniform draws, with BPR."""
    return Method(sampler=Uniform(config.candidates), stages=(TopM(1),), objective=BPR())
