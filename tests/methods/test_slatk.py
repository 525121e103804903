"""SL@K: its formula and quantile in loops, the softmax loss as a limit, and state."""

import importlib
import math

import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.parts.cosine_scores import Angular
from negbench.plugins.term_syntax import config_of
from negbench.protocol.step import Batch, Negatives
from negbench.testing.toy_data import (
    TrainingHarness,
    batch_of,
    default_context,
    saturated_context,
    toy_context,
)

slatk = importlib.import_module("negbench.methods.slatk")


def harness_of(context=None, **settings):
    method = slatk.build(slatk.Config(**{"negatives": 6, "k": 3, "period": 1} | settings))
    return TrainingHarness(method, context or default_context())


def loss_of(s_pos, s_neg, users, quantiles, mask=None, **settings):
    part = harness_of(**settings, period=2).method.objective
    part.quantiles = quantiles
    harness = TrainingHarness(slatk.build(slatk.Config()))
    step = harness.step(batch=type(batch_of(harness.context))(users, users * 0))
    return part.rows(step, s_pos, s_neg, Negatives(torch.zeros_like(s_neg).long(), mask=mask))


@pytest.mark.parametrize("tau", [0.1, 0.5])
def test_an_infinite_tau_w_is_half_the_softmax_loss(tau):
    mine = harness_of(tau=tau, tau_w=math.inf).forward().rows
    softmax = recipe(f"bsl(negatives=6,positive={tau},negative={tau},weight=1)").build()
    torch.testing.assert_close(2 * mine, TrainingHarness(softmax).forward().rows)


def test_it_is_its_formula_in_a_loop():
    generator = torch.Generator().manual_seed(0)
    s_pos, s_neg = torch.randn(7, generator=generator), torch.randn(7, 6, generator=generator)
    b, mask = torch.randn(7, generator=generator), torch.rand(7, 6, generator=generator) < 0.7
    mask[:, 0] = True
    users = torch.arange(7).flip(0)
    got = loss_of(s_pos, s_neg, users, b, mask, tau=0.3, tau_w=0.7)
    for r in range(7):
        kept = [float(s_neg[r, j]) for j in range(6) if mask[r, j]]
        total = math.log(sum(math.exp((s - float(s_pos[r])) / 0.3) for s in kept))
        weight = 1 / (1 + math.exp(-float(s_pos[r] - b[users[r]]) / 0.7))
        assert float(got[r]) == pytest.approx(weight * total, rel=1e-4)


def test_a_steps_quantile_is_the_kth_largest_of_liked_and_drawn():
    harness = harness_of()
    outcome = harness.train()
    view, train = outcome.step.view, harness.context.train
    cosines = (
        torch.nn.functional.normalize(view.query, dim=1)
        @ torch.nn.functional.normalize(view.items, dim=1).T
    )
    kth = {}
    for r, user in enumerate(outcome.step.batch.users.tolist()):
        liked = [float(cosines[r, i].detach()) for i in train.row(user)]
        usable = torch.ones_like(outcome.s_neg[r]).bool()
        if outcome.used.mask is not None:
            usable = outcome.used.mask[r]
        drawn = outcome.s_neg[r][usable].tolist()
        kth.setdefault(user, []).append(sorted(liked + drawn)[-3])
    want = torch.tensor([sum(kth[user]) / len(kth[user]) for user in range(7)])
    torch.testing.assert_close(harness.method.objective.quantiles, want)


def test_the_sampled_quantile_is_at_most_the_true_one():
    harness = harness_of(negatives=4)
    outcome = harness.train()
    view = outcome.step.view
    with torch.no_grad():
        every = view.score_shared(torch.arange(12))
    true = every.topk(3, 1).values[:, -1]
    b = harness.method.objective.quantiles[outcome.step.batch.users]
    # Of N draws some repeat, and then a copy takes a place of the top K.
    draws = [row.unique().numel() for row in outcome.used.ids]
    distinct = torch.tensor(draws) == 4
    assert distinct.any() and (b <= true + 1e-6)[distinct].all() and (b < true)[distinct].any()


