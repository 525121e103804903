"""DDRM as released: numbers of the presets, rows by users, deep denoisers, a step size apart."""

import pytest
import torch
from helpers.probe_scenarios import fit_on, small_scenario

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.methods import ddrm
from negbench.methods.ddrm.networks import TIME, DeepDenoiser
from negbench.methods.ddrm.pairs import reconstruction_error, walk_back
from negbench.ops import rng
from negbench.parts.diffusion.denoiser import timestep
from negbench.plugins.term_syntax import config_of
from negbench.testing.toy_data import TrainingHarness

RELEASED = {
    "released": (20, 1e-4, 1e-4, 1e-3, (1000, 100, 1000), "sigmoid", 0.4, 1.0),
    "mf_yelp": (50, 1e-4, 1e-3, 1e-1, (1000, 200, 1000), "relu", 0.2, 0.9),
    "mf_amazon_book": (3, 1e-3, 1e-4, 1e-3, (600, 200, 600), "sigmoid", 0.2, 0.9),
    "lightgcn_ml1m": (50, 1e-2, 1e-4, 1e-3, (1100, 200, 1100), "relu", 0.1, 0.0),
    "lightgcn_yelp": (30, 1e-4, 1e-4, 1e-2, (1000, 200, 1000), "relu", 0.3, 0.8),
    "lightgcn_amazon_book": (50, 1e-2, 1e-4, 1e-3, (1000, 200, 1000), "relu", 0.5, 0.0),
}


def harness(settings: str) -> TrainingHarness:
    runner = TrainingHarness(recipe(f"ddrm({settings})").build())
    runner.refresh(1)
    return runner


def test_the_presets_are_the_released_settings():
    assert set(ddrm.CARD.presets) == set(RELEASED)
    for name, numbers in RELEASED.items():
        c = config_of(ddrm, {"preset": name}, "ddrm")
        shape = (c.steps, c.scale, c.low, c.high, c.layers, c.activation, c.lam, c.gamma)
        assert shape == numbers
        assert (c.dropout, c.rows, c.denoiser_lr, c.freeze) == (0.5, "users", 1e-3, True)
        assert c.schedule == "linear_var" and c.diffusion


@pytest.mark.parametrize("phase", ["warmup=0", "warmup=5", "freeze=false"])
def test_over_all_pairs_the_loss_is_the_mean_over_users_of_their_own_mean(phase):
    runner = harness(f"{phase},rows=users,gamma=0.5")
    outcome, plain = runner.forward(), harness(f"{phase},gamma=0.5").forward()
    part = runner.method.transform
    step = runner.step()
    pair = step.view.query.detach(), step.view.positive.detach()
    hats = part.pair(step, *pair)
    trust = torch.sigmoid((hats[0] * hats[1]).sum(1)) ** 0.5 if phase != "warmup=5" else 1.0
    error = trust * reconstruction_error(pair, hats) * (0.4 if phase != "warmup=5" else 1.0)
    users = step.batch.users
    of_users = [error[users == user].mean() for user in users.unique()]
    expected = torch.stack(of_users).mean()
    torch.testing.assert_close(outcome.losses["reconstruction"], expected)
    torch.testing.assert_close(plain.losses["reconstruction"], error.mean())
    if phase == "warmup=5":  # the backbone's own training stays plain
        assert torch.equal(outcome.rows, plain.rows)
    else:
        alone = torch.stack([plain.rows[users == user].mean() for user in users.unique()])
        torch.testing.assert_close(outcome.rows.mean(), alone.mean())


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_a_deep_denoiser_equals_its_formula(activation):
    net = DeepDenoiser(4, (30, 5, 30), activation, rng.stream(0, "net"))
    x, condition = torch.randn(2, 6, 4, generator=rng.stream(0, "x"))
    t = torch.tensor([1, 2, 3, 20, 20, 50])
    assert [layer.out_features for layer in net.linear] == [30, 5, 30, 4]
    hidden = torch.cat([x, condition, timestep(t, TIME) @ net.time.weight.T], 1)
    for layer in net.linear[:-1]:
        hidden = hidden @ layer.weight.T
        hidden = 1 / (1 + (-hidden).exp()) if activation == "sigmoid" else hidden.clamp(min=0)
    expected = hidden @ net.linear[-1].weight.T
    torch.testing.assert_close(net(x, t, condition), expected)


