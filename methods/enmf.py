"""Whole-data squared loss: every unobserved pair counts as 0, without any sampling.

    L = sum_{(u, i) in P} (s_ui - 1)^2 + c sum_{(u, i) not in P} s_ui^2
      = sum_P ((1 - c) s^2 - 2 s) + c sum_u q_u' (Q' Q) q_u + |P|

The efficient non-sampling loss of ENMF (TOIS 2020), by the formula alone: the paper's other parts
were not re-read. Q [I, D] are all item vectors; their products Q' Q make the sum over all items a
product of D x D, exact, where a score of each pair would take U I D. The released form multiplies
both sides' matrices once; here a row (u, i) carries the share 1 / |P_u| of its user's term, so
that an epoch sums up to L for the users who have train pairs, and any backbone with an item matrix
will do.

On a sequence backbone each position is a query of its own, and its term counts 1 / |P_u|. Cost per
step: D dot products for each item and each row, whatever the number of pairs, and no draws.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from negbench.parts import NoNegatives
from negbench.protocol import (
    Card,
    Method,
    Negatives,
    Rows,
    Scalar,
    Scores,
    Step,
    TrainContext,
    check_ranges,
)

CARD = Card(
    title="ENMF: whole-data squared loss",
    family="no_negatives",
    authors="Chong Chen, Min Zhang, Yongfeng Zhang, Yiqun Liu and Shaoping Ma",
    year=2020,
    venue="TOIS",
    link="https://doi.org/10.1145/3373807",
    paper="Efficient Neural Matrix Factorization without Sampling for Recommendation",
    moves=("sampler", "objective"),
    needs=("catalogue",),
    provenance="specification",
    differs="The loss alone, on any backbone; each row carries a share of its user's term.",
    search={"weight": ("log", 0.01, 1.0)},
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    weight: float = 0.1
    """c, weight of an unobserved pair against 1 for an observed one, above 0; .05 to .5 usual."""

    def __post_init__(self) -> None:
        """Check the range. Raises ValueError for a weight of 0 or less."""
        check_ranges(self, above={"weight": 0})


class WholeData:
    """The squared loss of all pairs, a share of it for each row."""

    def __init__(self, weight: float) -> None:
        """c."""
        self.weight = weight

    def begin(self, context: TrainContext) -> None:
        """Callback before training: the share of a user's term that each of its rows carries."""
        lengths = torch.from_numpy(context.train.lengths).to(context.device, torch.float32)
        self.share = 1 / lengths.clamp(min=1)
        self.items = torch.arange(context.n_items, device=context.device)

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """What an observed pair adds to the sum over all, [B]."""
        del step, s_neg, negatives
        return (1 - self.weight) * s_pos.square() - 2 * s_pos

    def losses(
        self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives
    ) -> Mapping[str, Scalar]:
        """The sum over all items, apart from the rows: weights of pairs are not its own."""
        del s_pos, s_neg, negatives
        view, share = step.view, self.share[step.batch.users]
        items = view.similarity.prepare(view.rows(self.items))
        query = view.similarity.query(view.query)
        view.dots.add(query.shape[1] * (len(items) + len(query)), pooled=True)
        squares = ((query @ (items.T @ items)) * query).sum(1)
        return {"whole_data": self.weight * (share * squares).mean()}


def build(config: Config) -> Method:
    """The loss without a sampler."""
    return Method(sampler=NoNegatives(), objective=WholeData(config.weight))
