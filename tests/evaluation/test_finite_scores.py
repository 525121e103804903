"""Infinite scores and NaN are never ranked; what is seen may be masked by the scorer itself."""

import numpy as np
import pytest
import torch

from negbench.data.interactions import Csr
from negbench.evaluation.finite_scores import NotFinite
from negbench.evaluation.full_ranking import evaluate, metric_at
from negbench.evaluation.metric_names import Metric
from negbench.scenario.popularity_bands import Bands

BANDS = Bands(np.zeros(5, np.int8), ("all of them",), "by hand")
SEEN = Csr.of([0, 1, 2], [4, 4, 4], n_rows=3, n_columns=5)
TARGET = Csr.of([0, 1, 2], [0, 1, 2], n_rows=3, n_columns=5)


class Table:
    """Scores by hand, [3, 5]."""

    def __init__(self, *, user: int, item: int, value: float) -> None:
        self.table = torch.arange(15, dtype=torch.float32).reshape(3, 5)
        self.table[user, item] = value

    def scores(self, users: torch.Tensor) -> torch.Tensor:
        return self.table[users].clone()


def judged(scorer: Table) -> None:
    evaluate(scorer, TARGET, SEEN, bands=BANDS, metrics=[Metric("ndcg", 2)])


@pytest.mark.parametrize("value", [float("inf"), -float("inf"), float("nan")])
def test_one_such_score_is_enough(value: float) -> None:
    scorer = Table(user=2, item=3, value=value)
    with pytest.raises(NotFinite, match=r"1 of 15 of a block .* for user 2 and item 3: .*lower lr"):
        judged(scorer)
    with pytest.raises(NotFinite):  # validation, which early stopping goes by
        metric_at(scorer, TARGET, SEEN, Metric("ndcg", 2))


@pytest.mark.parametrize("value", [float("inf"), -float("inf"), float("nan")])
def test_a_seen_item_is_not_ranked_whatever_its_score(value: float) -> None:
    judged(Table(user=1, item=4, value=value))


def test_great_numbers_whose_sum_is_infinite_are_numbers() -> None:
    scorer = Table(user=0, item=0, value=3e38)
    scorer.table[1] = 3e38
    judged(scorer)


def test_scores_of_half_precision_are_ranked_as_they_are() -> None:
    """A backbone of one's own may give them; numpy, which ranks on a CPU, has no bfloat16."""
    whole, half = Table(user=0, item=0, value=2.5), Table(user=0, item=0, value=2.5)
    half.table = half.table.bfloat16()
    assert torch.equal(half.table.float(), whole.table)
    rankings = [
        evaluate(each, TARGET, SEEN, bands=BANDS, metrics=[Metric("ndcg", 2)], block=2)
        for each in (whole, half)
    ]
    assert np.array_equal(rankings[0].top, rankings[1].top)
    assert np.array_equal(rankings[0].ranks, rankings[1].ranks)
