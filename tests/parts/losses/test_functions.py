import math
from collections.abc import Callable
from typing import Literal

import pytest
import torch
from torch import Tensor

from negbench.ops import rng
from negbench.parts import losses
from negbench.parts.losses.functions import lower_masked, lower_masked_, masked_score
from negbench.protocol import Negatives

TOLERANCE = {torch.float16: 2e-2, torch.bfloat16: 1e-1, torch.float32: 1e-5, torch.float64: 1e-12}
DTYPES = list(TOLERANCE)
N_ITEMS, T, MARGIN = 50, 0.6, 0.7


def softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def naive(name: str, s_i: float, rows: list[tuple[float, float]]) -> float:
    """The loss of one row from (score, weight) of the negatives that count."""
    n = len(rows)
    if name == "bpr":
        return sum(w * softplus(s - s_i) for s, w in rows) / max(1, n)
    if name == "hinge":
        return sum(w * max(0.0, MARGIN - s_i + s) for s, w in rows) / max(1, n)
    if name == "bce":
        return softplus(-s_i) + sum(w * softplus(s) for s, w in rows) / max(1, n)
    if name == "bce_sum":
        return softplus(-s_i) + sum(w * softplus(s) for s, w in rows)
    if name == "gbce":
        beta = 1 - T * (1 - min(1.0, n / (N_ITEMS - 1)))
        return (beta * softplus(-s_i) + sum(w * softplus(s) for s, w in rows)) / (n + 1)
    assert name == "softmax"
    return math.log(1 + sum(w * math.exp(s - s_i) for s, w in rows))


