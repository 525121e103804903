"""CCL: its formula in a loop, what the margin leaves, and that lengths of vectors do not count."""

import importlib
from dataclasses import replace

import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.plugins.term_syntax import config_of
from negbench.protocol.step import Negatives
from negbench.testing.toy_data import TrainingHarness
from negbench.training.forward import forward

ccl = importlib.import_module("negbench.methods.ccl")
G = torch.Generator().manual_seed(0)
S_POS = torch.rand(50, generator=G, dtype=torch.float64) * 2 - 1
S_NEG = torch.rand(50, 9, generator=G, dtype=torch.float64) * 2 - 1


def loss_of(margin, weight=3.0, s_pos=S_POS, s_neg=S_NEG, mask=None, logw=None):
    negatives = Negatives(torch.zeros(s_neg.shape, dtype=torch.long), mask=mask, logw=logw)
    return ccl.CosineContrastive(margin, weight).rows(None, s_pos, s_neg, negatives)


def test_it_is_its_formula_in_a_loop():
    mask = torch.rand(50, 9, generator=G) < 0.7
    mask[:, 0] = True
    got = loss_of(0.3, mask=mask)
    for b in range(50):
        kept = [float(S_NEG[b, j]) for j in range(9) if mask[b, j]]
        pushed = sum(max(0.0, s - 0.3) for s in kept) / len(kept)
        assert float(got[b]) == pytest.approx(1 - float(S_POS[b]) + 3 * pushed)


def test_margin_1_leaves_alignment_alone():
    u = torch.nn.functional.normalize(torch.randn(50, 6, generator=G, dtype=torch.float64), dim=1)
    v = torch.nn.functional.normalize(torch.randn(50, 6, generator=G, dtype=torch.float64), dim=1)
    got = loss_of(1.0, s_pos=(u * v).sum(1))
    torch.testing.assert_close(2 * got, (u - v).square().sum(1))


def test_margin_minus_1_is_linear_in_every_negative():
    scores = S_NEG.clone().requires_grad_()
    rows = loss_of(-1.0, s_neg=scores)
    torch.testing.assert_close(rows, 1 - S_POS + 3 * (1 + scores.mean(1)))
    rows.sum().backward()
    torch.testing.assert_close(scores.grad, torch.full_like(scores, 3 / 9))


def test_negatives_below_the_margin_have_no_gradient():
    scores = S_NEG.clone().requires_grad_()
    loss_of(0.2, s_neg=scores).sum().backward()
    assert torch.equal(scores.grad != 0, S_NEG > 0.2)


def test_a_sum_over_negatives_is_weight_n():
    summed = (1 - S_POS) + torch.relu(S_NEG - 0.1).sum(1)
    torch.testing.assert_close(loss_of(0.1, weight=9.0), summed)


def test_lengths_of_vectors_change_nothing():
    harness = TrainingHarness(recipe("ccl(margin=0.1)").build())
    before = harness.forward().rows
    harness.tables.items *= torch.rand(12, 1, 1, generator=G) + 0.5
    harness.tables.users *= 3.0
    torch.testing.assert_close(harness.forward().rows, before)


def test_the_order_of_negatives_and_log_weights_of_0_change_nothing():
    order = torch.randperm(9, generator=G)
    torch.testing.assert_close(loss_of(0.2, s_neg=S_NEG[:, order]), loss_of(0.2))
    torch.testing.assert_close(loss_of(0.2, logw=torch.zeros_like(S_NEG)), loss_of(0.2))


def test_a_row_without_negatives_keeps_its_positive():
    mask = torch.ones(50, 9, dtype=torch.bool)
    mask[3] = False
    assert loss_of(-0.5, mask=mask)[3] == 1 - S_POS[3]
    assert torch.equal(loss_of(-0.5, s_neg=S_NEG[:, :0]), 1 - S_POS)


def test_gradients_reach_query_positive_and_negatives():
    harness = TrainingHarness(recipe("ccl(margin=-1,negatives=5)").build())
    step = harness.step()
    # Plain autograd through one table, so that every vector's gradient is in it.
    items = step.view.items.detach().clone().requires_grad_()
    view = replace(step.view, items=items, positive=items[step.batch.items], leaves=None)
    outcome = forward(harness.method, replace(step, view=view))
    outcome.loss.backward()
    touched = set(outcome.used.ids.flatten().tolist()) | set(step.batch.items.tolist())
    assert set(items.grad.any(1).nonzero().flatten().tolist()) == touched
    assert step.view.query.grad.any(1).all()


def test_it_takes_a_recipes_negatives():
    outcome = TrainingHarness(recipe("ccl+dns(candidates=5)").build()).forward()
    assert outcome.used.n == 1 and outcome.s_neg.abs().max() <= 1 + 1e-5


@pytest.mark.parametrize(
    ("preset", "expected"),
    {
        "released": (800, 0.9, 150),
        "yelp18": (800, 0.9, 150),
        "gowalla": (800, 0.9, 150),
        "amazon_book": (1500, 0.2, 250),
    }.items(),
)
def test_presets_are_the_released_settings(preset, expected):
    config = config_of(ccl, {"preset": preset}, "ccl")
    assert (config.negatives, config.margin, config.weight) == expected
    assert config.similarity == "cosine"


@pytest.mark.parametrize("wrong", ["negatives=0", "weight=-1", "margin=1.5", "similarity=l2"])
def test_what_is_no_loss_is_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}.* must be"):
        recipe(f"ccl({wrong})")
