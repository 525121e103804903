"""AHNS: a loop twin, its limits by beta and p, the pole of the target, and its floor."""

import importlib

import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.plugins.term_syntax import config_of
from negbench.protocol.step import Negatives
from negbench.testing.toy_data import TrainingHarness

ahns = importlib.import_module("negbench.methods.ahns")


def run(method):
    return TrainingHarness(recipe(method).build()).forward()


def chosen_among_all(settings, mask=None):
    """The item that each row chooses of all twelve, its scores, and the positives' scores."""
    harness = TrainingHarness(recipe(f"ahns({settings})").build())
    step = harness.step()
    ids = torch.arange(12).expand(len(step.batch), -1)
    candidates = Negatives(ids, mask=mask)
    used = harness.method.stages[0].apply(step, candidates)
    s_pos = step.view.score_pair(step.view.positive).detach()
    return used, step.score(candidates).detach(), s_pos, harness.method.stages[0]


@pytest.mark.parametrize(
    "settings", ["alpha=0.1,beta=0.4", "alpha=1,beta=2,power=-3", "floor=0.5,power=-2.5"]
)
def test_it_is_its_formula_in_a_loop(settings):
    used, scores, s_pos, stage = chosen_among_all(settings)
    c = stage.config
    for b in range(len(s_pos)):
        base = float(s_pos[b]) + c.alpha
        base = max(base, c.floor) if c.floor else base
        target = c.beta * base ** (c.power + 1)
        best = min(range(12), key=lambda j, b=b, t=target: abs(float(scores[b, j]) - t))
        assert int(used.ids[b, 0]) == best


def test_one_candidate_is_random():
    one, even = run("ahns(candidates=1)"), run("random")
    assert torch.equal(one.used.ids, even.used.ids) and torch.equal(one.rows, even.rows)


@pytest.mark.parametrize("beta", [1e9, 1e38])
def test_a_far_target_is_the_hardest_or_the_easiest_candidate(beta):
    """alpha is above every -s_i here, so that no row is below the pole."""
    hard = run("dns(candidates=7)")
    most = run(f"ahns(candidates=7,alpha=50,beta={beta})")
    assert torch.equal(most.used.ids, hard.used.ids) and torch.equal(most.rows, hard.rows)
    least = run(f"ahns(candidates=7,alpha=50,beta=-{beta})")
    easiest = least.step.score(least.drawn).argmin(1, keepdim=True)
    assert torch.equal(least.used.ids, least.drawn.ids.gather(1, easiest))


def test_a_power_of_minus_one_is_a_constant_target():
    used, scores, _, _ = chosen_among_all("power=-1,beta=0.4")
    nearest = (scores - 0.4).abs().argmin(1)
    assert torch.equal(used.ids[:, 0], nearest)


@pytest.mark.parametrize("power", [-2.0, -3.0, -1.5])
def test_the_target_falls_as_the_positives_score_rises(power):
    stage = ahns.NearTarget(ahns.Config(power=power, alpha=0.5, floor=0.01))
    target = stage.target(torch.linspace(-0.4, 5, 50))
    assert bool((target.diff() < 0).all()) and bool((target > 0).all())


def test_the_pole_flips_the_sign_and_a_floor_takes_it_away():
    around = torch.tensor([-1.1, -1.0, -0.9])
    released = ahns.NearTarget(ahns.Config(alpha=1.0, beta=1.0))
    target = released.target(around)
    assert target[0] == pytest.approx(-10, rel=1e-3) and target[1] == torch.inf
    assert target[2] == pytest.approx(10, rel=1e-3)
    assert released.epoch_metrics() == {"ahns_below": pytest.approx(2 / 3)}
    floored = ahns.NearTarget(ahns.Config(alpha=1.0, beta=1.0, floor=0.2))
    torch.testing.assert_close(floored.target(around), torch.full((3,), 5.0))
    assert floored.epoch_metrics() == {"ahns_below": 1.0} and floored.epoch_metrics() == {}


def test_masked_candidates_are_never_chosen_and_a_row_without_any_has_no_loss():
    mask = torch.zeros(28, 12, dtype=torch.bool)
    mask[:, [3, 8]] = True
    mask[0] = False
    used, scores, s_pos, stage = chosen_among_all("", mask)
    target = stage.target(s_pos)
    near = (scores[:, [3, 8]] - target.unsqueeze(1)).abs().argmin(1)
    assert torch.equal(used.ids[1:, 0], torch.tensor([3, 8])[near][1:])
    assert not bool(used.mask[0]) and bool(used.mask[1:].all())


def test_the_order_of_the_candidates_does_not_count():
    used, scores, _, stage = chosen_among_all("candidates=12")
    step = TrainingHarness(recipe("ahns").build()).step()
    turned = Negatives(torch.arange(11, -1, -1).expand(28, -1))
    assert torch.equal(stage.apply(step, turned).ids, used.ids)


def test_the_choice_has_no_gradient():
    outcome, hard = run("ahns(alpha=50,beta=1e9,candidates=7)"), run("dns(candidates=7)")
    for each in (outcome, hard):
        each.loss.backward()
    got, expected = (each.step.view.leaves.positive.grad for each in (outcome, hard))
    assert torch.equal(got, expected)


def test_the_released_presets():
    def preset(name):
        return config_of(ahns, {"preset": name}, "ahns")

    assert preset("released") == ahns.Config(32, 1.0, 0.1, -2.0, 0.0)
    assert preset("released_ml_1m") == ahns.Config(16, 0.1, 0.4, -2.0, 0.0)
    assert preset("released_sport") == ahns.Config(32, 0.5, 0.1, -2.0, 0.0)


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ("power=-1.5", "whole number"),
        ("power=-1e999", "whole number"),
        ("power=0.0", "-1 or less"),
        ("floor=-1", "at least 0"),
    ],
)
def test_settings_without_a_target_are_refused(wrong, rule):
    with pytest.raises(UserError, match=rule):
        recipe(f"ahns({wrong})")
