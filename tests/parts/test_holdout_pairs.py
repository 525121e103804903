"""A carved part and the rest are train, and nobody loses all of his pairs."""

import pytest
from helpers.toy_data import small_context

from negbench.parts import holdout_pairs


def pairs(sets):
    return list(zip(sets.rows.tolist(), sets.indices.tolist(), strict=True))


@pytest.mark.parametrize("share", [0.05, 0.5, 0.99])
def test_a_share_of_train_is_carved_and_every_user_keeps_a_pair(share):
    train = small_context().train
    carved, left = holdout_pairs.hold_out(train, share, 3)
    taken, every = pairs(carved), pairs(train)
    most = len(every) - int((train.lengths > 0).sum())
    assert len(taken) == len(set(taken)) == min(round(share * len(every)), most)
    assert sorted(taken + pairs(left)) == sorted(every)
    assert (train.lengths - carved.lengths)[train.lengths > 0].min() >= 1
    assert taken == pairs(holdout_pairs.hold_out(train, share, 3)[0])
    assert taken != pairs(holdout_pairs.hold_out(train, share, 4)[0])
