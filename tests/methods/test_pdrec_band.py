"""PDRec's rank band: the loss as stated, the band it draws from, and its safety on real data."""

import pytest
import torch
import torch.nn.functional as F
from helpers.probe_scenarios import small_scenario

from negbench.backbones import sasrec
from negbench.composition import recipe
from negbench.data.membership import Membership
from negbench.errors import UserError
from negbench.methods import pdrec_band
from negbench.methods.pdrec_band.diffrec import (
    DiffRec,
    DiffRecTraining,
    step_weights,
    train_diffrec,
)
from negbench.methods.pdrec_band.method import Band, Config
from negbench.ops import rng
from negbench.parts.diffusion.process import linear_var
from negbench.parts.sampling.proposals import UniformProposal, sample_outside
from negbench.plugins.term_syntax import config_of
from negbench.scenario.scenario import prepare
from negbench.testing.toy_data import TrainingHarness
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit

CPU = torch.device("cpu")


def harness(settings: str = "") -> TrainingHarness:
    trainer = TrainingHarness(recipe(f"pdrec_band({settings})").build())
    trainer.refresh(1)
    return trainer


def band(run: TrainingHarness | Fit) -> Band:
    part = run.method.stages[0]
    assert isinstance(part, Band)
    return part


def test_the_loss_averages_both_negatives():
    outcome = harness("low=0.0,high=1.0").forward()
    assert outcome.used.n == 2
    usable = outcome.used.mask
    assert usable is not None
    rows = usable.all(1)
    want = F.softplus(-outcome.s_pos) + F.softplus(outcome.s_neg).sum(1) / 2
    assert bool(rows.any()) and torch.allclose(outcome.rows[rows], want[rows], atol=1e-6)


def test_the_first_negative_is_that_of_random():
    ours, even = (
        harness().forward(),
        TrainingHarness(recipe("random").build()).forward(),
    )
    assert ours.used.ids is not None and even.used.ids is not None
    assert torch.equal(ours.used.ids[:, :1], even.used.ids)


def test_the_backbones_ranks_are_its_scores_and_follow_it():
    trainer = harness("model=backbone,low=0.5,high=1.0")
    scores = trainer.tables.users.mean(1) @ trainer.tables.items.mean(1).T
    outcome = trainer.forward()
    assert outcome.used.ids is not None and outcome.used.mask is not None
    for b, user in enumerate(outcome.step.batch.users.tolist()):
        if outcome.used.mask[b, 1]:
            rank = int((scores[user] > scores[user, outcome.used.ids[b, 1]]).sum())
            assert 6 <= rank < 12
    part, before = band(trainer), band(trainer).band
    trainer.refresh(2)
    assert part.band is not before
    learnt = harness()
    before = band(learnt).band
    learnt.refresh(2)
    assert band(learnt).band is before  # trained before, once


def test_it_is_safer_than_uniform_on_kuairec():
    """Exact truth: how many drawn negatives are videos that the user likes."""
    scenario = prepare("kuairec")
    context = scenario.train_context(seed=0, device=CPU)
    truth = scenario.interactions.truth
    assert truth is not None
    liked = Membership.of(truth)
    users = torch.tensor(context.train.rows)
    even, _ = sample_outside(
        UniformProposal(context.n_items, CPU),
        context.excluded,
        users,
        1,
        rng.stream(0, "negatives"),
    )
    uniform = float(liked.contains(users, even).float().mean())
    drawn, mask = (
        Band(Config())
        .band_of_diffrec(context)
        .sample(users, context.excluded, rng.stream(0, "band"))
    )
    safe = float(liked.contains(users, drawn)[mask].float().mean())
    assert 0.055 < uniform < 0.07
    assert safe < 0.8 * uniform
    control = Band(Config(fit_epochs=0)).band_of_diffrec(context)
    chance = liked.contains(
        users, control.sample(users, context.excluded, rng.stream(0, "band"))[0]
    )
    assert float(chance.float().mean()) == pytest.approx(uniform, rel=0.1)


def test_the_preset_is_the_released_model():
    c = config_of(pdrec_band, {"preset": "released"}, "pdrec_band")
    assert (c.model, c.steps, c.hidden, c.fit_lr) == ("diffrec", 10, 1000, 5e-5)
    assert (c.fit_decay, c.fit_batch, c.step_weights) == (0.5, 400, True)
    assert (c.noise_scale, c.noise_min, c.noise_max, c.low, c.high) == (0.01, 5e-4, 5e-3, 0.5, 0.99)


def test_weights_of_steps_are_the_fall_of_the_ratio():
    schedule = linear_var(4, 0.01, 5e-4, 5e-3)
    ratio = [float(a / (1 - a)) for a in schedule.abar[1:]]
    fall = [ratio[0] - ratio[1], ratio[1] - ratio[2], ratio[2] - ratio[3]]
    assert step_weights(schedule)[1:].tolist() == pytest.approx([1.0, *fall], rel=1e-5)


@pytest.mark.parametrize("setting", ["fit_decay=0.5", "fit_batch=2", "step_weights=true"])
def test_each_of_the_released_settings_changes_the_fit(setting):
    plain, other = (
        band(harness(f"steps=4,hidden=8{more}")).band.preferences.items
        for more in ("", f",{setting}")
    )
    assert plain.shape == other.shape and not torch.allclose(plain, other, atol=1e-6)
    assert bool(other.isfinite().all())


def test_a_decay_without_gradients_shrinks_as_adamw_does():
    """An epoch of one batch: w (1 - lr decay) - lr g / |g|, Adam's first step."""
    context = harness().context
    schedule = linear_var(4, 0.01, 5e-4, 5e-3)
    nets = []
    for decay in (0.0, 0.5):
        net = DiffRec(context.n_items, 8, rng.stream(0, "init"))
        nets.append((net, [p.detach().clone() for p in net.parameters()]))
        train_diffrec(net, context, schedule, DiffRecTraining(1, 8, 0.01, schedule, decay))
    (plain, start), (decayed, _) = nets
    for p, q, w in zip(plain.parameters(), decayed.parameters(), start, strict=True):
        torch.testing.assert_close(p - q, 0.01 * 0.5 * w, atol=1e-6, rtol=1e-3)


def test_a_backbone_without_users_takes_the_diffusion():
    context = small_scenario().train_context(seed=0, device=CPU)
    for model in ("backbone", "diffrec"):
        backbone = sasrec.build(sasrec.Config(dim=8, length=5), context, rng.stream(0, "init"))
        method = recipe(f"pdrec_band(model={model},fit_epochs=1)").build()
        fit = Fit(method, backbone, context, TrainConfig(epochs=1))
        if model == "diffrec":
            assert fit.run().epoch == 1
        else:
            with pytest.raises(UserError, match="needs a backbone with user vectors"):
                fit.run()


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ("low=0.99", "0 <= `low` < `high` <= 1 must hold; got 0.99 and 0.99"),
        ("steps=1", "`steps` must be at least 2; got 1"),
        ("fit_decay=-0.1", "`fit_decay` must be at least 0; got -0.1"),
        ("fit_batch=0", "`fit_batch` must be at least 1; got 0"),
        ("fit_lr=0.0", "`fit_lr` must be above 0; got 0.0"),
        ("noise_max=1e-4", "`noise_min` < `noise_max` must hold"),
    ],
)
def test_bad_settings_are_refused(settings, rule):
    with pytest.raises(UserError, match=rule):
        recipe(f"pdrec_band({settings})")