def test_weights_of_a_deep_denoiser_are_xavier_normal():
    net = DeepDenoiser(64, (1000, 100, 1000), "relu", rng.stream(0, "net"))
    for layer in net.linear:
        expected = (2 / (layer.in_features + layer.out_features)) ** 0.5
        assert float(layer.weight.detach().std()) == pytest.approx(expected, rel=0.02)
        assert not layer.bias.any()


@pytest.mark.parametrize("phase", ["warmup=0", "warmup=5", "freeze=false"])
def test_every_parameter_of_deep_denoisers_moves_and_comes_back(phase):
    text = f"{phase},layers=[12,3,12],activation=relu,rows=users,dropout=0.0"
    runner = harness(text)
    assert len(runner.minimised) == 2 * 2 * 5
    before = [p.detach().clone() for p in runner.minimised]
    for number in range(1, 4):
        runner.train(number)
    pairs = zip(before, runner.minimised, strict=True)
    assert not any(torch.equal(a, b.detach()) for a, b in pairs)
    other = harness(text)
    other.load_state_dict(runner.state_dict())
    assert torch.equal(other.forward(9).loss, runner.forward(9).loss)


@pytest.mark.parametrize("rate", [None, 1e-3])
def test_the_denoisers_have_a_step_size_of_their_own(rate):
    fit = fit_on(small_scenario(), f"ddrm(warmup=3,denoiser_lr={rate})", epochs=1)
    own = fit.method.transform.of_users.last.bias
    start = own.detach().clone(), fit.backbone.table.detach().clone()
    fit.batches = type(
        "One", (), {"epoch": lambda self, g, all=fit.batches: [next(all.epoch(g))]}
    )()
    fit.epoch()  # a first step of Adam is the step size wherever there is a gradient
    moved = (
        (own.detach() - start[0]).abs().max(),
        (fit.backbone.table.detach() - start[1]).abs().max(),
    )
    assert float(moved[0]) == pytest.approx(rate or fit.backbone.config.lr, rel=1e-2)
    assert float(moved[1]) == pytest.approx(fit.backbone.config.lr, rel=1e-2)


def test_the_last_step_of_the_released_walk_takes_the_denoisers_vector_whole():
    """y_0 = D(y_1): c1 = 1 there, and about 5e-4 in each step before, 1 % of the way in all."""
    config = config_of(ddrm, {"preset": "released"}, "ddrm")
    c1, c2, _ = config.noise_schedule.posterior(torch.arange(1, config.steps + 1))
    assert (float(c1[0]), float(c2[0])) == (1.0, 0.0)
    assert float(c1[1:].max()) < 5e-4 and float((1 - c1[1:]).prod()) > 0.99
    start, condition = torch.randn(6, 4), torch.zeros(6, 4)

    def denoise(x, t, given):
        del t, given
        return x.tanh()

    walked = walk_back(config.noise_schedule, denoise, start, condition)
    torch.testing.assert_close(walked, start.tanh(), atol=0.02, rtol=0)


def test_the_best_epoch_starts_anew_with_the_freeze_under_a_preset_too():
    phase = recipe("ddrm(preset=released,warmup=7)").build().own_phase
    assert phase is not None and phase.begins == 8


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ("denoiser_lr=0.0", "`denoiser_lr` must be above 0; got 0.0"),
        ("layers=[10,0]", "`layers` must be at least 1 wide, each of them; got \\(10, 0\\)"),
        ("rows=items", "rows"),
        ("preset=mf", "ddrm has no preset 'mf'"),
    ],
)
def test_bad_settings_are_refused(settings, rule):
    with pytest.raises(UserError, match=rule):
        recipe(f"ddrm({settings})")
