"""CCDRec without texts: the schedule of its pools, what it draws from them, and how losses mix."""

from dataclasses import replace

import pytest
import torch
from helpers.probe_scenarios import fit_on, small_scenario

from negbench.backbones import sasrec
from negbench.composition import recipe
from negbench.errors import UserError
from negbench.methods import ccdrec_cf
from negbench.methods.ccdrec_cf import Curriculum, mean_of_users, station
from negbench.ops import rng
from negbench.parts.losses.functions import bpr
from negbench.protocol.step import Batch, Step
from negbench.testing.toy_data import TrainingHarness, toy_context
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit


def harness(settings: str = "") -> TrainingHarness:
    runner = TrainingHarness(recipe(f"ccdrec_cf({settings})").build())
    runner.refresh(1)
    return runner


def curriculum(runner: TrainingHarness | Fit) -> Curriculum:
    part = runner.method.stages[0]
    assert isinstance(part, Curriculum)
    return part


def test_pools_go_from_three_quarters_of_t_to_0():
    assert [station(20, level) for level in range(5)] == [15, 10, 5, 0, 0]
    assert [station(5, level) for level in range(4)] == [3, 2, 1, 0]
    runner = harness("steps=20,every=3,end=11")
    part, step = curriculum(runner), runner.step()
    assert set(part.pools) == {15, 10, 5, 0}
    seen = [part.pool(replace(step, epoch=n + 1)) for n in range(12)]
    for n, t in enumerate([15] * 3 + [10] * 3 + [5] * 3 + [0] * 2):
        assert seen[n] is part.pools[t]
    assert seen[11] is step.view.items  # from tau_end on the items themselves


def test_it_draws_evenly_from_the_best_unobserved_of_the_pool():
    runner = harness("share=1,top=0.25")
    part, step = curriculum(runner), runner.step()
    pool, context = part.pool(step), runner.context
    drawn = torch.cat([part.near(runner.step(n))[0] for n in range(400)], 1)
    for b, (user, item) in enumerate(
        zip(step.batch.users.tolist(), step.batch.items.tolist(), strict=True)
    ):
        hidden = {*context.train.row(user).tolist(), item}
        free = [j for j in range(12) if j not in hidden]
        best = sorted(free, key=lambda j: -float(pool[item] @ pool[j]))[:3]
        seen, counts = drawn[b].unique(return_counts=True)
        assert set(seen.tolist()) == set(best)
        share = 1 / len(best)
        assert (
            (counts / 400 - share).abs() < 4.5 * (share * (1 - share) / 400) ** 0.5 + 1e-9
        ).all()


def test_candidates_are_a_share_of_the_items():
    runner = harness("share=0.5,top=1.0")
    part = curriculum(runner)
    for n in range(20):
        ids, usable = part.near(runner.step(n))
        assert len(ids[usable].unique()) <= 6


def test_the_two_losses_mix_as_omega_says():
    outcome = harness("omega=0.7,share=1").forward()
    each = [bpr(outcome.s_pos, outcome.s_neg[:, k : k + 1]) for k in (0, 1)]
    assert outcome.used.mask is None or bool(outcome.used.mask.all())
    assert torch.allclose(outcome.rows, 0.3 * each[0] + 0.7 * each[1], atol=1e-6)


def test_omega_0_is_random_and_omega_1_the_curriculum_alone():
    even = TrainingHarness(recipe("random").build()).forward()
    assert torch.equal(harness("omega=0").forward().rows, even.rows)
    alone = harness("omega=1,share=1").forward()
    assert torch.equal(alone.rows, bpr(alone.s_pos, alone.s_neg)) and alone.s_neg.shape[1] == 1


@pytest.fixture(scope="module")
def trained() -> dict[str, Fit]:
    """Fits with a schedule that begins at noise, refreshed, by the denoiser's condition."""
    scenario = small_scenario(n_users=100, n_items=60, n=2500)
    fits = {}
    for condition in ("item", "users", "dropped"):
        method = f"ccdrec_cf(share=1,schedule=cosine,condition={condition})"
        fits[condition] = fit_on(scenario, method, epochs=12)
        fits[condition].run()
        fits[condition].refresh(13)
    return fits


def step_of(fit: Fit, epoch: int = 1) -> Step:
    train = fit.context.train
    batch = Batch(torch.tensor(train.rows), torch.tensor(train.indices).long())
    view = fit.backbone.view(batch, rng.stream(0, "view"))
    return Step(batch, view, fit.context, epoch, 1, rng.stream(0, "step"))


def test_negatives_come_nearer_to_the_positive_with_the_curriculum(trained):
    fit, alike = trained["item"], []
    for epoch in (1, 6, 11, 16):
        step = step_of(fit, epoch)
        (ids, usable), items = curriculum(fit).near(step), step.view.items
        near = (items[step.batch.items] * items[ids[:, 0]]).sum(1)
        alike.append(float(near[usable[:, 0]].mean()))
    assert alike == sorted(alike) and alike[-1] > alike[0] + 0.3


def test_without_a_condition_a_pool_knows_no_more_than_its_start(trained):
    aligned = {}
    for condition, fit in trained.items():
        part, items = curriculum(fit), fit.backbone.encode(fit.context.train).items
        both = [x - x.mean(0) for x in (items, part.pools[0])]
        aligned[condition] = float(torch.cosine_similarity(*both).mean())
    assert aligned["item"] > 0.8 and abs(aligned["dropped"]) < 0.4


