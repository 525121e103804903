"""Item distributions worked out on paper."""

from math import exp, isnan, log

import numpy as np
import pytest

from negbench.data.interactions import Csr, Split
from negbench.scenario.item_distribution import (
    ItemDistribution,
    distribution_line,
    distribution_record,
    item_distributions,
)


def part(*items: int) -> Csr:
    return Csr.of(np.arange(len(items)), items, n_rows=6, n_columns=4)


SPLIT = Split(part(0, 0, 0, 1), part(), part(1, 2), "ratio", "none")


def test_by_hand() -> None:
    parts = item_distributions(SPLIT)
    assert parts["train"].gini == pytest.approx((1 * 1 + 3 * 3) / (4 * 4))
    assert parts["train"].effective == pytest.approx(exp(-0.75 * log(0.75) - 0.25 * log(0.25)))
    # q of items 1 and 2 is 2/8 and 1/8; p is a half each
    assert parts["test"].kl == pytest.approx(0.5 * log(0.5 / 0.25) + 0.5 * log(0.5 / 0.125))
    assert (parts["test"].effective, parts["test"].unseen) == (pytest.approx(2), 0.5)


def test_all_items_alike_are_as_many_as_there_are() -> None:
    counts = np.full(7, 5)
    same = ItemDistribution.of(counts, counts)
    assert (same.gini, same.effective, same.kl, same.unseen) == pytest.approx((0, 7, 0, 0))


def test_an_empty_part_has_no_distribution_and_is_left_out() -> None:
    assert all(isnan(value) for value in distribution_record(SPLIT)["valid"].values())
    line = distribution_line(SPLIT)
    assert line.startswith(
        "Gini of item counts: train 0.625, test 0.500   effective items: train 2, test 2"
    )
    assert (
        "KL from train: test 1.040" in line and "pairs of items unseen in train: test 50.0%" in line
    )
    assert "valid" not in line
