"""The three uses of the detector, its level over a user's positives, and its limits."""

from dataclasses import replace

import pytest
import torch
from helpers.probe_scenarios import fit_on, small_scenario
from torch.nn.functional import softplus

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.methods.ddrm_sampler.method import Detect, Units, detection, quantiles
from negbench.ops import rng
from negbench.protocol import Batch, Negatives, Step
from negbench.testing.toy_data import TrainingHarness, toy_context


def harness(settings: str = "warmup=0") -> TrainingHarness:
    trainer = TrainingHarness(recipe(f"ddrm_sampler({settings})").build())
    trainer.refresh(1)
    return trainer


def stage(trainer) -> Detect:
    part = trainer.method.stages[0]
    assert isinstance(part, Detect)
    return part


def fix_rho(trainer: TrainingHarness, rho: dict[int, float], level: float = 0.0) -> None:
    """Fix rho by item, and the level and spread that it is held against."""
    part, step = stage(trainer), trainer.step()
    units = part.epoch_units(step)
    n = step.context.n_users
    units = replace(units, level=torch.full((n,), level), spread=torch.ones(()))
    part.epoch_units = lambda step: units  # type: ignore[method-assign]
    table = torch.tensor([rho.get(i, 0.0) for i in range(step.context.n_items)])
    part.rho = lambda step, units, ids: table[ids]  # type: ignore[method-assign]


def test_the_sampler_draws_by_score_and_probability_of_a_true_negative():
    trainer = harness("warmup=0,candidates=3,tau_h=2.0")
    fix_rho(trainer, {6: -1.0, 7: 2.0, 8: 40.0}, level=0.5)
    part, n = stage(trainer), 4000
    users = torch.zeros(n, dtype=torch.int64)
    step = trainer.step(batch=Batch(users, users))
    candidates = Negatives(torch.tensor([[6, 7, 8]]).expand(n, 3))
    true_negative = 1 - torch.sigmoid(torch.tensor([-1.5, 1.5, 39.5]))
    want = (step.scores_no_grad(candidates)[0] / 2.0).exp() * true_negative
    want = want / want.sum()
    counts = torch.bincount(part.apply(step, candidates).ids[:, 0] - 6, minlength=3) / n
    assert torch.allclose(counts, want, atol=0.03)
    assert float(counts[2]) == 0  # surely the user's own


def test_the_reweighter_lowers_the_weight_of_likely_positives():
    trainer = harness("use=reweighter,warmup=0")
    fix_rho(trainer, {i: float(i) - 5 for i in range(12)}, level=1.0)
    outcome = trainer.forward()
    assert torch.equal(outcome.used.ids, outcome.drawn.ids)
    z = outcome.used.ids.float() - 5 - 1.0
    want = (1 - torch.sigmoid(z)) * softplus(outcome.s_neg - outcome.s_pos.unsqueeze(1))
    if outcome.used.mask is not None:
        want = want * outcome.used.mask
    assert torch.allclose(outcome.rows, want.squeeze(1), atol=1e-5)


def test_the_virtual_negative_is_the_mixture_and_never_outscores():
    trainer = harness("use=virtual,warmup=0,g=0.3")
    part, step = stage(trainer), trainer.step()
    goal = torch.randn(8, generator=rng.stream(0, "goal"))
    part.detector.restore = lambda items, query, g: goal.expand_as(items)  # type: ignore[method-assign]
    units = part.epoch_units(step)
    outcome = trainer.forward()
    raw = outcome.step.view.items[outcome.used.ids]
    mixed = 0.7 * raw + 0.3 * (goal * units.scale + units.mean)
    over = outcome.step.view.score_rows(mixed) > outcome.s_pos.unsqueeze(1)
    want = torch.where(over.unsqueeze(-1), raw, mixed)
    assert bool(over.any()) and not bool(over.all())
    assert torch.allclose(outcome.used.vectors, want, atol=1e-5)
    torch.autograd.backward(outcome.loss)
    assert any(bool(rows.grad.any()) for _, rows in outcome.step.view.leaves.rows)