def vectorised(name: str) -> Callable[[Tensor, Tensor, Tensor | None, Tensor | None], Tensor]:
    return {
        "bpr": losses.bpr,
        "hinge": lambda p, n, w, m: losses.hinge(p, n, MARGIN, w, m),
        "bce": losses.bce,
        "bce_sum": lambda p, n, w, m: losses.bce(p, n, w, m, "sum"),
        "gbce": lambda p, n, w, m: losses.gbce(p, n, N_ITEMS, T, w, m),
        "softmax": lambda p, n, w, m: losses.sampled_softmax(
            p, n, logw=None if w is None else w.log(), mask=m
        ),
    }[name]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_lowered_scores_are_masked_fill_to_the_bit(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    z = (torch.randn(6, 9, generator=generator) * 1000).to(dtype)
    mask = torch.rand(6, 9, generator=generator) > 0.4
    mask[0], mask[1] = True, False
    mask[2, 0], z[2, 0] = True, masked_score(dtype)  # a weight of 0
    filled, lowered = z.clone().requires_grad_(), z.clone().requires_grad_()
    expected = filled.masked_fill(~mask, masked_score(dtype))
    value = lower_masked(lowered, mask)
    assert torch.equal(value, expected)
    wide = torch.cat([z[:, :1], z], 1)
    lower_masked_(wide[:, 1:], mask)
    assert torch.equal(wide, torch.cat([z[:, :1], expected], 1))
    expected[mask.any(1)].logsumexp(1).sum().backward()
    value[mask.any(1)].logsumexp(1).sum().backward()
    assert filled.grad is not None and lowered.grad is not None
    assert torch.equal(lowered.grad, filled.grad)


@pytest.mark.parametrize("value", [torch.inf, -torch.inf, torch.nan])
def test_what_is_masked_may_be_no_number(value: float) -> None:
    """An id that stands for no draw may have the probability 0: minus its log is infinite."""
    generator = torch.Generator().manual_seed(0)
    s_pos, s_neg = torch.randn(4, generator=generator), torch.randn(4, 6, generator=generator)
    logq = torch.randn(4, 6, generator=generator)
    mask = torch.rand(4, 6, generator=generator) > 0.4
    mask[2] = False
    strange = logq.masked_fill(~mask, value)
    for correct in (True, False):
        results = []
        for q in (logq, strange):
            scores = s_neg.clone().requires_grad_()
            if correct:
                loss = losses.sampled_softmax(s_pos, scores, q, None, mask)
            else:
                loss = losses.log_sum(scores - q, Negatives(torch.zeros(4, 6), mask=mask))[0]
            loss.sum().backward()
            results.append((loss.detach(), scores.grad))
        (loss, gradient), (other, same) = results
        assert torch.equal(loss, other) and torch.equal(gradient, same)


NAMES = ["bpr", "hinge", "bce", "bce_sum", "gbce", "softmax"]


def case(seed: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = rng.stream(seed, "losses")
    s_pos = torch.randn(5, generator=generator)
    s_neg = torch.randn(5, 7, generator=generator) * 2
    weight = torch.rand(5, 7, generator=generator) + 0.1
    mask = torch.rand(5, 7, generator=generator) > 0.4
    mask[0] = False
    return s_pos.to(dtype), s_neg.to(dtype), weight.to(dtype), mask


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("with_mask", [False, True])
@pytest.mark.parametrize("with_weight", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_losses_equal_the_plain_loop(
    name: str, with_weight: bool, with_mask: bool, dtype: torch.dtype
) -> None:
    s_pos, s_neg, weight, mask = case(1, dtype)
    w, m = weight if with_weight else None, mask if with_mask else None
    got = vectorised(name)(s_pos, s_neg, w, m)
    assert got.dtype == dtype
    for b in range(5):
        rows = [
            (s_neg[b, j].item(), weight[b, j].item() if with_weight else 1.0)
            for j in range(7)
            if not with_mask or mask[b, j]
        ]
        want = naive(name, s_pos[b].item(), rows)
        assert got[b].item() == pytest.approx(want, rel=TOLERANCE[dtype], abs=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_a_masked_row_is_finite_and_its_negatives_get_nothing(
    name: str, dtype: torch.dtype
) -> None:
    s_pos, s_neg, weight, mask = case(2, dtype)
    s_pos.requires_grad_(), s_neg.requires_grad_()
    rows = vectorised(name)(s_pos, s_neg, weight, mask)
    assert torch.isfinite(rows).all()
    if name in ("bpr", "hinge", "softmax"):
        assert rows[0] == 0
    rows.sum().backward()
    assert s_pos.grad is not None and s_neg.grad is not None
    assert torch.isfinite(s_pos.grad).all() and torch.isfinite(s_neg.grad).all()
    assert not s_neg.grad[~mask].any()
    assert s_neg.grad[mask].any()


@pytest.mark.parametrize("name", NAMES)
def test_masking_is_the_same_as_leaving_out(name: str) -> None:
    s_pos, s_neg, weight, mask = case(3, torch.float64)
    loss = vectorised(name)
    got = loss(s_pos, s_neg, weight, mask)
    for b in range(5):
        kept = mask[b].nonzero().squeeze(1)
        alone = loss(s_pos[b : b + 1], s_neg[b : b + 1, kept], weight[b : b + 1, kept], None)
        assert torch.allclose(got[b : b + 1], alone)


@pytest.mark.parametrize("name", NAMES)
def test_no_negatives_at_all(name: str) -> None:
    s_pos = torch.tensor([0.5, -1.0])
    rows = vectorised(name)(s_pos, torch.zeros(2, 0), None, None)
    want = [naive(name, s, []) for s in (0.5, -1.0)]
    assert rows.tolist() == pytest.approx(want, abs=1e-6)


@pytest.mark.parametrize("with_mask", [False, True])
def test_logq_weighs_by_one_over_n_q(with_mask: bool) -> None:
    s_pos, s_neg, q, mask = case(4, torch.float64)
    got = losses.sampled_softmax(s_pos, s_neg, q.log(), mask=mask if with_mask else None)
    for b in range(5):
        kept = [j for j in range(7) if not with_mask or mask[b, j]]
        total = sum(math.exp(s_neg[b, j]) / (len(kept) * q[b, j].item()) for j in kept)
        assert got[b].item() == pytest.approx(math.log(1 + total * math.exp(-s_pos[b])))


def test_gbce_without_calibration_is_bce_over_n_plus_1() -> None:
    s_pos, s_neg, _, _ = case(5, torch.float64)
    got = losses.gbce(s_pos, s_neg, N_ITEMS, 0.0)
    assert torch.allclose(got * 8, losses.bce(s_pos, s_neg, reduce="sum"))


def test_gbce_over_the_whole_catalogue_needs_no_calibration() -> None:
    s_pos, s_neg, _, _ = case(5, torch.float64)
    assert torch.allclose(losses.gbce(s_pos, s_neg, 8, 1.0), losses.gbce(s_pos, s_neg, 8, 0.0))


def test_gbce_is_bce_of_the_positive_probability_to_the_power_beta() -> None:
    s_pos, s_neg, _, _ = case(6, torch.float64)
    beta = 1 - T * (1 - 7 / (N_ITEMS - 1))
    direct = -(torch.sigmoid(s_pos) ** beta).log() - torch.sigmoid(-s_neg).log().sum(1)
    assert torch.allclose(losses.gbce(s_pos, s_neg, N_ITEMS, T) * 8, direct)


def test_large_scores_stay_finite() -> None:
    s_pos = torch.tensor([1e4, -1e4], requires_grad=True)
    s_neg = torch.tensor([[1e4, -1e4], [1e4, 3.0]])
    for name in NAMES:
        rows = vectorised(name)(s_pos, s_neg, None, None)
        (gradient,) = torch.autograd.grad(rows.sum(), s_pos)
        assert torch.isfinite(rows).all() and torch.isfinite(gradient).all()


def test_a_weight_of_zero_is_a_mask_for_the_softmax() -> None:
    s_pos, s_neg, _, mask = case(7, torch.float64)
    s_neg.requires_grad_()
    zero = torch.where(mask, 0.0, -torch.inf).to(torch.float64)
    got = losses.sampled_softmax(s_pos, s_neg, logw=zero)
    assert torch.allclose(got, losses.sampled_softmax(s_pos, s_neg, mask=mask))
    got.sum().backward()
    assert s_neg.grad is not None and torch.isfinite(s_neg.grad).all()


P = torch.tensor([0.4, 0.25, 0.15, 0.1, 0.06, 0.04], dtype=torch.float64)


@pytest.mark.parametrize("n,reduce", [(1, "mean"), (4, "mean"), (4, "sum")])
@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_the_optimum_of_bce_is_log_p_over_q(
    power: float, n: int, reduce: Literal["mean", "sum"]
) -> None:
    """One context: uniform draws keep popularity (log p), popular ones leave none (log p/p = 0)."""
    q = P**power / (P**power).sum()
    positive, negative = torch.cartesian_prod(torch.arange(6), torch.arange(6)).T
    s = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([s], max_iter=500, tolerance_grad=1e-10, tolerance_change=0)

    def closure() -> Tensor:
        optimiser.zero_grad()
        rows = losses.bce(s[positive], s[negative].unsqueeze(1).expand(-1, n), reduce=reduce)
        value = (P[positive] * q[negative] * rows).sum()
        value.backward()
        return value

    optimiser.step(closure)
    shift = math.log(n) if reduce == "sum" else 0.0
    assert torch.allclose(s.detach(), (P / q).log() - shift, atol=1e-5)
