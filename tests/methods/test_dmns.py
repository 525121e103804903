"""DMNS: the law of its levels, one chain a row, what the condition does, and the loss as stated."""

import pytest
import torch
from helpers.probe_scenarios import fit_on, small_scenario
from torch.nn.functional import logsigmoid

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.methods import dmns
from negbench.methods.dmns import Config, Levels
from negbench.ops import rng
from negbench.parts.diffusion import process
from negbench.plugins.term_syntax import config_of
from negbench.protocol.step import Batch, Step
from negbench.testing.toy_data import TrainingHarness
from negbench.training.fit import Fit


def harness(settings: str = "") -> TrainingHarness:
    runner = TrainingHarness(recipe(f"dmns({settings})").build())
    runner.refresh(1)
    return runner


def levels(runner: TrainingHarness | Fit) -> Levels:
    part = runner.method.stages[0]
    assert isinstance(part, Levels)
    return part


@pytest.fixture(scope="module")
def trained() -> Fit:
    fit = fit_on(small_scenario(n_users=100, n_items=60, n=2500), "dmns", epochs=15)
    fit.run()
    return fit


def step_of(fit: Fit) -> Step:
    train = fit.context.train
    batch = Batch(torch.tensor(train.rows), torch.tensor(train.indices).long())
    view = fit.backbone.view(batch, rng.stream(0, "view"))
    return Step(batch, view, fit.context, 1, 1, rng.stream(0, "step"))


@pytest.mark.parametrize(("t", "sharper"), [(10, 0.2), (25, 0.2), (50, 0.2), (25, 0.8)])
def test_the_law_of_a_level_is_a_power_of_the_law_of_the_positives(t, sharper):
    """p_t ~ p_p^lam with lam = a / (abar a + (1 - abar) b): log-densities differ by a factor."""
    a, b, n = sharper**2, 0.5**2, 400_000
    schedule = process.linear(50, 1e-3, 0.2)
    generator = torch.Generator().manual_seed(t)
    x0 = torch.randn(n, 1, generator=generator) * a**0.5
    eps = torch.randn(n, 1, generator=generator) * b**0.5
    xt = schedule.noised(x0, torch.full((n,), t), eps)
    abar = float(schedule.abar[t])
    lam = a / (abar * a + (1 - abar) * b)
    # log p_t(0) - log p_t(x) = lam (log p_p(0) - log p_p(x)), by the share near 0 and near x
    x, width = 1.2 * float(xt.std()), 0.1 * float(xt.std())
    near = [((xt - at).abs() < width).float().mean().log().item() for at in (0.0, x)]
    assert near[0] - near[1] == pytest.approx(lam * x**2 / (2 * a), rel=0.05)
    assert (lam < 1) == (a < b)


def test_earlier_levels_are_harder(trained):
    step, part = step_of(trained), levels(trained)
    query = step.view.query.detach()
    by_level = part.chain(step, part.fit_space(step.view.items))
    assert list(by_level) == [5, 6, 12, 25]
    hardness = [float((query * x).sum(1).mean()) for x in by_level.values()]
    assert hardness == sorted(hardness, reverse=True) and hardness[0] > hardness[-1] + 0.05
    random = float((query @ step.view.items.T).mean())
    assert hardness[-1] > random  # all of them know the user


def test_a_level_follows_the_users_vector(trained):
    """Users of two tastes: conditioned on the other taste, the chain makes its items."""
    step, part = step_of(trained), levels(trained)
    space = part.fit_space(step.view.items)
    taste = step.batch.users % 2
    items, half = step.view.items, step.context.n_items // 2
    axis = items[half:].mean(0) - items[:half].mean(0)
    hard = part.chain(step, space)[5] @ axis
    assert float(hard[taste == 1].mean()) > float(hard[taste == 0].mean()) + 0.1
    wide = torch.ones(3, 8)
    net, t = part.net, torch.full((3,), 5)
    assert not torch.allclose(net(wide, t, wide), net(wide, t, -wide))


