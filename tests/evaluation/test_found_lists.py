"""Lists that an index finds: ranks in them, and how much of the exact ones they hold."""

import numpy as np
import pytest

from negbench.data.interactions import Csr
from negbench.evaluation import found_lists
from negbench.evaluation.found_lists import ranks_in, recall_of_lists, sample_of


@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_a_rank_is_the_place_in_the_list_and_0_beyond_it(monkeypatch, chunk):
    monkeypatch.setattr(found_lists, "CHUNK", chunk)
    target = Csr.of([0, 0, 2, 2, 2], [4, 1, 0, 3, 3], n_rows=4, n_columns=6)
    top = np.array([[1, 5, 2], [3, 5, -1]], np.int32)
    assert ranks_in(top, np.array([0, 2]), target).tolist() == [0, 1, 0, 1, 1]


def test_nobody_has_no_ranks():
    empty = Csr.of([], [], n_rows=2, n_columns=3)
    assert ranks_in(np.zeros((0, 2), np.int32), np.zeros(0, np.int64), empty).shape == (0,)
    assert np.isnan(recall_of_lists(np.zeros((0, 2)), np.zeros((0, 2)), [2])[2])


def test_recall_counts_the_exact_items_whatever_their_order_and_no_filling():
    exact = np.array([[1, 2, 3, 4], [5, 6, -1, -1], [-1, -1, -1, -1]])
    top = np.array([[2, 1, 9, 8], [6, 7, -1, -1], [-1, -1, -1, -1]])
    recalls = recall_of_lists(top, exact, [2, 4])
    assert recalls == {2: pytest.approx((1 + 0.5) / 2), 4: pytest.approx((0.5 + 0.5) / 2)}


def test_the_sample_is_the_same_each_time_and_all_where_there_are_few():
    assert sample_of(7).tolist() == list(range(7))
    many = sample_of(5000)
    assert len(many) == 1000 and (np.diff(many) > 0).all() and np.array_equal(many, sample_of(5000))
