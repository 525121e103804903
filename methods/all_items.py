"""All items: the full softmax, without any sampling.

    L = log(1 + sum_{j not in P_u} e^{s_j - s_i})

The oracle that every sampled softmax approximates (Bengio & Senecal, "Adaptive Importance Sampling
to Accelerate Training of a Neural Probabilistic Language Model", IEEE TNN 2008, give the
estimate). The user's other positives are left out of the sum, as no sampler draws them; `--exclude
none` leaves out the row's positive alone. A step holds B x I scores several times over, so it is
refused above `cells`, never cut short in silence. Cost per step: I shared dot products a row, I
item vectors, B x I x 4 bytes for each table of scores.
"""

from dataclasses import dataclass

from negbench.parts import Everything, Softmax
from negbench.protocol import Card, Method, check_ranges

CARD = Card(
    title="All items (full softmax)",
    family="oracle",
    moves=("sampler",),
    needs=("catalogue",),
    provenance="ours",
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    cells: int = 2**28
    """Scores that a step may hold, 1 or more; 2**28 is 1 GiB a table, about 4 GiB at the peak."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(self, at_least={"cells": 1})


def build(config: Config) -> Method:
    """Every item with a softmax loss; there is no proposal to correct for."""
    return Method(sampler=Everything(config.cells), objective=Softmax())
