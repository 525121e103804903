"""Deferred products: the scores and gradients of gathered rows under plain autograd."""

import pytest
import torch
import torch.nn.functional as F
from helpers import kernels
from hypothesis import given, settings
from hypothesis import strategies as st

from negbench.ops.deferred_dot import FEW, deferred_dot, deferred_dots
from negbench.ops.sampled_dot import is_compiled, sampled_dot

SHAPES = st.tuples(st.integers(0, 4), st.integers(1, 9), st.integers(0, 6), st.integers(1, 20))
"""B, I, N, D: with few items, products with all of them are taken instead."""


def drawn(shape):
    b, i, n, d = shape
    random = torch.Generator().manual_seed(b + 10 * i + 100 * n + 1000 * d)
    query, positive, items = (torch.randn(rows, d, generator=random) for rows in (b, b, i))
    return query, positive, items, torch.randint(i, (b, n), generator=random)


def gathered(query, items, ids, unit):
    rows = items[ids]
    return ((F.normalize(rows, dim=-1) if unit else rows) * query.unsqueeze(1)).sum(-1)


@pytest.mark.parametrize("kind", kernels.KINDS)
@pytest.mark.parametrize("unit", [False, True])
@given(shape=SHAPES)
@settings(max_examples=40, deadline=None)
def test_scores_and_gradients_are_those_of_gathered_rows(kind, unit, shape):
    with pytest.MonkeyPatch.context() as patch:
        kernels.use(kind, patch)
        query, _, items, ids = drawn(shape)
        own, oracle = query.clone().requires_grad_(), query.clone().requires_grad_()
        table, into = items.clone().requires_grad_(), torch.zeros_like(items)
        scores, product = deferred_dot(own, ids, items, unit=unit)
        expected = gathered(oracle, table, ids, unit)
        torch.testing.assert_close(scores, expected, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(
            sampled_dot(query, items, ids, unit=unit), expected.detach(), atol=1e-4, rtol=1e-4
        )
        assert product.item_gradient() is None and product.ids is ids
        (scores.sin() * 3).sum().backward()
        (expected.sin() * 3).sum().backward()
        product.item_gradient().add_to(into)
        product.item_gradient().add_to(into, -0.5)
        torch.testing.assert_close(own.grad, oracle.grad, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(into, table.grad / 2, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("unit", [False, True])
@pytest.mark.parametrize("reached", ["both", "positive", "negatives"])
@pytest.mark.parametrize("n", [3, 6])
def test_the_positive_is_scored_with_them(unit, reached, n, monkeypatch):
    assert 3 <= FEW < 6
    kernels.use("numba", monkeypatch)
    query, positive, items, ids = drawn((4, 19, n, 18))
    own = [each.clone().requires_grad_() for each in (query, positive)]
    oracle = [each.clone().requires_grad_() for each in (query, positive)]
    s_pos, s_neg, product = deferred_dots(*own, ids, items, unit=unit)
    expected = (oracle[0] * oracle[1]).sum(1), gathered(oracle[0], items, ids, unit)
    for pair in ((s_pos, s_neg), expected):
        loss = {"positive": pair[0].exp(), "negatives": pair[1].sin()}
        chosen = loss.values() if reached == "both" else [loss[reached]]
        sum(values.sum() for values in chosen).backward()
    torch.testing.assert_close((s_pos, s_neg), expected, atol=1e-4, rtol=1e-4)
    for mine, plain in zip(own, oracle, strict=True):
        assert (mine.grad is None) == (plain.grad is None)
        if plain.grad is not None:
            torch.testing.assert_close(mine.grad, plain.grad, atol=1e-4, rtol=1e-4)
    assert (product.item_gradient() is None) == (reached == "positive")


@pytest.mark.parametrize("kind", kernels.KINDS)
def test_a_gradient_of_the_gradient_is_refused_and_not_left_out(kind, monkeypatch):
    kernels.use(kind, monkeypatch)
    query, _, items, ids = drawn((4, 9, 3, 18))
    query.requires_grad_()
    scores, _ = deferred_dot(query, ids, items)
    (slope,) = torch.autograd.grad(scores.square().sum(), query, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.square().sum().backward()


def test_the_same_arrays_give_the_same_bits(monkeypatch):
    kernels.use("numba", monkeypatch)
    random = torch.Generator().manual_seed(0)
    query, items = torch.randn(64, 33, generator=random), torch.randn(50, 33, generator=random)
    ids, into = torch.randint(50, (64, 5), generator=random), torch.zeros(2, 50, 33)
    assert is_compiled(query, items, ids)
    for place in into:
        scores, product = deferred_dot(query.clone().requires_grad_(), ids, items, unit=True)
        scores.exp().sum().backward()
        product.item_gradient().add_to(place)
    assert torch.equal(*into)


def test_an_id_that_no_item_has_is_refused(monkeypatch):
    kernels.use("numba", monkeypatch)
    query, _, items, _ = drawn((2, 9, 1, 4))
    for id_ in (9, -1):
        with pytest.raises(IndexError, match="one is not"):
            deferred_dot(query.requires_grad_(), torch.tensor([[0], [id_]]), items)
