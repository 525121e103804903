"""Products without rows: the same numbers and gradients as gathered rows and plain autograd."""

import pytest
import torch

import negbench.ops.sampled_dot as kernels
from negbench.ops import gathered_dot
from negbench.ops.gathered_dot import is_dense
from negbench.ops.sampled_dot import (
    dot_with_all,
    sampled_dot,
    sampled_dot_with_gradient,
    scatter_to_items,
    weighted_item_sum,
)
from negbench.protocol.gradient_leaves import Leaves
from negbench.protocol.view import Similarity, View

SHAPES = [(5, 7, 3), (4, 3, 8), (1, 1, 6), (6, 40, 5), (300, 20, 12)]
"""B, I, N: fewer and more negatives than half of the items, and more rows than a tile."""


def drawn(b, i, n, d=4):
    generator = torch.Generator().manual_seed(b * 100 + i * 10 + n)
    query, items = (torch.randn(rows, d, generator=generator) for rows in (b, i))
    return query, items, torch.randint(i, (b, n), generator=generator)


@pytest.mark.parametrize("shape", SHAPES)
def test_products_are_those_of_gathered_rows(shape, monkeypatch):
    query, items, ids = drawn(*shape)
    expected = torch.einsum("bd,bnd->bn", query, items[ids])
    assert kernels.is_fast(query)
    assert torch.allclose(sampled_dot(query, items, ids), expected, atol=1e-5)
    monkeypatch.setattr(kernels, "_supported", lambda: False)
    assert torch.allclose(sampled_dot(query, items, ids), expected, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_sums_are_those_of_loops(shape):
    query, items, ids = drawn(*shape)
    weights = torch.randn(ids.shape, generator=torch.Generator().manual_seed(1))
    by_row, by_item = torch.zeros_like(query), torch.zeros_like(items)
    for b in range(shape[0]):
        for n in range(shape[2]):
            by_row[b] += weights[b, n] * items[ids[b, n]]
            by_item[ids[b, n]] += weights[b, n] * query[b]
    assert torch.allclose(weighted_item_sum(items, ids, weights), by_row, atol=1e-5)
    assert torch.allclose(scatter_to_items(ids, weights, query, len(items)), by_item, atol=1e-5)


def test_many_draws_are_taken_from_products_with_all_items():
    assert is_dense(600, 1200)
    assert not is_dense(599, 1200)
    assert {is_dense(n, i) for _, i, n in SHAPES} == {True, False}
    assert SHAPES[-1][0] > gathered_dot.TILE


@pytest.mark.parametrize("supported", [True, False])
@pytest.mark.parametrize("learnt", ["query", "items", "both"])
@pytest.mark.parametrize("shape", SHAPES)
def test_pairs_have_the_gradients_of_gathered_rows(shape, learnt, supported, monkeypatch):
    monkeypatch.setattr(kernels, "_supported", lambda: supported)
    query, items, ids = drawn(*shape)
    grown = [
        (
            query.clone().requires_grad_(learnt != "items"),
            items.clone().requires_grad_(learnt != "query"),
        )
        for _ in range(2)
    ]
    sampled_dot_with_gradient(*grown[0], ids).square().sum().backward()
    torch.einsum("bd,bnd->bn", grown[1][0], grown[1][1][ids]).square().sum().backward()
    for mine, oracle in zip(*grown, strict=True):
        assert (mine.grad is None) == (oracle.grad is None)
        assert mine.grad is None or torch.allclose(mine.grad, oracle.grad, atol=1e-4)


@pytest.mark.parametrize("kind", ["dot", "cosine"])
def test_the_deferred_item_gradient_is_that_of_plain_autograd(kind):
    query, items, ids = drawn(4, 3, 8)
    similarity, leaves = Similarity(kind, 0.5), Leaves()
    oracle = [each.clone().requires_grad_() for each in (query, items)]
    plain = View(oracle[0], oracle[1], items, similarity)
    plain.score_rows(oracle[1][ids]).square().sum().backward()
    cut = View(query.clone().requires_grad_(), items, items, similarity, leaves=leaves)
    scores = cut.score_rows(ids)
    (product,) = leaves.products
    assert not leaves.rows and product.item_gradient() is None
    # A part may ask for gradients on its own before the step's backward pass; that adds nothing.
    torch.autograd.grad(scores.sum(), cut.query, retain_graph=True)
    assert product.item_gradient() is None
    scores.square().sum().backward()
    assert torch.allclose(cut.query.grad, oracle[0].grad, atol=1e-4)
    of_items = torch.zeros_like(items)
    product.item_gradient().add_to(of_items)
    assert torch.allclose(of_items, oracle[1].grad, atol=1e-4)


@pytest.mark.parametrize("kind", ["dot", "cosine"])
def test_a_view_scores_alike_with_rows_and_without(kind):
    query, items, ids = drawn(5, 7, 6)
    similarity = Similarity(kind, 0.5)
    plain = View(query, items, items[:5], similarity)
    expected = plain.score_rows(items[ids])
    with torch.no_grad():
        assert torch.allclose(plain.score_rows(ids), expected, atol=1e-5)
    cut = View(query.clone().requires_grad_(), items, items[:5], similarity, leaves=Leaves())
    assert torch.allclose(cut.score_rows(ids), expected, atol=1e-5)
    assert cut.dots.total == 30


def test_a_gradient_larger_than_its_rows_is_not_made():
    query, items, ids = drawn(2, 40, 6)
    view = View(query.requires_grad_(), items, items[:2], leaves=Leaves())
    view.score_rows(ids)
    assert not view.leaves.products and len(view.leaves.rows) == 1


@pytest.mark.parametrize("items", [5, 4096, 4097, 9000])
def test_tiles_make_up_the_whole_product(items):
    query, table, _ = drawn(3, items, 1)
    assert torch.allclose(dot_with_all(query, table), query @ table.T, atol=1e-5)
