"""nnPU: BCE as a limit, its formula in a loop, the unbiased risk, and no gradient below 0."""

import importlib
import math

import pytest
import torch
import torch.nn.functional as F

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.parts import losses
from negbench.protocol.step import Negatives
from negbench.testing.toy_data import TrainingHarness, saturated_context

nnpu = importlib.import_module("negbench.methods.nnpu")
G = torch.Generator().manual_seed(0)
S_POS = torch.randn(40, generator=G, dtype=torch.float64)
S_NEG = torch.randn(40, 5, generator=G, dtype=torch.float64)


def loss_of(s_pos=S_POS, s_neg=S_NEG, mask=None, **settings):
    part = nnpu.NonNegativeRisk(nnpu.Config(**settings))
    return part.rows(
        None, s_pos, s_neg, Negatives(torch.zeros(s_neg.shape, dtype=torch.long), mask=mask)
    )


def test_a_prior_of_0_is_bce():
    torch.testing.assert_close(loss_of(prior=0.0), losses.bce(S_POS, S_NEG))
    mine = TrainingHarness(recipe("nnpu(prior=0,negatives=3)").build()).train()
    bce = TrainingHarness(recipe("random(negatives=3)", "bce").build()).train()
    torch.testing.assert_close(mine.rows, bce.rows)


@pytest.mark.parametrize("balanced", [True, False])
def test_it_is_its_formula_in_a_loop(balanced):
    mask = torch.rand(40, 5, generator=G) < 0.7
    mask[:, 0] = True
    got = loss_of(mask=mask, prior=0.6, balanced=balanced, scope="row")
    for b in range(40):
        s = float(S_POS[b])
        kept = [math.log1p(math.exp(float(S_NEG[b, j]))) for j in range(5) if mask[b, j]]
        risk = sum(kept) / len(kept) - 0.6 * math.log1p(math.exp(s))
        want = (1 if balanced else 0.6) * math.log1p(math.exp(-s)) + max(0.0, risk)
        assert float(got[b]) == pytest.approx(want)


def test_the_batchs_risk_is_that_of_true_negatives_alone():
    """Draws that are positives with probability pi: the difference is (1 - pi) times the rest."""
    prior, n = 0.3, 200_000
    positives = torch.randn(n, generator=G, dtype=torch.float64) + 1
    others = torch.randn(n, generator=G, dtype=torch.float64) - 1
    hidden = torch.randn(n, generator=G, dtype=torch.float64) + 1
    mixed = torch.where(torch.rand(n, generator=G) < prior, hidden, others)
    risk = loss_of(positives, mixed.unsqueeze(1), prior=prior) - F.softplus(-positives)
    want = (1 - prior) * F.softplus(others).mean()
    assert float(risk.mean()) == pytest.approx(float(want), abs=0.01)


@pytest.mark.parametrize("scope", ["batch", "row"])
def test_a_risk_below_0_counts_nothing_and_moves_no_negative(scope):
    s_pos, s_neg = (S_POS + 4).requires_grad_(), (S_NEG - 6).requires_grad_()
    rows = loss_of(s_pos, s_neg, prior=0.5, scope=scope)
    torch.testing.assert_close(rows, F.softplus(-s_pos))
    rows.sum().backward()
    assert not s_neg.grad.any() and (s_pos.grad < 0).all()
    # Above 0 a negative is pushed down, and its positive up by more than its own loss says.
    s_pos, s_neg = S_POS.clone().requires_grad_(), (S_NEG + 6).requires_grad_()
    loss_of(s_pos, s_neg, prior=0.5, scope=scope).sum().backward()
    assert (s_neg.grad > 0).all() and (s_pos.grad < -torch.sigmoid(-S_POS)).all()


def test_a_batch_keeps_rows_whose_own_risk_is_below_0():
    kept, cut = (loss_of(prior=0.6, scope=scope) for scope in ("batch", "row"))
    risk = F.softplus(S_NEG).mean(1) - 0.6 * F.softplus(S_POS)
    assert (risk < 0).any() and risk.mean() > 0
    torch.testing.assert_close(kept, F.softplus(-S_POS) + risk)
    torch.testing.assert_close(cut, F.softplus(-S_POS) + risk.clamp(min=0))


def test_a_row_without_negatives_has_its_positives_loss():
    mask = torch.ones(40, 5, dtype=torch.bool)
    mask[3] = False
    for scope in ("batch", "row"):
        assert loss_of(mask=mask, prior=0.1, scope=scope)[3] == F.softplus(-S_POS)[3]
    torch.testing.assert_close(loss_of(s_neg=S_NEG[:, :0]), F.softplus(-S_POS))
    outcome = TrainingHarness(recipe("nnpu").build(), saturated_context()).train()
    assert outcome.rows.isfinite().all()


def test_the_share_that_is_cut_is_logged():
    part = nnpu.NonNegativeRisk(nnpu.Config(prior=0.5))
    for shift in (0.0, -9.0, -9.0, 0.0):
        part.rows(None, S_POS, S_NEG + shift, Negatives(torch.zeros(40, 5, dtype=torch.long)))
    assert part.epoch_metrics() == {"cut": 0.5} and part.epoch_metrics() == {}


@pytest.mark.parametrize("wrong", ["negatives=0", "prior=1.5", "prior=0,balanced=false", "scope=x"])
def test_what_is_no_risk_is_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}.* must be"):
        recipe(f"nnpu({wrong})")
