"""The index of item vectors: what it finds, what it refuses, and that it comes out the same."""

import subprocess
import sys

import pytest
import torch

from negbench.evaluation.finite_scores import NotFinite
from negbench.evaluation.found_lists import recall_of_lists
from negbench.evaluation.item_index import ItemIndex


def vectors(n, seed, width=16):
    return torch.randn(n, width, generator=torch.Generator().manual_seed(seed))


def test_a_wide_walk_finds_nearly_every_item_and_a_narrow_one_fewer():
    lengths = torch.rand(3000, 1, generator=torch.Generator().manual_seed(2)) + 0.1
    items, queries = vectors(3000, 0) * lengths, vectors(60, 1)
    exact = (queries @ items.T).topk(20).indices.numpy()
    index = ItemIndex.of(items)
    recall = [
        recall_of_lists(index.search(queries, 20, width)[1].numpy(), exact, [20])[20]
        for width in (20, 1500)
    ]
    assert recall[1] > 0.99 and recall[0] < recall[1]


def test_scores_are_products_and_lists_fall():
    items, queries = vectors(400, 0), vectors(30, 1)
    scores, ids = ItemIndex.of(items).search(queries, 25)
    torch.testing.assert_close(scores, (queries @ items.T).gather(1, ids))
    assert (scores.diff(dim=1) <= 0).all()


def test_it_is_built_alike_each_time_whatever_the_threads():
    items, queries = vectors(2000, 0), vectors(50, 1)
    before = torch.get_num_threads()
    ids = []
    try:
        for threads in (1, 2, 1):
            torch.set_num_threads(threads)
            ids.append(ItemIndex.of(items).search(queries, 50, 60)[1])
    finally:
        torch.set_num_threads(before)
    assert torch.equal(ids[0], ids[1]) and torch.equal(ids[0], ids[2])


def test_fewer_items_than_asked_for_leave_the_rest_empty():
    _, ids = ItemIndex.of(vectors(5, 0)).search(vectors(3, 1), 8)
    assert (ids[:, 5:] == -1).all() and (ids[:, :5].sort(1).values == torch.arange(5)).all()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_diverged_model_is_told(bad):
    items = vectors(50, 0)
    with pytest.raises(NotFinite, match="item vectors must be finite"):
        ItemIndex.of(items.where(items > 0, bad))
    with pytest.raises(NotFinite, match="user vectors must be finite"):
        ItemIndex.of(items).search(torch.full((1, 16), bad), 3)


def test_the_library_is_loaded_only_when_an_index_is_made():
    words = "import sys, negbench.experiment.cell.run; sys.exit('faiss' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", words], timeout=100).returncode == 0
