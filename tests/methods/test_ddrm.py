"""DDRM: the loss term by term, what takes gradient and what is frozen, and how users are ranked."""

import io
from dataclasses import replace

import pytest
import torch
from helpers.probe_scenarios import fit_on, small_scenario
from torch.nn.functional import softplus

from negbench.composition import recipe
from negbench.data.interactions import Csr
from negbench.errors import UserError
from negbench.evaluation.model_scorer import ModelScorer
from negbench.methods.ddrm.denoised import Denoised
from negbench.methods.ddrm.pairs import reconstruction_error
from negbench.ops import rng
from negbench.parts.user_history import Liked
from negbench.protocol.step import Batch, Step
from negbench.protocol.view import View
from negbench.testing.toy_data import (
    EmbeddingTables,
    TrainingHarness,
    batch_of,
    default_context,
    toy_context,
)
from negbench.training.forward import forward
from negbench.training.snapshot import snapshot

JOINT = "freeze=false"
FROZEN = "warmup=0"


def harness(settings: str, where=None) -> TrainingHarness:
    runner = TrainingHarness(recipe(f"ddrm({settings})").build(), where or default_context())
    runner.refresh(1)
    return runner


def part_of(runner) -> Denoised:
    part = runner.method.transform
    assert isinstance(part, Denoised)
    return part


def rank(part: Denoised, where, users: torch.Tensor, items=None) -> View:
    tables = EmbeddingTables(where)
    query = tables.users.mean(1)[users]
    items = tables.items.mean(1) if items is None else items
    view = View(query, items, query)
    batch = Batch(users, torch.zeros_like(users))
    return part.view(Step(batch, view, where, -1, -1, rng.stream(0, "x"), training=False))


@pytest.mark.parametrize("settings", [JOINT, FROZEN])
@pytest.mark.parametrize(("lam", "gamma"), [(0.0, 0.0), (1.0, 0.0), (0.3, 0.0), (0.3, 0.7)])
def test_the_loss_is_the_one_stated(settings, lam, gamma):
    runner = harness(f"{settings},lam={lam},gamma={gamma}")
    outcome = runner.forward()
    step, view = runner.step(), outcome.step.view
    user, item = step.view.query.detach(), step.view.positive.detach()
    hu, hi = part_of(runner).pair(runner.step(), user, item)  # the same generator again
    assert torch.allclose(hu, view.query) and torch.allclose(hi, view.positive)
    raw = step.view.items[outcome.used.ids]  # raw negatives
    bpr = softplus((hu.unsqueeze(1) * raw).sum(-1) - (hu * hi).sum(-1, keepdim=True)).squeeze(1)
    if outcome.used.mask is not None:
        bpr = bpr * outcome.used.mask.squeeze(1)
    lre = 0.5 * (((user - hu) ** 2).mean(1) + ((item - hi) ** 2).mean(1))
    w = torch.sigmoid((hu * hi).sum(1)) ** gamma
    want = (w * ((1 - lam) * bpr + lam * lre)).mean()
    assert torch.allclose(outcome.loss, want, atol=1e-5)


def test_the_weight_takes_no_gradient():
    runner = harness(f"{JOINT},lam=1.0,gamma=1.0")
    outcome = runner.forward()
    torch.autograd.backward(outcome.loss)
    got = part_of(runner).of_users.last.weight.grad.clone()
    for p in runner.minimised:
        p.grad = None
    step = runner.step()
    user, item = step.view.query.detach(), step.view.positive.detach()
    hats = part_of(runner).pair(step, user, item)
    w = torch.sigmoid((hats[0] * hats[1]).sum(1)).detach()
    torch.autograd.backward((w * reconstruction_error((user, item), hats)).mean())
    assert torch.allclose(part_of(runner).of_users.last.weight.grad, got, atol=1e-6)


