"""BC loss: the margin by hand, InfoNCE as its limit, and a branch that learns alone, then rests."""

import copy
import importlib
import math
from dataclasses import replace

import pytest
import torch
from helpers.toy_data import small_context

from negbench.backbones import mf
from negbench.composition import recipe
from negbench.errors import UserError
from negbench.ops import rng
from negbench.parts import losses
from negbench.plugins.term_syntax import config_of
from negbench.protocol.step import Negatives
from negbench.testing import CHECKS, conforms
from negbench.testing.toy_data import TrainingHarness, toy_context
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit
from negbench.training.forward import forward

bc_loss = importlib.import_module("negbench.methods.bc_loss")


def fit_of(method, epochs=1, **settings):
    context = small_context()
    config = mf.Config(**{"dim": 8, "batch_size": 64, **settings})
    backbone = mf.build(config, context, rng.stream(0, "init"))
    return Fit(recipe(method).build(), backbone, context, TrainConfig(epochs=epochs))


def tables(branch):
    return [p.detach().clone() for p in branch.parameters()]


def test_the_margin_widens_the_angle():
    theta = torch.linspace(0.01, math.pi - 0.01, 60, dtype=torch.float64)
    for margin in (0.0, 0.3, 0.7, 1.5):
        shifted = bc_loss.widened(theta.cos(), torch.full_like(theta, margin))
        inside = theta + margin <= math.pi
        torch.testing.assert_close(shifted[inside], (theta + margin).cos()[inside])
        assert (shifted.diff() < 0).all(), "a wider angle never scores higher, beyond pi either"
        assert float(shifted.diff().abs().max()) < 0.06, "and there is no jump at pi"


def test_the_widened_cosine_has_a_slope_at_the_poles():
    poles = torch.tensor([1.0, -1.0, 1 - 1e-8], requires_grad=True)
    bc_loss.widened(poles, torch.full((3,), 0.5)).sum().backward()
    assert torch.isfinite(poles.grad).all()


def in_its_phase(method, context=None, epoch=6):
    """The forward pass of an epoch in which the branch is frozen and the recommender learns."""
    harness = TrainingHarness(recipe(method).build(), *([context] if context else []))
    return harness, forward(harness.method, replace(harness.step(), epoch=epoch))


@pytest.mark.parametrize("length", [1, 3, 6])
def test_the_rows_are_the_formula_in_a_loop_with_the_plain_product_in_the_margin(length):
    """In float64 to the last digits; a margin from cosines would be the same for every length."""
    harness, outcome = in_its_phase("bc_loss(negatives=4,tau=0.3)")
    part, step, train = harness.method.objective, outcome.step, harness.context.train
    branch = part.branch.double()
    with torch.no_grad():
        branch.user_table.mul_(length), branch.item_table.mul_(length)
    s_pos, s_neg = (x.detach().double() for x in (outcome.s_pos, outcome.s_neg))
    got = part.rows(step, s_pos, s_neg, outcome.used)
    users, items = (sorted(set(counts.tolist())) for counts in (train.lengths, train.counts))
    for b, (u, i) in enumerate(
        zip(step.batch.users.tolist(), step.batch.items.tolist(), strict=True)
    ):
        p_u = branch.user_table[users.index(train.lengths[u])].tolist()
        p_i = branch.item_table[items.index(train.counts[i])].tolist()
        margin = 1 - 1 / (1 + math.exp(-sum(x * y for x, y in zip(p_u, p_i, strict=True))))
        angle = math.acos(float(s_pos[b])) + margin
        held = math.cos(angle) if angle <= math.pi else -2 - math.cos(angle)
        total = 0.0
        for j in range(4):
            if outcome.used.mask is None or outcome.used.mask[b, j]:
                total += math.exp((float(s_neg[b, j]) - held) / 0.3)
        assert float(got[b]) == pytest.approx(math.log1p(total), abs=4e-15, rel=4e-15)


def test_longer_vectors_of_the_branch_widen_the_range_of_the_margin():
    """A cosine would leave every margin within .27 and .73."""
    harness, outcome = in_its_phase("bc_loss")
    part = harness.method.objective
    with torch.no_grad():
        part.branch.user_table.mul_(20)
    margin = part.margin(outcome.step)
    assert float(margin.min()) < 0.25 and float(margin.max()) > 0.75


def test_without_a_margin_it_is_info_nce_from_the_first_epoch_on():
    outcome = TrainingHarness(recipe("bc_loss(margin=0,tau=0.4)").build()).forward()
    info_nce = TrainingHarness(recipe("info_nce(tau=0.4)").build()).forward()
    assert torch.equal(outcome.rows, info_nce.rows) and not outcome.losses
    assert recipe("bc_loss(margin=0)").build().own_phase is None


def test_a_wider_margin_asks_for_more():
    narrow, middle, wide = (
        in_its_phase(f"bc_loss(margin={margin})")[1].rows for margin in (0, 0.5, 1)
    )
    assert (narrow < middle).all() and (middle < wide).all()


