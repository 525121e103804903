"""Groups and neighbours: against loops, whatever the order of the rows."""

import math

import pytest
import torch

from negbench.methods.napo.neighbour_pools import group_rows, pool_of

G = torch.Generator().manual_seed(1)


@pytest.mark.parametrize("n,size", [(1, 16), (7, 3), (16, 16), (17, 16), (40, 8), (5, 1)])
def test_every_row_is_in_one_group(n, size):
    rows, real = group_rows(n, size)
    assert rows.shape[1] <= size and sorted(rows[real].tolist()) == list(range(n))
    for row in range(n):
        assert row in rows[row % len(rows)].tolist()


@pytest.mark.parametrize("rho", [0.0, 0.29, 0.7, 1.0])
def test_a_pool_has_its_own_row_first_and_the_share_asked_for(rho):
    pool = pool_of(torch.randn(32, 4, generator=G), rho, 16)
    assert pool.rows.shape == (32, 1 + math.floor(rho * 15 + 1e-9))
    assert pool.rows[:, 0].tolist() == list(range(32)) and pool.real.all()
    assert all(len(set(row)) == len(row) for row in pool.rows.tolist())


@pytest.mark.parametrize("similarity", ["dot", "cosine"])
def test_neighbours_are_the_most_similar_of_the_group(similarity):
    states = torch.randn(11, 4, generator=G)
    pool = pool_of(states, 0.5, 6, similarity)
    unit = states / states.norm(dim=1, keepdim=True) if similarity == "cosine" else states
    for row in range(11):
        others = [v for v in range(11) if v % 2 == row % 2 and v != row]
        best = sorted(others, key=lambda v: -float(unit[row] @ unit[v]))[:2]
        assert pool.rows[row, 1:].tolist() == best


def test_a_permuted_batch_has_the_same_neighbours():
    states, order = torch.randn(12, 4, generator=G), torch.randperm(12, generator=G)
    plain, moved = pool_of(states, 0.7, 12), pool_of(states[order], 0.7, 12)
    for place, row in enumerate(order.tolist()):
        assert order[moved.rows[place]].tolist() == plain.rows[row].tolist()


def test_places_without_a_row_count_for_nothing():
    """Five rows in two groups of three: row 4 and the others of its group meet no sixth row."""
    pool = pool_of(torch.randn(5, 4, generator=G), 1.0, 3)
    assert pool.real.sum(1).tolist() == [3, 2, 3, 2, 3]
    own = torch.ones(5, 2, dtype=torch.bool)
    own[1, 0] = False
    usable = pool.usable(own)
    for row in range(5):
        expected = []
        for source, real in zip(pool.rows[row].tolist(), pool.real[row].tolist(), strict=True):
            expected += [real and bool(own[source, k]) for k in range(2)]
        assert usable[row].tolist() == expected


def test_means_by_group_against_a_loop():
    pool = pool_of(torch.randn(10, 4, generator=G), 0.7, 4)
    values = torch.randn(10, 3 * pool.rows.shape[1], generator=G)
    mask = torch.rand(values.shape, generator=G) < 0.5
    for group, mean in enumerate(pool.means(values, mask).tolist()):
        mine = pool.group == group
        assert mean == pytest.approx(float(values[mine][mask[mine]].mean()), rel=1e-5)
