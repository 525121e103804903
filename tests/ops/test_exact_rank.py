"""Ranks: the place of an item is its place in the whole sorted list, ties and all."""

import numpy as np
import pytest
import torch

from negbench.ops import exact_rank
from negbench.ops.exact_rank import ranks_of
from negbench.ops.top_k import MASKED, tie_places, top_k

WAYS = [exact_rank._row_by_row, exact_rank._together]


def case(levels, n_items=50, wanted=5, seed=0):
    """Scores of `levels` different values, some of them -inf, and a few items of each row."""
    rng = np.random.default_rng(seed)
    scores = torch.from_numpy(rng.integers(0, levels, (8, n_items)).astype(np.float32))
    scores[torch.from_numpy(rng.random((8, n_items)) < 0.2)] = MASKED
    asked = [sorted(rng.choice(n_items, rng.integers(0, wanted), False)) for _ in range(8)]
    rows = torch.tensor([r for r, items in enumerate(asked) for _ in items], dtype=torch.long)
    items = torch.tensor([i for items in asked for i in items], dtype=torch.long)
    return scores, rows, items


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("levels", [1, 3, 10**6])
@pytest.mark.parametrize("wanted", [5, 50])  # counted, and sorted
def test_the_rank_is_the_place_in_the_full_list(way, levels, wanted):
    scores, rows, items = case(levels, wanted=wanted)
    places = tie_places(50)
    order = top_k(scores, 50, places)
    ranks = way(scores, rows, items, places)
    assert ranks.dtype == torch.int32
    for row, item, rank in zip(rows.tolist(), items.tolist(), ranks.tolist(), strict=True):
        place = (order[row] == item).nonzero()
        assert rank == (int(place) + 1 if len(place) else 0)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_asked(way):
    none = torch.zeros(0, dtype=torch.long)
    assert way(torch.zeros(2, 5), none, none, tie_places(5)).shape == (0,)


def test_the_chunks_change_nothing(monkeypatch):
    scores, rows, items = case(3, wanted=20)
    whole = ranks_of(scores, rows, items, tie_places(50))
    monkeypatch.setattr(exact_rank, "_CHUNK", 120)  # two rows at once
    assert exact_rank._together(scores, rows, items, tie_places(50)).equal(whole)


def test_what_comes_in_is_not_changed():
    scores, rows, items = case(3)
    before = scores.clone()
    ranks_of(scores, rows, items, tie_places(50))
    assert scores.equal(before)
