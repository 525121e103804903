"""A carved part and the rest are train, and nobody loses all of his pairs."""

import pytest
from helpers.toy_data import small_context

from negbench.data.interactions import Csr
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


def test_a_repeated_pair_is_on_one_side_alone_and_its_user_keeps_one():
    train = Csr.of([0, 0, 0, 0, 1, 1, 2, 2], [4, 4, 4, 5, 1, 1, 2, 3], n_rows=3, n_columns=6)
    for seed in range(20):
        carved, left = holdout_pairs.hold_out(train, 0.9, seed)
        assert sorted(pairs(carved) + pairs(left)) == [(0, 4), (0, 5), (1, 1), (2, 2), (2, 3)]
        assert left.lengths.tolist() == [1, 1, 1]
