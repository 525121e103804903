"""Planted pairs: how many, of whom, and that a share which hides none is refused."""

import numpy as np
import pytest
from helpers.probe_scenarios import pairs
from helpers.toy_data import small_interactions

from negbench.data.interactions import Csr, Split
from negbench.errors import UserError
from negbench.scenario.planted_false_negatives import plant
from negbench.scenario.splits import split


def one_each(users: int) -> Split:
    """A split in which every user has one train pair, as leave one out of three pairs gives."""
    train, valid, test = (
        Csr.of(np.arange(users), np.full(users, item), n_rows=users, n_columns=4)
        for item in (0, 1, 2)
    )
    return Split(train, valid, test, "leave_one_out", "time", "leave_one_out")


def test_hidden_pairs_leave_train_and_every_user_keeps_one() -> None:
    plain = split(small_interactions(), "ratio(0.6,0.2,0.2)")
    kept, planted = plant(plain, 0.3)
    assert len(planted) == round(0.3 * len(plain.train))
    assert pairs(kept.train) | pairs(planted) == pairs(plain.train)
    assert not pairs(kept.train) & pairs(planted)
    assert (kept.train.lengths > 0).tolist() == (plain.train.lengths > 0).tolist()


@pytest.mark.parametrize("share", [0.3, 0.99])
def test_where_each_user_has_one_pair_none_can_be_hidden(share: float) -> None:
    match = f"--plant must hide a train pair; {share} of 5 train pairs hides none, .* 0 may be"
    with pytest.raises(UserError, match=match):
        plant(one_each(5), share)


def test_a_share_under_half_a_pair_is_refused() -> None:
    plain = split(small_interactions(), "ratio(0.6,0.2,0.2)")
    with pytest.raises(UserError, match="since 0 were asked for"):
        plant(plain, 0.4 / len(plain.train))
    assert len(plant(plain, 0.6 / len(plain.train))[1]) == 1