def test_levels_share_one_chain():
    """Every level leads to the next by the very steps of the walk, from the level itself."""
    runner = harness("stride=4,schedule=cosine,w_clean=0.5")
    for number in (1, 2, 3):
        runner.train(number)
    part, step = levels(runner), runner.step()
    space = part.fit_space(step.view.items)
    chain = {t: space.standardise(x) for t, x in part.chain(step, space).items()}
    assert list(chain) == [0, 5, 6, 12, 25]
    condition = step.view.query / step.view.query.square().mean(1, keepdim=True).sqrt()
    stops = [25, 22, 18, 14, 12, 10, 6, 5, 2, 0]
    y = chain[25]
    for now, before in zip(stops[:-1], stops[1:], strict=True):
        t = torch.full((len(y),), now)
        with torch.no_grad():
            eps = part.net(y, t, condition)
        y = part.schedule.ddim(y, part.schedule.clean(y, t, eps), now, before)
        if before in chain:
            assert torch.allclose(y, chain[before], atol=1e-5)


def test_the_chain_begins_at_the_law_that_was_trained():
    """y_T of training: sqrt(abar_T) y_0 + noise over the batch's positives, not N(0, I)."""
    for settings, mended in (("noise=unit", True), ("noise=unit,start=noise", False)):
        runner = harness(settings)
        part, step = levels(runner), runner.step()
        space, x = part.fit_space(step.view.items), step.view.positive.detach()
        starts = torch.stack([part.start(runner.step(n), space) for n in range(3000)])
        left = float(part.schedule.abar[50])
        assert left == pytest.approx(0.603, abs=0.002)
        mean = left**0.5 * x.mean(0) if mended else torch.zeros(8)
        kept = left * x.var(0, correction=0) + 1 - left if mended else torch.ones(8)
        assert torch.allclose(starts.mean((0, 1)), mean, atol=0.02)
        assert torch.allclose(starts.flatten(0, 1).var(0), kept, rtol=0.03)


@pytest.mark.parametrize("form", ["log", "plain"])
def test_the_loss_is_the_one_stated(form):
    outcome = harness(f"form={form},w_clean=0.3").forward()
    weights = torch.tensor([1.0, 0.3, 1.0, 0.9, 0.8, 0.7])
    if form == "log":
        terms = -logsigmoid(-outcome.s_neg) * weights
        want = (-logsigmoid(outcome.s_pos) + terms.mean(1)) / 2
    else:  # but for the constant (1 + mean w) / 2
        terms = -torch.sigmoid(-outcome.s_neg) * weights
        want = (-torch.sigmoid(outcome.s_pos) + terms.mean(1)) / 2 + (1 + weights.mean()) / 2
    usable = torch.ones(len(want), dtype=torch.bool)
    if outcome.used.mask is not None:
        usable = outcome.used.mask.all(1)
    assert torch.allclose(outcome.rows[usable], want[usable], atol=1e-5)


def test_a_level_without_weight_is_not_made():
    assert Config().levels == {5: 1.0, 6: 0.9, 12: 0.8, 25: 0.7}
    assert Config(w_eighth=0, w_clean=0.5).levels == {0: 0.5, 5: 1.0, 12: 0.8, 25: 0.7}
    assert Config(steps=10).levels == {1: 1.9, 2: 0.8, 5: 0.7}  # T/10 and T/8 fall together
    assert harness("w_half=0.0,w_quarter=0.0").forward().s_neg.shape[1] == 3


def test_every_parameter_moves_and_only_by_its_own_loss():
    runner = harness()
    assert len(runner.minimised) == 4
    outcome = runner.forward()
    torch.autograd.backward(outcome.rows.sum(), retain_graph=True)
    assert all(p.grad is None for p in runner.minimised)  # levels are detached
    leaves = outcome.step.view.leaves
    assert leaves is not None and leaves.query is not None and leaves.query.grad is not None
    before = leaves.query.grad.clone()
    torch.autograd.backward(outcome.losses["denoising"])
    assert torch.equal(before, leaves.query.grad)
    assert any(p.grad is not None and bool(p.grad.any()) for p in runner.minimised)
    values = [p.detach().clone() for p in runner.minimised]
    for number in (1, 2, 3):
        runner.train(number)
    assert not any(
        torch.equal(a, b.detach()) for a, b in zip(values, runner.minimised, strict=True)
    )


def test_the_control_has_a_random_denoiser_that_stays():
    runner = harness("trained=false")
    part = levels(runner)
    assert not runner.minimised and bool(part.net.last.weight.any())
    before = {name: value.clone() for name, value in part.state_dict().items()}
    assert not runner.train().losses
    assert all(torch.equal(before[name], value) for name, value in part.state_dict().items())