def test_a_frozen_backbone_gets_no_gradient_and_ranks_from_its_copy():
    runner = harness(FROZEN)
    step = runner.step()
    outcome = runner.forward()
    torch.autograd.backward(outcome.loss)
    for at in (step.view.leaves, outcome.step.view.leaves):
        assert at is not None and at.query is None or at.query.grad is None
    fit = fit_on(small_scenario(), "ddrm(warmup=2)", epochs=4)
    part, frozen = part_of(fit), []
    for _ in range(4):
        row = fit.epoch()
        frozen.append(row["frozen"])
        if row["epoch"] == 3:
            kept = [x.clone() for x in part.frozen]
    assert frozen == [0, 0, 1, 1]
    assert all(torch.equal(a, b) for a, b in zip(kept, part.frozen, strict=True))
    scorer = ModelScorer.of(fit.backbone, fit.context, fit.context.train, part)
    before = scorer.scores(torch.arange(5))
    with torch.no_grad():
        fit.backbone.table += 1.0  # used no more
    after = ModelScorer.of(fit.backbone, fit.context, fit.context.train, part).scores(
        torch.arange(5)
    )
    assert torch.equal(before, after)


def test_in_the_warm_up_the_backbone_learns_as_it_would_alone():
    scenario = small_scenario()
    plain, warm = fit_on(scenario, "random", epochs=2), fit_on(scenario, "ddrm(warmup=9)", epochs=2)
    for fit in (plain, warm):
        fit.batches = [batch_of(fit.context, rows=40)]
        fit.batches = type("One", (), {"epoch": lambda self, g, b=fit.batches: iter(b)})()
    # The transform draws first, so the negatives differ: give both the same ones.
    fixed = plain.method.sampler.sample(
        Step(batch_of(plain.context, rows=40), None, plain.context, 1, 1, rng.stream(0, "n"))
    )
    for fit in (plain, warm):
        fixer = type("Fixed", (), {"sample": lambda self, step: replace(fixed)})()
        fit.method = replace(fit.method, sampler=fixer)
        fit.epoch()
    assert torch.allclose(plain.backbone.table, warm.backbone.table, atol=1e-6)


def test_in_the_warm_up_the_backbone_ranks_by_its_own_vectors():
    runner, users = harness("warmup=1"), torch.arange(7)
    own = EmbeddingTables(runner.context).users.mean(1)
    warm = rank(part_of(runner), runner.context, users)
    assert torch.equal(warm.query, own)
    runner.refresh(2)
    assert not torch.allclose(rank(part_of(runner), runner.context, users).query, own, atol=1e-3)


def test_the_weights_kept_are_of_the_frozen_phase_though_the_warm_up_was_better():
    values = iter([0.9, 0.8, 0.1, 0.3, 0.2])
    fit = fit_on(small_scenario(), "ddrm(warmup=2)", epochs=5)
    fit.stopping.validate = lambda model: next(values)
    progress = fit.run()
    assert (progress.best_epoch, progress.best_valid) == (4, 0.3)
    assert part_of(fit).frozen is not None


def test_joint_gradient_reaches_both_vectors_and_raw_negatives():
    runner = harness(JOINT)
    outcome = runner.forward()
    torch.autograd.backward(outcome.loss)
    leaves = outcome.step.view.leaves
    assert bool(leaves.query.grad.any()) and bool(leaves.positive.grad.any())
    (ids, rows), *_ = leaves.rows
    assert torch.equal(ids, outcome.used.ids) and bool(rows.grad.any())


@pytest.mark.parametrize("settings", [JOINT, FROZEN])
def test_other_negatives_leave_the_reconstruction_alone(settings):
    runner = harness(settings)
    first = runner.forward()
    method = replace(runner.method, sampler=type("Other", (), {})())
    ids = first.used.ids.flip(0)
    method.sampler.sample = lambda step: replace(first.used, ids=ids, mask=None, logq=None)
    second = forward(method, runner.step())
    assert torch.equal(first.losses["reconstruction"], second.losses["reconstruction"])
    assert not torch.equal(first.rows, second.rows)


def test_a_perfect_denoiser_ranks_by_the_mean_of_the_liked_items():
    where = default_context()
    part = part_of(harness(f"{JOINT},noised=false", where))
    users = torch.arange(where.n_users)
    items = EmbeddingTables(where).items.mean(1)
    means = torch.stack([items[torch.tensor(where.train.row(u)).long()].mean(0) for u in users])
    assert torch.allclose(part.liked.mean(items, users), means, atol=1e-6)
    assert torch.allclose(part.liked.mean(items, users.flip(0)[:3]), means.flip(0)[:3])
    part.of_items.forward = lambda x, t, condition: means
    assert torch.allclose(rank(part, where, users).query, means, atol=1e-5)
    assert torch.allclose(means[6], items[2])  # one liked item


