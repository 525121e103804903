"""WARP: the first of some draws that violates the margin, weighed by the rank that it suggests.

    L = w(tries) max(0, 1 - s_i + s_j),   w = min(10, log max(1, floor((I - 1) / tries)))

Weston, Bengio & Usunier, "WSABIE: Scaling Up to Large Vocabulary Image Annotation", IJCAI 2011, in
the form of the released code of LightFM. Items are drawn until one scores above s_i - 1; a positive
far down its user's list meets one at once and is pushed hard, one near the top needs many tries and
is left alone. With violators in a share v of the items a row takes (1 - (1 - v)^T) / v tries. One
try (`tries=1`) is the hinge on one uniform draw with the constant weight log(I - 1). A row without
violator has no loss.

All T items are drawn and scored at once, for rows side by side. What differs: the user's items are
never drawn, where LightFM draws from all and a violating positive costs a try and is skipped. The
margin is meant for scores of about unit scale. Cost per step: T draws and T + 1 dot products a row.
"""

from dataclasses import dataclass

from negbench.parts import Hinge, Uniform
from negbench.parts.selection.first_violator import FirstViolator
from negbench.protocol import Card, Method, check_ranges

CARD = Card(
    title="WARP: weighted approximate-rank pairwise loss",
    family="ranking",
    authors="Jason Weston, Samy Bengio and Nicolas Usunier",
    year=2011,
    venue="IJCAI",
    link="https://doi.org/10.5591/978-1-57735-516-8/IJCAI11-460",
    paper="WSABIE: Scaling Up to Large Vocabulary Image Annotation",
    moves=("stages", "objective"),
    provenance="specification",
    differs="The user's items are never drawn, so none of them costs a try.",
    search={"tries": ("of", 4, 10, 32), "margin": ("of", 0.25, 0.5, 1.0, 2.0)},
    controls={"warp(tries=1)": "the hinge on one draw, every row with the same weight"},
    presets={"released": {"tries": 10, "margin": 1.0, "cap": 10.0}},
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    tries: int = 10
    """T, 1 or more; 10 in the released code."""
    margin: float = 1.0
    """Above 0; 1 in the paper."""
    cap: float = 10.0
    """The greatest weight of a row, above 0; 10 in the released code."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"tries": 1}, above={"margin": 0, "cap": 0})


def build(config: Config) -> Method:
    """The first violator of T uniform draws, with the hinge."""
    return Method(
        sampler=Uniform(config.tries),
        stages=(FirstViolator(config.margin, config.cap),),
        objective=Hinge(config.margin),
    )
