"""Weights of negatives: identities, the closed forms against an optimiser, their value in eta."""

import math

import numpy as np
import pytest
import torch
from scipy import optimize

from negbench.methods.adv_infonce.kl_ball import delta_from_logits, kl_divergences, worst_case_delta
from negbench.parts.losses.infonce import InfoNCE

G = torch.Generator().manual_seed(2)
Z = torch.randn(5, 6, generator=G, dtype=torch.float64) * 1.5
MASK = torch.tensor([[1, 1, 0, 1, 0, 1], [0] * 6, [1] * 6, [1, 0, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0]])
MASK = MASK.bool()
BALLS = ("p_u", "u_p")


def test_weights_sum_to_n_and_their_mean_log_is_a_divergence():
    delta = delta_from_logits(Z)
    torch.testing.assert_close(delta.exp().sum(1), torch.full((5,), 6.0, dtype=torch.float64))
    p = Z.softmax(1)
    kl_u_p = (torch.log(1 / 6 / p) / 6).sum(1)
    torch.testing.assert_close(delta.mean(1), -kl_u_p)
    torch.testing.assert_close(kl_divergences(delta)["u_p"], kl_u_p)
    torch.testing.assert_close(kl_divergences(delta)["p_u"], (p * torch.log(6 * p)).sum(1))


def test_masked_negatives_have_no_share():
    delta = delta_from_logits(Z, MASK)
    for row in range(5):
        kept = MASK[row]
        torch.testing.assert_close(
            delta[row, kept], delta_from_logits(Z[row, kept].unsqueeze(0))[0]
        )
        assert not delta[row, ~kept].any()
        for ball in BALLS:
            whole = kl_divergences(delta, MASK)[ball][row]
            alone = kl_divergences(delta[row, kept].unsqueeze(0))[ball].nan_to_num()[0]
            torch.testing.assert_close(whole, alone)


def free_logits(z, eta, ball):
    """The p that logits under no other bound reach within the ball: a general optimiser."""
    f = np.exp(z - z.max())

    def p(g):
        e = np.exp(g - g.max())
        return e / e.sum()

    def left(g):
        n, mine = len(g), p(g)
        kl = (mine * np.log(n * mine)).sum() if ball == "p_u" else -np.log(n * mine).mean()
        return eta - kl

    optimum = optimize.minimize(
        lambda g: -(p(g) * f).sum(),
        0.01 * z,
        constraints=[{"type": "ineq", "fun": left}],
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    return p(optimum.x)


@pytest.mark.parametrize("ball", BALLS)
@pytest.mark.parametrize("eta", [0.01, 0.3])
def test_free_logits_end_at_the_closed_form(ball, eta):
    delta = worst_case_delta(Z, eta, ball)
    for row in range(5):
        expected = free_logits(Z[row].numpy(), eta, ball)
        np.testing.assert_allclose(delta[row].exp().numpy() / 6, expected, atol=2e-5)


@pytest.mark.parametrize("dtype,near", [(torch.float64, 1e-6), (torch.float32, 1e-3)])
@pytest.mark.parametrize("ball", BALLS)
@pytest.mark.parametrize("eta", [0.001, 0.1, 1.0])
def test_the_ball_is_filled_to_its_edge(ball, eta, dtype, near):
    z = torch.randn(40, 64, generator=torch.Generator().manual_seed(3), dtype=dtype) * 4
    delta = worst_case_delta(z, eta, ball)
    reached = kl_divergences(delta)[ball]
    torch.testing.assert_close(reached, torch.full_like(reached, eta), rtol=near, atol=0.0)
    if ball == "u_p":
        torch.testing.assert_close(delta.mean(1), -reached)
    assert torch.equal(delta.argmax(1), z.argmax(1))


@pytest.mark.parametrize("ball", BALLS)
def test_no_radius_is_uniform_and_too_much_is_the_best_alone(ball):
    assert not worst_case_delta(Z, 0.0, ball).any()
    p = worst_case_delta(Z, 50.0, ball).exp() / 6
    torch.testing.assert_close(p.amax(1), torch.ones(5, dtype=torch.float64), atol=1e-3, rtol=0.0)
    ties = worst_case_delta(torch.zeros(2, 4), 0.5, ball)
    torch.testing.assert_close(ties, torch.zeros(2, 4))


@pytest.mark.parametrize("ball", BALLS)
def test_near_ties_and_wild_scores_are_told_apart_in_half_the_digits(ball):
    close = torch.tensor([[1e-6, 0.0, -1e-6, -3e-6]])
    wild = torch.tensor([[300.0, -300.0, 299.0, 0.0]])
    for z in (close, wild):
        delta = worst_case_delta(z, 0.05, ball)
        assert bool(torch.isfinite(delta).all())
        assert float(kl_divergences(delta)[ball]) == pytest.approx(0.05, rel=1e-3)
        assert torch.equal(delta.argsort(1), z.argsort(1)) or z is wild


@pytest.mark.parametrize("ball", BALLS)
def test_a_masked_negative_changes_nothing(ball):
    moved = Z.masked_fill(~MASK, 7.0)
    delta = worst_case_delta(moved, 0.2, ball, MASK)
    torch.testing.assert_close(delta, worst_case_delta(Z, 0.2, ball, MASK))
    torch.testing.assert_close(delta[2], worst_case_delta(Z[2:3], 0.2, ball)[0])
    torch.testing.assert_close(delta[4, :3], worst_case_delta(Z[4:5, :3], 0.2, ball)[0])


@pytest.mark.parametrize("ball", BALLS)
def test_the_worst_loss_grows_with_the_radius_ever_more_slowly(ball):
    """A value function of a convex programme, under a log."""
    etas = [0.02 * k for k in range(30)]
    s_pos = torch.tensor([0.3, -0.2, 0.9, 0.0, 1.0], dtype=torch.float64)
    values = torch.stack(
        [InfoNCE(1.0, 4.0).of(s_pos, Z, worst_case_delta(Z, eta, ball)) for eta in etas]
    )
    first = values.diff(dim=0)
    assert bool((first > 0).all()) and bool((first.diff(dim=0) < 1e-7).all())


@pytest.mark.parametrize("ball", BALLS)
@pytest.mark.parametrize("tau", [0.1, 1.0])
def test_dcg_is_below_info_nce_is_below_the_worst(ball, tau):
    for seed in range(20):
        draw = torch.Generator().manual_seed(seed)
        positives = torch.rand(5, generator=draw, dtype=torch.float64)
        negatives = torch.rand(30, generator=draw, dtype=torch.float64).expand(5, -1)
        rank = 1 + (negatives > positives.unsqueeze(1)).sum(1)
        dcg = (1 / torch.log2(1 + rank.double())).sum()
        plain = InfoNCE(tau).of(positives, negatives)
        hard = InfoNCE(tau).of(positives, negatives, worst_case_delta(negatives / tau, 0.3, ball))
        assert float(-dcg.log()) + math.log(5) <= float(plain.mean()) <= float(hard.mean())
        assert bool((hard >= plain).all())