@pytest.mark.parametrize("constant", [-3.0, 0.25, 8.0])
def test_a_constant_on_all_scores_leaves_the_loss_once_the_quantile_moves_along(constant):
    harness = harness_of(similarity="backbone")
    losses, quantiles = [], []
    for level in (0.0, constant):
        harness.tables.users[..., 0], harness.tables.items[..., 0] = 1.0, level
        harness.train()
        quantiles.append(harness.method.objective.quantiles.clone())
        losses.append(harness.forward().rows)
    torch.testing.assert_close(quantiles[1], quantiles[0] + constant)
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-4, atol=1e-4)


def test_quantiles_are_renewed_in_every_periodth_epoch_alone():
    harness = harness_of(period=2)
    part = harness.method.objective
    assert harness.method.own_phase.begins == 2 and harness_of(period=1).method.own_phase is None
    assert [e for e in range(1, 7) if part.due(_Epoch(e))] == [2, 4, 6]
    harness.train()
    assert not part.quantiles.any()


class _Epoch:
    def __init__(self, epoch):
        self.epoch = epoch


def test_too_few_scores_leave_the_quantile_and_other_users_keep_theirs():
    harness = TrainingHarness(recipe("slatk(k=4,period=1)+dns(candidates=3)").build())
    harness.train()
    b = harness.method.objective.quantiles
    few = torch.tensor([len(harness.context.train.row(u)) + 1 < 4 for u in range(7)])
    assert torch.equal(b == 0, few)
    before = b.clone()
    harness.tables.users *= -1
    harness.train(2, batch_of(harness.context, rows=3))  # user 0 alone
    now = harness.method.objective.quantiles
    assert torch.equal(now[1:], before[1:]) and not torch.equal(now[0], before[0])


def test_the_gradient_runs_through_the_weight_and_not_through_the_quantile():
    harness = harness_of(tau_w=0.5)
    harness.train()
    outcome = harness.forward(2)
    s_pos, s_neg = (s.detach().requires_grad_() for s in (outcome.s_pos, outcome.s_neg))
    part = harness.method.objective
    part.rows(outcome.step, s_pos, s_neg, outcome.used).sum().backward()
    b = part.quantiles[outcome.step.batch.users]
    weight = torch.sigmoid((outcome.s_pos - b) / 0.5).detach()
    total = ((outcome.s_neg - outcome.s_pos.unsqueeze(1)) / 0.2).logsumexp(1).detach()
    keep = torch.tensor([float(row.abs().sum()) > 0 for row in s_neg.grad])
    want = weight * (1 - weight) / 0.5 * total - weight / 0.2
    torch.testing.assert_close(s_pos.grad[keep], want[keep], rtol=1e-4, atol=1e-5)
    assert keep.any() and not part.quantiles.requires_grad


def test_a_row_without_negatives_has_no_loss_and_no_nan():
    harness = harness_of(saturated_context())
    outcome = harness.train()
    full = outcome.step.batch.users == 3
    assert torch.equal(outcome.rows[full], torch.zeros(int(full.sum())))
    assert harness.method.objective.quantiles.isfinite().all()


def test_a_restored_method_goes_on_as_the_saved_one():
    first, second = harness_of(), harness_of()
    first.train(1)
    second.load_state_dict(first.state_dict())
    assert first.method.objective.quantiles.any()
    for number in (2, 3):
        assert torch.equal(first.train(number).rows, second.train(number).rows)
    assert first.method.objective.epoch_metrics()["quantile"] != 0


def test_presets_are_the_released_settings():
    health = config_of(slatk, {"preset": "released"}, "slatk")
    assert health == slatk.Config(negatives=1000, tau=0.2, tau_w=2.5, k=20, period=5)
    gowalla = config_of(slatk, {"preset": "gowalla"}, "slatk")
    assert gowalla == slatk.Config(negatives=1000, tau=0.1, tau_w=1.0, k=20, period=20)
    assert isinstance(slatk.build(health).transform, Angular)


@pytest.mark.parametrize("wrong", ["negatives=0", "tau=0", "tau_w=0", "k=0", "k=65", "period=0"])
def test_what_is_no_loss_is_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}` must be"):
        recipe(f"slatk({wrong})")


def test_a_repeated_train_item_counts_once():
    batch, quantiles = Batch(torch.arange(7), torch.arange(7)), []
    for times in (1, 5):
        harness = harness_of(toy_context([[user] * times for user in range(7)], 9))
        harness.train(batch=batch)
        quantiles.append(harness.method.objective.quantiles)
    assert bool(quantiles[0].all()) and torch.equal(*quantiles)