def test_a_denoiser_that_is_given_the_item_is_a_copy(trained):
    """How far the pool at t = 0 is from the items themselves, in shares of their spread."""
    off = {}
    for condition, fit in trained.items():
        pool, items = curriculum(fit).pools[0], fit.backbone.encode(fit.context.train).items
        off[condition] = float((pool - items).norm() / (items - items.mean(0)).norm())
    assert off["item"] < off["users"] - 0.05 < off["dropped"] - 0.1


@pytest.mark.parametrize("refreshed", [True, False])
def test_the_condition_is_users_where_there_are_any(refreshed):
    pools = {}
    for condition in ("auto", "users", "item"):
        runner = TrainingHarness(recipe(f"ccdrec_cf(condition={condition})").build())
        if refreshed:
            runner.refresh(1)
        runner.forward()
        pools[condition] = curriculum(runner).condition_of_items
    users, items = runner.tables.users.mean(1), runner.tables.items.mean(1)
    assert torch.equal(pools["auto"], pools["users"]) and torch.equal(pools["item"], items)
    assert torch.equal(pools["users"], mean_of_users(users, runner.context))
    assert ccdrec_cf.Config().condition == "auto"


def test_without_users_the_condition_is_the_item():
    context = small_scenario().train_context(seed=0, device=torch.device("cpu"))
    backbone = sasrec.build(sasrec.Config(dim=8, length=5), context, rng.stream(0, "init"))
    fit = Fit(recipe("ccdrec_cf").build(), backbone, context, TrainConfig(epochs=1))
    fit.refresh(1)
    assert torch.equal(curriculum(fit).condition_of_items, backbone.encode(context.train).items)


@pytest.mark.parametrize("condition", ["item", "users", "dropped"])
def test_every_parameter_moves_and_only_by_its_own_loss(condition):
    runner = harness(f"condition={condition}")
    assert len(runner.minimised) == 4
    outcome = runner.forward()
    torch.autograd.backward(outcome.losses["denoising"], retain_graph=True)
    leaves = outcome.step.view.leaves
    assert leaves is not None and leaves.positive is not None and leaves.positive.grad is None
    before = [p.detach().clone() for p in runner.minimised]
    for number in (1, 2, 3):
        runner.train(number)
    assert not any(
        torch.equal(a, b.detach()) for a, b in zip(before, runner.minimised, strict=True)
    )


def test_the_control_has_a_random_denoiser_that_stays():
    runner = harness("trained=false")
    part = curriculum(runner)
    assert not runner.minimised and bool(part.net.last.weight.any())
    before = {name: value.clone() for name, value in part.state_dict().items()}
    outcome = runner.train()
    assert not outcome.losses
    assert all(torch.equal(before[name], value) for name, value in part.state_dict().items())


def test_the_denoiser_learns_to_tell_items(trained):
    fit = trained["item"]
    part, step = curriculum(fit), step_of(fit)
    assert part.space is not None
    nothing = part.space.standardise(step.view.positive.detach()).square().mean()
    assert float(part.error(step).detach()) < 0.5 * float(nothing)
    assert 0 < part.epoch_metrics()["snr_T"] < 0.01


def test_the_mean_of_users_is_one_hop():
    runner = harness()
    users, context = runner.tables.users.mean(1), runner.context
    got = mean_of_users(users, context)
    for item in range(12):
        met = [u for u in range(7) if item in context.train.row(u).tolist()]
        want = users[met].mean(0) if met else torch.zeros(8)
        assert torch.allclose(got[item], want, atol=1e-6)


def test_a_backbone_without_users_has_no_users_to_tell_of():
    context = small_scenario().train_context(seed=0, device=torch.device("cpu"))
    backbone = sasrec.build(sasrec.Config(dim=8, length=5), context, rng.stream(0, "init"))
    fit = Fit(
        recipe("ccdrec_cf(condition=users)").build(), backbone, context, TrainConfig(epochs=1)
    )
    with pytest.raises(UserError, match="needs a backbone with user vectors"):
        fit.run()


def test_the_released_settings():
    config = recipe("ccdrec_cf(preset=released)").configs()["ccdrec_cf"]
    assert (config["omega"], config["steps"], config["schedule"]) == (0.8, 20, "linear")
    assert (config["noise"], config["share"], config["top"]) == ("unit", 0.1, 0.1)


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ("omega=1.5", "`omega` must be from 0 to 1; got 1.5"),
        ("steps=3", "`steps` must be at least 4; got 3"),
        ("top=0.0", "`top` must be above 0 and at most 1; got 0.0"),
        ("weight=0.0", "`weight` must be above 0"),
    ],
)
def test_bad_settings_are_refused(settings, rule):
    with pytest.raises(UserError, match=rule):
        recipe(f"ccdrec_cf({settings})")
    assert ccdrec_cf.CARD.moves == ("stages",)


def test_a_repeated_pair_counts_once_in_the_mean_of_users():
    users, context = torch.randn(3, 8), toy_context([[0, 0, 1], [0], [1]], 3)
    want = torch.stack([users[:2].mean(0), users[[0, 2]].mean(0), torch.zeros(8)])
    torch.testing.assert_close(mean_of_users(users, context), want)