def test_the_control_ranks_by_the_plain_mean_and_learns_nothing_of_its_own():
    runner = harness("diffusion=false")
    assert not runner.minimised and not runner.forward().losses
    users = torch.arange(7)
    got, part = rank(part_of(runner), runner.context, users).query, part_of(runner)
    assert torch.equal(got, part.liked.mean(EmbeddingTables(runner.context).items.mean(1), users))


def test_a_user_without_history_keeps_the_own_vector():
    train = Csr.of([0, 0, 2], [1, 2, 0], n_rows=3, n_columns=4)
    assert Liked.of(train, torch.device("cpu")).sizes(torch.arange(3)).tolist() == [2, 0, 1]
    for settings in (JOINT, "diffusion=false"):
        where = toy_context([[0, 1], [], [2]], 4)
        users = torch.arange(3)
        got = rank(part_of(harness(settings, where)), where, users).query
        own = EmbeddingTables(where).users.mean(1)
        assert torch.equal(got[1], own[1]) and not torch.equal(got[0], own[0])


def test_noise_in_ranking_belongs_to_the_user():
    where = default_context()
    part = part_of(harness(f"{JOINT},schedule=snr_matched,snr=0.1", where))
    every = rank(part, where, torch.arange(7)).query
    assert torch.allclose(rank(part, where, torch.tensor([4, 2])).query, every[[4, 2]], atol=1e-6)
    still = part_of(harness(f"{JOINT},schedule=snr_matched,snr=0.1,noised=false", where))
    assert not torch.allclose(rank(still, where, torch.arange(7)).query, every, atol=1e-7)


def test_the_released_noise_is_next_to_nothing_and_the_ratio_is_logged():
    runner = harness("")
    part = part_of(runner)
    assert 1 - float(part.schedule.abar[-1]) == pytest.approx(1.0e-5, rel=0.02)
    assert part.epoch_metrics()["snr_T"] == pytest.approx(float(part.variance) / 1.0e-5, rel=0.05)
    matched = part_of(harness("schedule=snr_matched,snr=0.7"))
    assert matched.epoch_metrics()["snr_T"] == pytest.approx(0.7, rel=1e-4)


@pytest.mark.parametrize("settings", ["", JOINT, FROZEN, f"{FROZEN},dropout=0.0"])
def test_every_parameter_moves(settings):
    runner = harness(settings)
    assert len(runner.minimised) == 8
    before = [p.detach().clone() for p in runner.minimised]
    assert not torch.equal(before[0], before[4])  # two denoisers, not one twice
    runner.train()
    assert not any(
        torch.equal(a, b.detach()) for a, b in zip(before, runner.minimised, strict=True)
    )


def test_the_frozen_copy_survives_a_checkpoint():
    scenario = small_scenario()
    first = fit_on(scenario, "ddrm(warmup=1)", epochs=3)
    for _ in range(2):
        first.epoch()
    second = fit_on(scenario, "ddrm(warmup=1)", epochs=3)
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second.load_state_dict(torch.load(file, weights_only=True))
    assert first.epoch()["loss"] == second.epoch()["loss"]
    saved = snapshot(second.backbone, second.method)["parts"][0]["frozen"]
    assert all(torch.equal(a, b) for a, b in zip(saved, part_of(first).frozen, strict=True))


def test_it_goes_with_other_samplers_and_stages():
    runner = TrainingHarness(recipe(f"ddrm({JOINT})+dns(candidates=6)").build())
    runner.refresh(1)
    outcome = runner.forward()
    assert outcome.drawn.n == 6 and outcome.used.n == 1
    pool = outcome.step.scores_no_grad(outcome.drawn)
    assert torch.allclose(
        pool.amax(1), outcome.step.scores_no_grad(outcome.used).squeeze(1), atol=1e-5
    )


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ("lam=1.5", "`lam` must be from 0 to 1; got 1.5"),
        ("dropout=1.0", "`dropout` must be from 0 to below 1"),
        ("steps=0", "`steps` must be at least 1"),
        ("low=0.1", "`low` must be above 0 and below `high`"),
    ],
)
def test_bad_settings_are_refused(settings, rule):
    with pytest.raises(UserError, match=rule):
        recipe(f"ddrm({settings})")
