"""AdvInfoNCE: gradients, the two players apart, the schedule, limits, what the adversary weighs."""

import importlib
import math
from dataclasses import replace

import pytest
import torch
from helpers.toy_data import context_of, small_context

from negbench.backbones import mf
from negbench.composition import recipe
from negbench.data.interactions import Csr
from negbench.errors import UserError
from negbench.ops import rng
from negbench.plugins.term_syntax import config_of
from negbench.protocol.step import Negatives
from negbench.testing import CHECKS, conforms
from negbench.testing.toy_data import TrainingHarness
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit

adv = importlib.import_module("negbench.methods.adv_infonce.method")
WORLD = small_context()
NETS = ("embed", "mlp")
EVERY_EPOCH = "interval=1,adversarial_epochs=20,adversary_lr=0.01"


def fit_of(method, context=WORLD, epochs=1, **settings):
    config = mf.Config(**{"dim": 8, "batch_size": 64, **settings})
    backbone = mf.build(config, context, rng.stream(0, "init"))
    return Fit(recipe(method).build(), backbone, context, TrainConfig(epochs=epochs))


def batch_of(fit):
    return next(iter(fit.batches.epoch(rng.stream(0, "batches"))))


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(
    "method",
    [
        *(f"adv_infonce(variant={v},{EVERY_EPOCH})" for v in NETS),
        "adv_infonce(variant=exact)",
        "adv_infonce(variant=exact,ball=u_p)",
    ],
)
def test_it_conforms(method, check):
    conforms(method, check)


def test_gradients_are_the_closed_forms_and_the_stable_form_is_the_plain_one():
    g = torch.Generator().manual_seed(0)
    k, n, tau = 64.0, 7, 0.4
    s_pos = torch.randn(5, generator=g, dtype=torch.float64, requires_grad=True)
    s_neg = torch.randn(5, n, generator=g, dtype=torch.float64, requires_grad=True)
    logits = torch.randn(5, n, generator=g, dtype=torch.float64, requires_grad=True)
    part = adv.WeightedInfoNCE(adv.Config(tau=tau, weight=k))
    rows = part.weighted_loss(s_pos, s_neg, adv.delta_from_logits(logits), Negatives())
    p, e = logits.softmax(1), (s_neg / tau).exp()
    denominator = (s_pos / tau).exp() + k * n * (p * e).sum(1)
    torch.testing.assert_close(rows, denominator.log() - s_pos / tau)
    rows.sum().backward()
    down = k * n * p * e / denominator.unsqueeze(1) / tau
    up = p * (k * n / denominator).unsqueeze(1) * (e - (p * e).sum(1, keepdim=True))
    torch.testing.assert_close(s_neg.grad, down.detach())
    torch.testing.assert_close(s_pos.grad, -down.sum(1).detach())
    torch.testing.assert_close(logits.grad, up.detach())


