"""The product over the graph against a loop over its edges."""

import numpy as np
import pytest
import torch
from helpers.toy_data import small_context

from negbench.backbones._graph_propagation import Propagation
from negbench.data.interactions import Csr

WORLD = small_context()


def by_loop(train: Csr, x):
    out = torch.zeros_like(x)
    for user, item in zip(train.rows, train.indices, strict=True):
        weight = 1 / np.sqrt(train.lengths[user] * train.counts[item])
        out[user] += weight * x[train.n_rows + item]
        out[train.n_rows + item] += weight * x[user]
    return out


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_apply_equals_the_loop(dtype):
    graph = Propagation(WORLD.train)
    x = torch.randn(len(graph), 8, generator=torch.Generator().manual_seed(0), dtype=dtype)
    torch.testing.assert_close(graph.apply(x), by_loop(WORLD.train, x), rtol=2e-6, atol=2e-6)


def test_apply_and_matrix_are_the_same_symmetric_map():
    graph = Propagation(WORLD.train)
    dense = graph.matrix().to_dense()
    torch.testing.assert_close(graph.apply(torch.eye(len(graph))), dense)
    torch.testing.assert_close(dense, dense.T)
    assert torch.linalg.eigvalsh(dense).abs().max() == pytest.approx(1, abs=1e-5)


def test_nodes_without_neighbours_get_zeros():
    graph = Propagation(Csr.of([1], [2], n_rows=3, n_columns=4))
    out = graph.apply(torch.ones(7, 2))
    assert out.sum(1).tolist() == [0, 2, 0, 0, 0, 2, 0]


def test_a_graph_without_edges():
    graph = Propagation(Csr.of([], [], n_rows=2, n_columns=2))
    assert torch.equal(graph.apply(torch.ones(4, 3)), torch.zeros(4, 3))


def test_it_is_the_same_twice_and_leaves_its_input():
    graph, x = Propagation(WORLD.train), torch.ones(WORLD.n_users + WORLD.n_items, 4)
    assert torch.equal(graph.apply(x), graph.apply(x))
    assert torch.equal(x, torch.ones_like(x))