def test_the_level_is_each_users_own_quantile():
    groups = torch.tensor([2, 0, 2, 0, 2, 0, 0, 2])
    values = torch.tensor([5.0, 3.0, 1.0, 1.0, 9.0, 2.0, 4.0, 7.0])
    got = quantiles(groups, values, 4, 0.34)
    assert got.tolist() == [2.0, 2.0, 5.0, 2.0]  # the whole's where a user has nothing
    assert quantiles(groups, values, 3, 0.0).tolist() == [1.0, 1.0, 1.0]
    assert quantiles(groups, values, 3, 1.0).tolist() == [4.0, 9.0, 9.0]


def test_without_user_vectors_one_level_serves_all():
    trainer = harness()
    step = trainer.step()
    step = replace(step, view=replace(step.view, users=None))
    units = stage(trainer).epoch_units(step)
    assert isinstance(units, Units) and units.level.shape == (1,)
    assert bool(
        torch.isfinite(stage(trainer).apply(step, trainer.method.sampler.sample(step)).ids).all()
    )


def test_the_warm_up_draws_as_random_does():
    trainer = harness("warmup=1,candidates=4")
    outcome = trainer.forward()
    assert torch.equal(outcome.used.ids, outcome.drawn.ids[:, :1])
    assert "denoising" in outcome.losses
    virtual = harness("warmup=1,use=virtual").forward()
    assert virtual.used.vectors is None


@pytest.mark.parametrize("use", ["sampler", "reweighter", "virtual"])
def test_every_parameter_moves_and_the_control_has_none(use):
    trainer = harness(f"warmup=0,use={use}")
    before = [p.detach().clone() for p in trainer.minimised]
    assert len(before) == 5
    for number in range(1, 4):
        trainer.train(number)
    assert not any(
        torch.equal(a, b.detach()) for a, b in zip(before, trainer.minimised, strict=True)
    )
    control = harness(f"warmup=0,use={use},denoiser=untrained")
    assert not control.minimised and not control.forward().losses


def test_it_finds_the_unseen_items_of_a_users_taste():
    """Users of two tastes: unseen items of the own taste against those of the other."""
    fit = fit_on(
        small_scenario(n_users=100, n_items=60, n=2500), "ddrm_sampler(warmup=20)", epochs=8
    )
    fit.run()
    fit.refresh(99)
    users = torch.arange(100)
    batch = Batch(users, users.new_zeros(100))
    view = fit.backbone.view(batch, rng.stream(0, "view"))
    step = Step(batch, view, fit.context, 99, 1, rng.stream(0, "step"))
    every = torch.arange(60).expand(100, -1)
    rho = detection(stage(fit), step, every)
    own = (every >= 30) == (users % 2 == 1).unsqueeze(1)
    unseen = ~fit.context.excluded.contains(users, every)
    hit, miss = rho[own & unseen], rho[~own & unseen]
    assert float((hit.unsqueeze(1) > miss).double().mean()) > 0.9


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ("drop=0.0", "`drop` must lie between 0 and 1; got 0.0"),
        ("alpha=2.0", "`alpha` must be from 0 to 1; got 2.0"),
        ("candidates=0", "`candidates` must be at least 1; got 0"),
    ],
)
def test_bad_settings_are_refused(settings, rule):
    with pytest.raises(UserError, match=rule):
        recipe(f"ddrm_sampler({settings})")


def test_the_warm_up_takes_what_each_row_may_use():
    """The first item of the pool is user 0's own, the only one who may not have it."""
    context = toy_context([[0], [1], [2]], 9)
    trainer = TrainingHarness(recipe("in_batch+ddrm_sampler(warmup=1)").build(), context)
    used = trainer.forward().used
    assert used.mask is not None and bool(used.mask.all())
    assert used.ids.flatten().tolist() == [1, 0, 0]