def test_the_control_of_gaussian_noise_is_the_positive_at_each_level():
    runner = harness("walk=direct,noise=unit")
    part, step = levels(runner), runner.step()
    assert not runner.minimised and not runner.train().losses
    space, x = part.fit_space(step.view.items), step.view.positive.detach()
    draws = [part.noisy(runner.step(n), space) for n in range(3000)]
    for t in part.config.levels:
        left, noised = float(part.schedule.abar[t]), torch.stack([drawn[t] for drawn in draws])
        assert torch.allclose(noised.mean(0), left**0.5 * x, atol=0.07)
        assert torch.allclose(noised.var(0).mean(), torch.tensor(1 - left), rtol=0.02)


def test_the_l2_penalty_keeps_to_the_real_negative():
    """Levels are nobody's item, so the penalty is that of the ordinary negative alone."""
    outcome = harness().forward()
    assert outcome.used.ids is not None
    assert (outcome.used.ids == outcome.drawn.ids[:, :1]).all()


def test_the_denoiser_learns_the_noise(trained):
    step, part = step_of(trained), levels(trained)
    space = part.fit_space(step.view.items)
    nothing = (2 / torch.pi) ** 0.5 * float(space.catalogue.root.norm(dim=1).mean())
    assert float(part.error(step, space).detach()) < 0.95 * nothing
    assert trained.progress.rows[-1]["snr_T"] == pytest.approx(0.603 / 0.397, rel=0.01)


def test_the_preset_is_the_released_procedure():
    c = config_of(dmns, {"preset": "released"}, "dmns")
    assert c.levels == {5: 1.0, 6: 0.9, 12: 0.8, 25: 0.7} and (c.steps, c.stride) == (50, 1)
    assert (c.walk, c.start, c.noise, c.form) == ("ancestral", "noise", "unit", "plain")
    assert (c.hidden, c.inner, c.inner_lr, c.schedule, c.trained) == (32, 100, 0.01, "linear", True)


def test_inner_steps_fit_the_denoiser_alone():
    """After a step, steps of Adam on its batch, by draws that go on where the step's ended."""
    runner, twin = harness("inner=5,inner_lr=0.02"), harness("inner=5,inner_lr=0.02")
    assert not runner.minimised
    outcome = runner.forward()
    leaves = outcome.step.view.leaves
    assert not outcome.losses and torch.equal(outcome.loss, runner.forward().loss)
    runner.train()
    assert leaves is not None and leaves.query is not None and leaves.query.grad is None
    part, step = levels(twin), twin.forward().step
    assert part.space is not None
    adam = torch.optim.Adam(part.net.parameters(), lr=0.02)
    for _ in range(5):
        adam.zero_grad()
        part.error(step, part.space).backward()
        adam.step()
    for mine, naive in zip(levels(runner).net.parameters(), part.net.parameters(), strict=True):
        assert torch.equal(mine, naive)


def test_more_inner_steps_denoise_better_and_come_back_from_a_checkpoint():
    errors = {}
    for inner in (2, 40):
        runner = harness(f"inner={inner}")
        part, space = levels(runner), levels(runner).space
        for number in (1, 2, 3):
            runner.train(number)
        draws = [part.error(runner.step(n), space).detach() for n in range(50, 70)]
        errors[inner] = float(torch.stack(draws).mean())
    assert errors[40] < 0.97 * errors[2]
    other = harness("inner=40")
    other.load_state_dict(runner.state_dict())
    for number in (4, 5):
        assert torch.equal(other.train(number).loss, runner.train(number).loss)


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ("inner=0", "`inner` must be at least 1; got 0"),
        ("inner_lr=0.0", "`inner_lr` must be above 0; got 0.0"),
        ("steps=9", "`steps` must be at least 10; got 9"),
        ("walk=ancestral", "walk=ancestral takes `stride` = 1; got 5"),
        ("w_half=-1.0", "weights of levels must be 0 or more"),
        ("weight=0.0", "`weight` must be above 0"),
    ],
)
def test_bad_settings_are_refused(settings, rule):
    with pytest.raises(UserError, match=rule):
        recipe(f"dmns({settings})")
