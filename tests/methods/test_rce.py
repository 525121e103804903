"""R-CE: each term by its own weight, its limits, and that it works with any sampler."""

import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.parts import BCE
from negbench.testing import CHECKS, conforms
from negbench.testing.toy_data import TrainingHarness, saturated_context

COMPOSED = [
    "popularity+rce",
    "dns+rce",
    "in_batch+rce",
    "rce(weighs=pairs)+dns_mn",
    "directau+rce",
    "rce+enmf",
]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("text", COMPOSED)
def test_compositions_conform(text, check):
    conforms(text, check)


def sigma(x):
    return torch.sigmoid(x.detach().double())


@pytest.mark.parametrize("power", [0.1, 0.5, 2.0])
def test_every_term_has_its_own_weight(power):
    text = f"rce(power={power},negatives=3)"
    outcome = TrainingHarness(recipe(text).build(), saturated_context()).forward()
    s_pos, s_neg = outcome.s_pos, outcome.s_neg
    for b in range(len(s_pos)):
        expected = -(sigma(s_pos[b]) ** power) * sigma(s_pos[b]).log()
        mask = torch.ones(3, dtype=torch.bool)
        if outcome.used.mask is not None:
            mask = outcome.used.mask[b]
        p = sigma(-s_neg[b])[mask]
        if len(p):
            expected = expected - (p**power * p.log()).mean()
        assert outcome.rows[b].item() == pytest.approx(float(expected), rel=1e-4)
    assert outcome.used.mask is not None and not outcome.used.mask.all()


@pytest.mark.parametrize("weighs", ["terms", "pairs"])
def test_power_0_is_bce(weighs):
    text = f"rce(power=0,weighs={weighs},negatives=2)"
    even, bce = (
        TrainingHarness(recipe(*m).build()).train()
        for m in ((text,), ("random(negatives=2)", "bce"))
    )
    assert torch.equal(even.used.ids, bce.used.ids)
    torch.testing.assert_close(even.rows, bce.rows)
    grads = [o.step.view.leaves.query.grad for o in (even, bce)]
    torch.testing.assert_close(*grads)


def test_a_great_power_silences_all_that_does_not_fit_already():
    outcome = TrainingHarness(recipe("rce(power=200)").build()).forward()
    low = outcome.s_pos < 0
    assert low.any() and (outcome.used.row_weight[low] < 1e-12).all()
    assert torch.isfinite(outcome.rows).all()


def test_extreme_scores_stay_finite():
    harness = TrainingHarness(recipe("rce(power=1,negatives=2)").build())
    harness.tables.users *= 1e4
    outcome = harness.train()
    assert outcome.s_pos.abs().max() > 1e3
    assert torch.isfinite(outcome.rows).all()
    assert torch.isfinite(outcome.step.view.leaves.query.grad).all()


def test_pairs_count_by_both_weights_in_a_loss_that_compares():
    text = "rce(power=0.7,negatives=4,weighs={})"
    both, own = (
        TrainingHarness(recipe(text.format(w), "bpr").build()).forward() for w in ("pairs", "terms")
    )
    plain = torch.nn.functional.softplus(both.s_neg - both.s_pos.unsqueeze(1))
    w_neg, w_pos = sigma(-both.s_neg) ** 0.7, sigma(both.s_pos) ** 0.7
    torch.testing.assert_close(own.rows, (plain * w_neg).mean(1).float())
    torch.testing.assert_close(both.rows, ((plain * w_neg).mean(1) * w_pos).float())


def test_weights_carry_no_gradient_and_add_to_those_that_are_there():
    outcome = TrainingHarness(recipe("rce").build()).forward()
    assert not outcome.used.row_weight.requires_grad and not outcome.used.logw.requires_grad
    twice = TrainingHarness(recipe("rce(power=0.3)+tce(drop=0.3,ramp=0)").build()).forward()
    assert twice.used.logw is not None and twice.used.row_weight.count_nonzero() == 20


def test_alone_and_last_it_has_bce():
    for text in ("rce", "popularity+rce", "dns+rce"):
        assert isinstance(recipe(text).build().objective, BCE)


def test_a_shared_pool_gets_a_weight_for_each_row():
    outcome = TrainingHarness(recipe("in_batch+rce(power=0.5)").build()).forward()
    b, k = outcome.s_neg.shape
    assert outcome.used.shared and outcome.used.logw.shape == (b, k)
    w_pos = sigma(outcome.s_pos) ** 0.5
    expected = -w_pos * sigma(outcome.s_pos).log()
    p, mask = sigma(-outcome.s_neg), outcome.used.mask
    terms = torch.where(mask, -(p**0.5) * p.log(), 0.0).sum(1) / mask.sum(1).clamp(min=1)
    torch.testing.assert_close(outcome.rows, (expected + terms).float())


def test_a_loss_without_negatives_gets_the_rows_weights():
    outcome = TrainingHarness(recipe("directau+rce(power=0.5)").build()).forward()
    plain = TrainingHarness(recipe("directau").build()).forward()
    torch.testing.assert_close(outcome.rows, plain.rows * (sigma(plain.s_pos) ** 0.5).float())
    assert outcome.used.logw is None


def test_the_released_settings():
    config = recipe("rce(preset=released)").configs()["rce"]
    assert (config["power"], config["weighs"], config["negatives"]) == (0.2, "terms", 1)


@pytest.mark.parametrize("wrong", ["power=-1", "negatives=0", "weighs=rows"])
def test_what_is_no_weight_is_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}.* must be"):
        recipe(f"rce({wrong})")
