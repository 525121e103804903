"""Softmax-weighted BPR: both ends of rho as registered methods, and the KL ball between them."""

import importlib
import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.plugins.term_syntax import config_of
from negbench.testing.toy_data import TrainingHarness, saturated_context

softmax_rho = importlib.import_module("negbench.methods.softmax_rho")


def forward(text, number=1, context=None):
    method = recipe(text).build()
    harness = TrainingHarness(method) if context is None else TrainingHarness(method, context)
    return harness.forward(number)


@pytest.mark.parametrize("n", [1, 5, 40])
def test_rho_0_is_the_mean_over_the_draws(n):
    mine, mean = (
        forward(text) for text in (f"softmax_rho(negatives={n},rho=0)", f"random(negatives={n})")
    )
    assert torch.equal(mine.used.ids, mean.used.ids)
    torch.testing.assert_close(mine.rows, mean.rows)


@pytest.mark.parametrize(("n", "rho"), [(2, 1e12), (5, 1e12), (40, 1e12), (5, 1e38), (5, 1e300)])
def test_rho_without_bound_is_the_hardest_draw(n, rho):
    mine, hardest = (
        forward(text) for text in (f"softmax_rho(negatives={n},rho={rho})", f"dns(candidates={n})")
    )
    torch.testing.assert_close(mine.rows, hardest.rows)


def test_it_is_its_formula_in_a_loop():
    outcome = forward("softmax_rho(negatives=6,rho=0.7)")
    mask, s_pos, s_neg = outcome.used.mask, outcome.s_pos.detach(), outcome.s_neg.detach()
    for r in range(len(outcome.rows)):
        kept = [float(s) for j, s in enumerate(s_neg[r]) if mask is None or mask[r, j]]
        losses = [math.log1p(math.exp(s - float(s_pos[r]))) for s in kept]
        mean = sum(losses) / len(losses)
        variance = sum((x - mean) ** 2 for x in losses) / (len(losses) - 1)
        tau = math.sqrt(variance / (2 * 0.7)) if variance > 1e-12 else math.inf
        weights = [math.exp((x - max(losses)) / tau) for x in losses]
        want = sum(w * x for w, x in zip(weights, losses, strict=True)) / sum(weights)
        assert float(outcome.rows[r].detach()) == pytest.approx(want, rel=1e-4)


@pytest.mark.parametrize("rho", [0.001, 0.01])
def test_the_weights_are_rho_away_from_uniform_in_kl_to_second_order(rho):
    outcome = forward(f"softmax_rho(negatives=400,rho={rho})")
    weights = outcome.used.logw.exp() / 400
    kl = (weights * (weights * 400).log()).sum(1)
    spread = outcome.s_neg.detach().var(1) > 1e-6
    torch.testing.assert_close(
        kl[spread] / rho, torch.ones_like(kl[spread]), rtol=0, atol=4 * rho**0.5
    )


def test_weights_sum_to_n_and_rise_with_the_score():
    outcome = forward("softmax_rho(negatives=9)")
    weights = outcome.used.logw.exp()
    torch.testing.assert_close(weights.sum(1), torch.full_like(outcome.rows, 9.0))
    order = outcome.s_neg.argsort(1)
    sorted_weights = weights.gather(1, order)
    assert (sorted_weights.diff(dim=1) >= -1e-5).all()
    assert not outcome.used.logw.requires_grad


def test_a_known_proposal_is_divided_out():
    """Two draws whose losses are alike weigh 1 / q each."""
    harness = TrainingHarness(recipe("random(negatives=2)").build())
    step = harness.step()
    drawn = harness.method.sampler.sample(step)
    twice = replace(
        drawn,
        ids=drawn.ids[:, :1].expand(-1, 2),
        mask=None,
        logq=torch.tensor([0.8, 0.2]).log().expand(len(step.batch), 2),
    )
    got = softmax_rho.WeighByLoss(1.0).apply(step, twice).logw.exp()
    torch.testing.assert_close(got, torch.tensor([0.4, 1.6]).expand_as(got))


def test_all_equal_losses_weigh_alike():
    """Copies of one item: no variance, so tau would be 0."""
    losses = torch.full((3, 5), 0.7) * torch.tensor([[1.0], [1e-6], [50.0]])
    assert not softmax_rho.sharpness(losses, None, 1e6).any()
    assert softmax_rho.sharpness(losses[:, :1], None, 1.0).tolist() == [0, 0, 0]
    near = softmax_rho.sharpness(torch.tensor([[0.0, 2e-4, 1e-4]]), None, 1e60)
    assert near.isfinite() and near > 1e20
    unequal = losses * torch.linspace(1, 2, 5)
    want = (2 / unequal.var(1)).sqrt()
    torch.testing.assert_close(softmax_rho.sharpness(unequal, None, 1.0), want)


def test_masked_negatives_change_nothing():
    harness = TrainingHarness(recipe("random(negatives=8)").build())
    step = harness.step()
    drawn = harness.method.sampler.sample(step)
    mask = torch.ones_like(drawn.ids, dtype=torch.bool)
    mask[:, 5:] = False
    stage = softmax_rho.WeighByLoss(1.0)
    masked = stage.apply(step, replace(drawn, mask=mask))
    cut = stage.apply(step, replace(drawn, ids=drawn.ids[:, :5], logq=None, mask=None))
    torch.testing.assert_close(masked.logw[:, :5], cut.logw)
    torch.testing.assert_close(masked.logw[:, :5].exp().sum(1), torch.full((len(mask),), 5.0))


def test_only_scores_of_the_loss_have_a_gradient_and_it_is_the_weighted_one():
    outcome = forward("softmax_rho(negatives=6)")
    scores = outcome.s_neg.detach().requires_grad_()
    s_pos = outcome.s_pos.detach()
    F.softplus(scores - s_pos.unsqueeze(1)).mul(outcome.used.logw.exp()).mean(1).sum().backward()
    (got,) = torch.autograd.grad(outcome.rows.sum(), outcome.s_neg)
    torch.testing.assert_close(got, scores.grad)


def test_a_row_without_negatives_has_no_loss():
    outcome = forward("softmax_rho(negatives=4)", context=saturated_context())
    full = outcome.step.batch.users == 3
    assert torch.equal(outcome.rows[full], torch.zeros(int(full.sum())))
    assert outcome.rows.isfinite().all() and (outcome.rows[~full] > 0).all()


def test_it_takes_a_recipes_sampler_shared_pools_too():
    for text in ("popularity(negatives=6)+softmax_rho", "in_batch+softmax_rho"):
        outcome = forward(text)
        assert outcome.rows.isfinite().all() and outcome.used.logw is not None


def test_the_preset_is_the_released_settings():
    config = config_of(softmax_rho, {"preset": "released"}, "softmax_rho")
    assert config == softmax_rho.Config(negatives=200, rho=1.0)


@pytest.mark.parametrize("wrong", ["negatives=0", "rho=-1"])
def test_what_is_out_of_range_is_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}` must be"):
        recipe(f"softmax_rho({wrong})")
