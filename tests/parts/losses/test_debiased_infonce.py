"""The debiased and hard losses against a loop, their limits, their floor, their gradients."""

import math

import pytest
import torch

from negbench.parts.losses.debiased_infonce import Debiased
from negbench.parts.losses.infonce import InfoNCE
from negbench.protocol.step import Negatives

G = torch.Generator().manual_seed(1)
S_POS = torch.tensor([0.95, 0.9, 0.5, 0.1, -0.3, 0.7], dtype=torch.float64)
S_NEG = torch.rand(6, 9, generator=G, dtype=torch.float64) * 2 - 1
S_NEG[:2] = S_NEG[:2] / 2 - 0.5  # two easy rows, which meet the floor
NONE = Negatives()


def loop(tau, tau_plus, beta, s_pos=S_POS, s_neg=S_NEG):
    rows = []
    for i, js in zip(s_pos.tolist(), s_neg.tolist(), strict=True):
        weights = [math.exp(beta * j / tau) for j in js]
        h = sum(w * math.exp(j / tau) for w, j in zip(weights, js, strict=True)) / sum(weights)
        g = (h - tau_plus * math.exp(i / tau)) / (1 - tau_plus)
        g = max(g, math.exp(-1 / tau)) if tau_plus else g
        rows.append(math.log(1 + len(js) * g * math.exp(-i / tau)))
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.parametrize("tau", [0.1, 0.5])
@pytest.mark.parametrize("tau_plus", [0.0, 0.01, 0.2])
@pytest.mark.parametrize("beta", [0.0, 0.5, 2.0])
def test_it_is_the_loop(tau, tau_plus, beta):
    got = Debiased(tau, tau_plus, beta).rows(None, S_POS, S_NEG, NONE)
    torch.testing.assert_close(got, loop(tau, tau_plus, beta))


def test_the_floor_is_met_in_the_loop_above():
    taken = 0.2 * (S_POS / 0.5).exp()
    assert 0 < int((taken > (S_NEG / 0.5).exp().mean(1)).sum()) < len(S_POS)


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_without_share_and_lean_it_is_info_nce(scale):
    got = Debiased(0.2).rows(None, S_POS * scale, S_NEG * scale, NONE)
    plain = InfoNCE(0.2).rows(None, S_POS * scale, S_NEG * scale, NONE)
    torch.testing.assert_close(got, plain)


def test_small_shares_and_leans_come_near_info_nce():
    plain = InfoNCE(0.2).rows(None, S_POS, S_NEG, NONE)
    gaps = [
        (Debiased(0.2, size, size).rows(None, S_POS, S_NEG, NONE) - plain).abs().max().item()
        for size in (1e-2, 1e-4, 1e-6)
    ]
    assert gaps[0] > gaps[1] > gaps[2] and gaps[2] < 1e-4


def test_a_steep_lean_leaves_the_hardest_alone():
    alone = math.log(9) + (S_NEG.amax(1) - S_POS) / 0.2
    got = Debiased(0.2, 0.0, 500.0).rows(None, S_POS, S_NEG, NONE)
    torch.testing.assert_close(got, torch.nn.functional.softplus(alone))


def test_hidden_positives_are_taken_off_without_bias():
    """With a share t of positives among the draws, g is the mean over true negatives."""
    share, positive = 0.25, 0.8
    true = S_NEG[:, :6]
    mixed = torch.cat([true, torch.full((6, 2), positive, dtype=torch.float64)], 1)
    s_pos = torch.full((6,), positive, dtype=torch.float64)
    got = Debiased(0.5, share).rows(None, s_pos, mixed, NONE)
    plain = InfoNCE(0.5, 8 / 6).rows(None, s_pos, true, NONE)
    torch.testing.assert_close(got, plain)


def slopes(part):
    s_pos, s_neg = S_POS.clone().requires_grad_(), S_NEG.clone().requires_grad_()
    part.rows(None, s_pos, s_neg, NONE).sum().backward()
    return s_pos.grad, s_neg.grad


def test_above_the_floor_the_pull_is_larger_by_the_closed_form_and_below_it_is_none():
    share, y = 0.03, ((S_NEG - S_POS.unsqueeze(1)) / 0.5).exp().sum(1)
    above = y / 9 - share > (1 - share) * (-(1 + S_POS) / 0.5).exp()
    assert int(above.sum()) >= 4
    _, plain = slopes(InfoNCE(0.5))
    _, got = slopes(Debiased(0.5, share))
    factor = ((1 + y) / (1 + y - 10 * share)).unsqueeze(1)
    torch.testing.assert_close(got[above], (plain * factor)[above])
    _, low = slopes(Debiased(0.5, 0.2))
    under = y < 9 * 0.2 * 0.99
    assert under.any() and not low[under].any()


def test_a_lean_draws_the_easiest_negatives_up():
    beta, tau = 1.0, 0.2
    _, got = slopes(Debiased(tau, 0.0, beta))
    z = S_NEG / tau
    weighed = (z.softmax(1) * z.exp()).sum(1, keepdim=True)
    assert torch.equal(got < 0, z.exp() < beta / (1 + beta) * weighed)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_scores_without_a_bound_stay_finite(dtype):
    s_pos, s_neg = (
        (S_POS.to(dtype) * 1e4).requires_grad_(),
        (S_NEG.to(dtype) * 1e4).requires_grad_(),
    )
    rows = Debiased(0.1, 0.1, 1.0).rows(None, s_pos, s_neg, NONE)
    rows.sum().backward()
    assert all(bool(torch.isfinite(t).all()) for t in (rows, s_pos.grad, s_neg.grad))


def test_masked_negatives_are_as_if_they_were_not_there():
    mask = torch.ones(6, 9, dtype=torch.bool)
    mask[:, 6:], mask[0] = False, False
    got = Debiased(0.2, 0.05, 0.5).rows(None, S_POS, S_NEG, Negatives(mask=mask))
    torch.testing.assert_close(got[1:], loop(0.2, 0.05, 0.5, S_POS[1:], S_NEG[1:, :6]))
    assert got[0] == 0


@pytest.mark.parametrize("wrong", [{"tau": 0.0}, {"tau_plus": 1.0}, {"beta": -0.1}])
def test_what_is_no_loss_is_refused(wrong):
    with pytest.raises(ValueError, match=f"`{next(iter(wrong))}` must be"):
        Debiased(**wrong)
