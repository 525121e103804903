"""Each criterion against a loop, and on vectors that keep it and that break it."""

import math

import pytest
import torch
from torch.nn.functional import cosine_similarity, softplus

from negbench.methods.hnlmrec import criteria
from negbench.ops import rng

G = rng.stream(0, "criteria")
E_U = torch.tensor([[1.0, 0.0, 0.0]])
E_I = torch.tensor([[1.0, 1.0, 0.0]])
ONE = torch.ones(1)


def test_pairwise_cosine_by_a_double_loop():
    generated, target = torch.randn(2, 5, 4, generator=G).unbind()
    positives = torch.randn(7, 4, generator=G)
    loss = criteria.pairwise_cosine(generated, target, positives, 0.05)
    for a in range(5):
        total = 0.0
        for b in range(7):
            gain = cosine_similarity(generated[a], target[a], 0) - cosine_similarity(
                generated[a], positives[b], 0
            )
            total -= math.log(1 / (1 + math.exp(-float(gain) / 0.05)))
        assert float(loss[a]) == pytest.approx(total / 7, rel=1e-4)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_pairwise_cosine_is_finite_at_the_ends(sign):
    generated = E_I.clone().requires_grad_()
    loss = criteria.pairwise_cosine(generated, sign * E_I, -sign * E_I, 0.05)
    loss.sum().backward()
    assert torch.isfinite(loss).all() and torch.isfinite(generated.grad).all()
    assert float(loss.detach()) == pytest.approx(
        float(softplus(torch.tensor(-sign * 2 / 0.05))), abs=1e-4
    )


def distinct(generated):
    s = (E_U * generated).sum(1)
    return float(
        criteria.not_distinct(s, (E_U * E_I).sum(1), ONE, torch.cosine_similarity(generated, E_I))
    )


def test_distinct_is_below_the_positive_and_no_copy():
    assert distinct(torch.tensor([[0.8, -1.0, 0.0]])) == 0
    assert distinct(torch.tensor([[1.2, -1.0, 0.0]])) == pytest.approx(0.3)
    assert distinct(0.5 * E_I) == pytest.approx(1 - 0.9)
    assert distinct(E_I) == pytest.approx(0.1 + 0.1), "the positive itself breaks both"


@pytest.mark.parametrize("score,high,expected", [(0.6, 0.5, 0.0), (0.3, 0.5, 0.2), (0.9, 5.0, 0.0)])
def test_hard_is_above_the_quantile_as_far_as_distinct_allows(score, high, expected):
    loss = criteria.too_easy(torch.tensor([score]), ONE, ONE, torch.tensor([high]))
    assert float(loss) == pytest.approx(expected)
    allowed = torch.tensor([1 - criteria.DELTA])
    assert float(criteria.too_easy(allowed, ONE, ONE, torch.tensor([9.0]))) == 0
    assert float(criteria.not_distinct(allowed, ONE, ONE, 0 * ONE)) == pytest.approx(0)


def test_topic():
    assert float(criteria.off_topic(torch.tensor([0.7]), torch.tensor([0.6]))) == 0
    assert float(criteria.off_topic(torch.tensor([0.4]), torch.tensor([0.6]))) == pytest.approx(0.2)


def test_likely_positives_are_kept_off():
    likely = torch.stack([E_I, torch.tensor([[0.0, 0.0, 1.0]])], 1)
    there = torch.tensor([[True, True]])
    away = torch.tensor([[1.0, -1.0, 0.0]])
    assert float(criteria.likely_false(away, likely, there)) == 0
    assert float(criteria.likely_false(E_I, likely, there)) == pytest.approx(0.1)
    assert float(criteria.likely_false(E_I, likely, ~there)) == 0


def test_an_item_is_among_the_items_and_a_stranger_is_not():
    items = 3 * torch.eye(3)
    at, far = criteria.off_manifold(items[:1], items), criteria.off_manifold(-items[:1], items)
    assert float(at) < 1e-3 < 1 < float(far)
    assert float(criteria.off_manifold(2 * items[:1], items)) == pytest.approx(1, abs=0.02), (
        "length"
    )


def test_the_read_out_finds_a_linear_map():
    items = torch.randn(200, 4, generator=G, dtype=torch.float64)
    true = torch.randn(4, 6, generator=G, dtype=torch.float64)
    texts = items @ true + 2.0
    known = torch.arange(200) % 5 > 0
    texts[~known] = 0
    weights, at, to = criteria.fit_readout(items, texts, known, 1e-9)
    torch.testing.assert_close(weights, true, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close((items[known] - at) @ weights + to, texts[known], atol=1e-5, rtol=0)
    assert not any(t.any() for t in criteria.fit_readout(items, texts, known & False))