@pytest.mark.parametrize("k", [1, 64])
def test_even_weights_are_info_nce(k):
    plain = TrainingHarness(recipe(f"info_nce(weight={k})").build()).forward()
    for even in (f"exact,eta=0,weight={k}", f"embed,weight={k}"):
        harness = TrainingHarness(recipe(f"adv_infonce(variant={even})").build())
        if "embed" in even:
            torch.nn.init.zeros_(harness.method.objective.net.users)
        torch.testing.assert_close(harness.forward().rows, plain.rows, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("variant", NETS)
def test_a_step_up_raises_the_loss_and_leaves_the_recommender(variant):
    fit = fit_of(f"adv_infonce(variant={variant},{EVERY_EPOCH})", init=1.0)
    outcome, part = fit.step(batch_of(fit), 1, 1), fit.method.objective
    feedback, table = outcome.feedback(), fit.backbone.table.detach().clone()
    losses = []
    for _ in range(6):
        delta = part.delta(feedback.step, feedback.s_neg, feedback.negatives)
        rows = part.weighted_loss(feedback.s_pos, feedback.s_neg, delta, feedback.negatives)
        losses.append(rows.mean().item())
        part.ascend(feedback)
    assert all(after > before for before, after in zip(losses, losses[1:], strict=False))
    assert torch.equal(fit.backbone.table, table)


@pytest.mark.parametrize("variant", NETS)
@pytest.mark.parametrize("epoch,moves", [(3, True), (4, False)])
def test_all_of_the_adversary_moves_in_its_epochs_and_none_of_it_between(variant, epoch, moves):
    fit = fit_of(f"adv_infonce(variant={variant})", init=1.0)
    batch = batch_of(fit)
    fit.step(batch, 3, 1)  # momentum, which must not move it later
    before = [p.detach().clone() for p in fit.method.objective.net.parameters()]
    table = fit.backbone.table.detach().clone()
    fit.step(batch, epoch, 2)
    moved = [
        not torch.equal(a, b)
        for a, b in zip(before, fit.method.objective.net.parameters(), strict=True)
    ]
    assert moved == [moves] * len(before)
    assert not torch.equal(fit.backbone.table, table)


def test_the_loss_that_goes_down_has_no_gradient_to_the_adversary():
    fit = fit_of("adv_infonce")
    fit.step(batch_of(fit), 1, 1)
    assert all(p.grad is None for p in fit.method.objective.net.parameters())


@pytest.mark.parametrize(
    "config,expected",
    [
        (adv.Config(), [3, 8, 13, 18, 23, 28, 33]),
        (adv.Config(interval=15, adversarial_epochs=3), [13, 28, 43]),
        (adv.Config(warm_up=8, adversarial_epochs=3), [13, 18, 23]),
        (adv.Config(warm_up=3, interval=1, adversarial_epochs=2), [4, 5]),
        (adv.Config(adversarial_epochs=0), []),
    ],
)
def test_the_schedule(config, expected):
    """The released code counts from 0: the 3rd, 8th and 13th epoch at an interval of 5."""
    assert [epoch for epoch in range(1, 60) if config.ascends(epoch)] == expected
    assert config.first_ascent == (expected[0] if expected else 0)


def test_the_released_settings():
    config = config_of(adv, {"preset": "released"}, "adv_infonce")
    assert (config.negatives, config.tau, config.weight, config.interval) == (64, 0.28, 64, 5)
    assert (config.adversarial_epochs, config.adversary_lr) == (13, 1e-4)
    by_data = {
        "tencent": (128, 0.09, 5, 7, 5e-5),
        "kuairec": (128, 2.0, 5, 12, 5e-5),
        "coat": (64, 0.75, 15, 20, 1e-2),
    }
    assert adv.CARD.presets.keys() == {"released", *by_data}
    for name, (n, tau, interval, epochs, lr) in by_data.items():
        config = config_of(adv, {"preset": name}, "adv_infonce")
        got = config.negatives, config.tau, config.interval, config.adversarial_epochs
        assert (*got, config.adversary_lr) == (n, tau, interval, epochs, lr)
        assert config.weight == 64


def test_training_logs_how_far_the_weights_stray_and_only_in_epochs_up():
    rows = fit_of("adv_infonce(adversary_lr=0.02,adversarial_epochs=1)", epochs=5).run().rows[1:]
    start, up, after, later = (row["kl_u_p"] for row in rows)
    assert 0 < start < up < after < 10 * up
    assert later == pytest.approx(after, rel=0.1), "other negatives, the same adversary"
    assert all(row["kl_p_u"] > 0 for row in rows)


@pytest.mark.parametrize("ball", ["p_u", "u_p"])
def test_the_exact_weights_stray_as_far_as_they_may(ball):
    metrics = fit_of(f"adv_infonce(variant=exact,eta=0.2,ball={ball})", init=1.0).run().rows[0]
    assert metrics[f"kl_{ball}"] == pytest.approx(0.2, rel=1e-3)


def planted():
    """Two tastes over two halves; of the ten liked items of each user five are in train."""
    draw = torch.Generator().manual_seed(0)
    likes = [torch.randperm(15, generator=draw)[:10] + 15 * (u % 2) for u in range(60)]
    users = torch.arange(60).repeat_interleave(5).numpy()
    train = torch.cat([liked[:5] for liked in likes]).numpy()
    hidden = [set(liked[5:].tolist()) for liked in likes]
    return context_of(Csr.of(users, train, n_rows=60, n_columns=30)), hidden


def test_planted_false_negatives_get_large_weights_since_they_score_high():
    """The paper hopes that delta forgives them; going up the loss does the contrary."""
    context, hidden = planted()
    fit = fit_of(f"adv_infonce({EVERY_EPOCH})", context, epochs=15)
    fit.run()
    users, outside = torch.arange(60), context.excluded.non_member
    ids = torch.stack([outside(users, torch.full((60,), rank)) for rank in range(25)], 1)
    step = TrainingHarness(fit.method, context, begin_calls=0).step()
    step = replace(step, batch=replace(step.batch, users=users))
    delta = fit.method.objective.delta(step, torch.zeros(60, 25), Negatives(ids)).detach()
    false = torch.tensor([[int(i) in hidden[u] for i in ids[u]] for u in range(60)])
    assert int(false.sum()) == 300
    assert float(delta[false].mean()) > float(delta[~false].mean())
    # The share of false negatives that are forgiven (delta < 0) is below that of the others.
    forgiven = [float((delta[kind] < 0).double().mean()) for kind in (false, ~false)]
    assert forgiven[0] < forgiven[1] - 0.05


def test_a_checkpoint_goes_on_bit_for_bit():
    whole, first = (fit_of(f"adv_infonce({EVERY_EPOCH})", epochs=2) for _ in range(2))
    whole.epoch(), first.epoch()
    whole.progress.epoch = first.progress.epoch = 1
    second = fit_of(f"adv_infonce({EVERY_EPOCH})", epochs=2)
    second.load_state_dict(first.state_dict())
    assert whole.epoch() == second.epoch()


def test_a_method_and_one_that_goes_on_from_its_state_share_nothing():
    first, second = (
        TrainingHarness(recipe(f"adv_infonce({EVERY_EPOCH})").build()) for _ in range(2)
    )
    first.train()
    second.load_state_dict(first.state_dict())
    moments = first.method.objective.optimiser.state_dict()["state"][0]["exp_avg"].clone()
    second.train()
    after = first.method.objective.optimiser.state_dict()["state"][0]["exp_avg"]
    assert bool(moments.any()) and torch.equal(after, moments)


@pytest.mark.parametrize(
    "wrong",
    ["tau=0", "weight=0", "negatives=0", "interval=0", "adversary_lr=0", "eta=-1", "ball=u_u"],
)
def test_what_cannot_be_trained_is_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}.* must be"):
        recipe(f"adv_infonce({wrong})")


def test_a_recipe_may_move_the_draws():
    method = recipe("dns_mn+adv_infonce").build()
    assert isinstance(method.objective, adv.Adversarial) and method.stages
    assert math.isfinite(float(TrainingHarness(method).train().loss.detach()))
