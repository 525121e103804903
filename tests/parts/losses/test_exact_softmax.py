"""The exact correction against the full softmax, by enumeration; and against its old word."""

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from negbench.parts.losses.exact_softmax import Correction, ExactSoftmax, correction_of, softmax_of
from negbench.protocol.step import Negatives

POP = torch.tensor([0.4, 0.25, 0.2, 0.1, 0.05], dtype=torch.float64)
G = torch.Generator().manual_seed(3)
SCORES = torch.randn(5, generator=G, dtype=torch.float64)


def rows_of(
    correction: Correction, scores: Tensor, positive: int, ids: Tensor, logq: Tensor | None
) -> Tensor:
    """Losses of `ids` [B, N], all with one positive, by item scores [5]."""
    mask = ids != positive
    negatives = Negatives(ids, logq=logq, mask=mask)
    s_pos = scores[positive].expand(len(ids))
    return softmax_of(correction).rows(None, s_pos, scores[ids], negatives)  # type: ignore[arg-type]


def gradient(correction: Correction, positive: int, ids: Tensor, logq: Tensor | None) -> Tensor:
    scores = SCORES.clone().requires_grad_()
    (got,) = torch.autograd.grad(rows_of(correction, scores, positive, ids, logq).mean(), scores)
    return got


def full(positive: int, scores: Tensor = SCORES) -> Tensor:
    """The gradient of the full softmax's loss."""
    p = scores.softmax(0)
    p[positive] -= 1
    return p


@pytest.mark.parametrize("positive", range(5))
@pytest.mark.parametrize("corrected", [True, False])
def test_with_all_other_items_the_gradient_is_that_of_the_full_softmax(
    positive: int, corrected: bool
) -> None:
    ids = torch.tensor([[j for j in range(5) if j != positive]])
    logq = torch.full((1, 4), -math.log(4), dtype=torch.float64) if corrected else None
    got = gradient("exact", positive, ids, logq)
    assert torch.allclose(got, full(positive), atol=1e-15, rtol=0)


def test_the_value_by_hand() -> None:
    s_pos, s_neg = torch.tensor([0.5]), torch.tensor([[1.0, -1.0, 7.0]])
    logq = torch.tensor([[math.log(0.25), math.log(0.5), 0.0]])
    mask = torch.tensor([[True, True, False]])
    got = ExactSoftmax().rows(None, s_pos, s_neg, Negatives(logq=logq, mask=mask))  # type: ignore[arg-type]
    others = (math.exp(1.0) / 0.25 + math.exp(-1.0) / 0.5) / 2
    p = math.exp(0.5) / (math.exp(0.5) + others)
    assert got.item() == pytest.approx((1 - p) * (math.log(others) - 0.5), rel=1e-6)


def mean_gradient(correction: Correction, n: int, positive: int = 0) -> Tensor:
    """The expectation over every batch of n draws by popularity from the other items."""
    others = [j for j in range(5) if j != positive]
    q = POP / (1 - POP[positive])
    ids = torch.tensor(list(itertools.product(others, repeat=n)))
    weight = q[ids].prod(1)
    scores = SCORES.clone().requires_grad_()
    rows = rows_of(correction, scores, positive, ids, q[ids].log())
    (got,) = torch.autograd.grad((rows * weight).sum(), scores)
    assert weight.sum().item() == pytest.approx(1)
    return got


def test_over_all_batches_exact_tends_to_the_full_softmax() -> None:
    errors = [(mean_gradient("exact", n) - full(0)).norm().item() for n in (1, 2, 4, 6)]
    assert errors == sorted(errors, reverse=True) and errors[-1] < 0.35 * errors[0]


@pytest.mark.parametrize("n", [1, 3])
def test_with_the_law_given_what_is_hidden_the_standard_form_has_the_same_gradient(n: int) -> None:
    """log(1 + e^a) and sg(sigmoid(a)) a differ in value alone."""
    assert torch.allclose(mean_gradient("exact", n), mean_gradient("standard", n), atol=1e-15)


@pytest.mark.parametrize("positive", [0, 1])
def test_with_the_law_of_all_items_it_stays_away_however_many_are_drawn(positive: int) -> None:
    """The limit of infinitely many draws: each other item in its share, log q over all items."""
    others = torch.tensor([[j for j in range(5) if j != positive]])
    q = POP / (1 - POP[positive])
    scores = SCORES.clone().requires_grad_()
    errors = []
    for law in (q, POP):
        total = (q[others] / law[others] * scores[others].exp()).sum()
        loss = torch.log1p(total / scores[positive].exp())
        (got,) = torch.autograd.grad(loss, scores, retain_graph=True)
        errors.append((got - full(positive)).norm().item())
    assert errors[0] < 1e-15 and errors[1] > 0.03


def test_many_even_items_make_all_three_agree() -> None:
    items = 4000
    scores = torch.randn(items, generator=G, dtype=torch.float64) * 0.1
    ids = torch.arange(1, items).unsqueeze(0)
    logq = torch.full((1, items - 1), -math.log(items - 1), dtype=torch.float64)
    slopes = []
    for correction in ("standard", "exact", None):
        leaf = scores.clone().requires_grad_()
        loss = rows_of(correction, leaf, 0, ids, logq)  # type: ignore[arg-type]
        slopes.append(torch.autograd.grad(loss.sum(), leaf)[0])
    for other in slopes[1:]:
        assert torch.allclose(slopes[0], other, atol=1e-6)
    assert slopes[1][0].item() == pytest.approx(-1, abs=1e-3)


def test_rows_without_negatives_have_no_loss_and_far_scores_stay_finite() -> None:
    s_pos = torch.tensor([900.0, -900.0, 0.0], requires_grad=True)
    s_neg = torch.tensor([[-900.0], [900.0], [5.0]], requires_grad=True)
    mask = torch.tensor([[True], [True], [False]])
    logq = torch.zeros(3, 1)
    rows = ExactSoftmax().rows(None, s_pos, s_neg, Negatives(logq=logq, mask=mask))  # type: ignore[arg-type]
    torch.autograd.backward(rows.sum())
    assert rows.tolist() == [0.0, 1800.0, 0.0]
    assert s_pos.grad is not None and s_neg.grad is not None
    assert s_pos.grad.tolist() == [0.0, -1.0, 0.0] and s_neg.grad[2].item() == 0
    none = ExactSoftmax().rows(None, s_pos, s_neg[:, :0], Negatives())  # type: ignore[arg-type]
    assert none.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("correction", "correct", "want"),
    [
        ("auto", True, "standard"),
        ("auto", False, None),
        ("standard", True, "standard"),
        ("exact", True, "exact"),
        ("marginal", True, "marginal"),
        (None, True, None),
        (None, False, None),
    ],
)
def test_the_older_word_goes_on(correction: Any, correct: bool, want: Correction) -> None:
    assert correction_of(correction, correct) == want


@pytest.mark.parametrize("correction", ["standard", "exact", "marginal"])
def test_two_corrections_are_refused(correction: Correction) -> None:
    with pytest.raises(ValueError, match="`correct` and `correction` must agree"):
        correction_of(correction, False)