def test_the_branch_learns_alone_and_the_recommender_after_it():
    """Also under an L2 penalty and Adam, which would move it by the penalty alone."""
    fit = fit_of("bc_loss(negatives=4,freeze_epoch=2)", l2=0.1)
    seen = [fit.backbone.table.detach().clone()]
    for _ in range(4):
        metrics = fit.epoch()
        seen.append(fit.backbone.table.detach().clone())
    still = [torch.equal(a, b) for a, b in zip(seen, seen[1:], strict=False)]
    assert still == [True, True, False, False]
    assert fit.method.own_phase.begins == 3 and 0 < metrics["margin"] < 1


@pytest.mark.parametrize("check", CHECKS)
def test_it_conforms_where_the_recommender_learns(check):
    conforms("bc_loss(freeze_epoch=0)", check)


def test_the_released_settings():
    config = config_of(bc_loss, {"preset": "released"}, "bc_loss")
    assert (config.negatives, config.tau, config.tau_popularity) == (128, 0.07, 0.1)
    assert (config.freeze_epoch, config.margin) == (5, 1.0)


def test_the_branch_knows_popularity_alone_and_learns_by_its_own_loss_on_cosines():
    harness = TrainingHarness(recipe("bc_loss(negatives=4)").build())
    outcome = harness.forward()
    branch, batch = harness.method.objective.branch, outcome.step.batch
    assert not outcome.rows.requires_grad and not outcome.rows.any()
    outcome.losses["popularity"].backward()
    assert all(p.grad.abs().sum() > 0 for p in branch.parameters())
    every = torch.arange(12)
    b = branch(torch.arange(7), every.expand(7, 12)).detach()
    counts = harness.context.counts
    for i in range(12):
        for j in range(12):
            if counts[i] == counts[j]:
                assert torch.equal(b[:, i], b[:, j])
    own = b[batch.users, batch.items] / 0.1
    others = b[batch.users].gather(1, outcome.used.ids) / 0.1
    expected = losses.sampled_softmax(own, others, mask=outcome.used.mask).mean()
    torch.testing.assert_close(outcome.losses["popularity"], expected)
    later = in_its_phase("bc_loss(negatives=4)")
    later[1].rows.sum().backward()
    assert all(p.grad is None for p in later[0].method.objective.branch.parameters())
    assert not later[1].losses


def test_what_popularity_foretells_gets_the_narrower_margin():
    """Item 0 is met by all, the others by one user each: only its popularity can be predicted."""
    where = toy_context([[0, 1], [0, 2], [0, 3], [0, 4], [0, 5], [0, 6]], 12)
    harness = TrainingHarness(recipe("bc_loss(negatives=8,width=8)").build(), where, lr=0.3)
    for number in range(1, 150):
        outcome = harness.train(number)
    margin = harness.method.objective.margin(outcome.step)
    popular = outcome.step.batch.items == 0
    assert float(margin[popular].max()) < float(margin[~popular].min()) - 0.03


def test_the_branch_rests_after_its_epochs_though_adam_has_momentum():
    fit = fit_of("bc_loss(negatives=4,freeze_epoch=2)")
    branch = fit.method.objective.branch
    seen = [tables(branch)]
    for _ in range(4):
        metrics = fit.epoch()
        seen.append(tables(branch))
    moved = [
        any(not torch.equal(a, b) for a, b in zip(one, two, strict=True))
        for one, two in zip(seen, seen[1:], strict=False)
    ]
    assert moved == [True, True, False, False]
    assert 0 < metrics["margin"] < 1


def test_a_resumed_run_rests_as_well():
    first = fit_of("bc_loss(negatives=4,freeze_epoch=1)")
    first.epoch(), first.epoch()
    second = fit_of("bc_loss(negatives=4,freeze_epoch=1)")
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert first.epoch()["loss"] == second.epoch()["loss"]
    for one, two in zip(
        tables(first.method.objective.branch),
        tables(second.method.objective.branch),
        strict=True,
    ):
        assert torch.equal(one, two)


def test_a_branch_of_no_epochs_learns_nothing():
    fit = fit_of("bc_loss(negatives=4,freeze_epoch=0)")
    before = tables(fit.method.objective.branch)
    fit.epoch()
    after = tables(fit.method.objective.branch)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_shared_pool_is_taken_and_vectors_alone_are_refused():
    outcome = fit_of("bc_loss+mixed").epoch()
    assert math.isfinite(outcome["loss"])
    harness = TrainingHarness(recipe("bc_loss").build())
    step = harness.step()
    only = Negatives(vectors=torch.zeros(len(step.batch), 1, 8))
    with pytest.raises(UserError, match="bc_loss needs negatives that are items"):
        harness.method.objective.losses(step, torch.zeros(28), torch.zeros(28, 1), only)


@pytest.mark.parametrize(
    "wrong",
    ["negatives=0", "tau=0", "tau_popularity=0", "margin=-0.1", "freeze_epoch=-1", "width=0"],
)
def test_what_is_no_loss_is_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}.* must be"):
        recipe(f"bc_loss({wrong})")
