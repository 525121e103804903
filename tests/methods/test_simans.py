"""SimANS: the law of its draw, DNS(M, N) and the nearest candidate as limits."""

import importlib

import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.protocol.step import Negatives
from negbench.testing.toy_data import TrainingHarness

simans = importlib.import_module("negbench.methods.simans")
N = 40000


def run(method, number=1):
    return TrainingHarness(recipe(method).build()).forward(number)


def drawn(scores, s_pos=0.0, **settings):
    """How often each of the candidates with these scores is drawn, in N draws."""
    stage = simans.Region(simans.Config(**settings))
    rows = torch.tensor(scores).expand(N, -1)
    picks = stage.draw(torch.full((N,), s_pos), rows, torch.Generator().manual_seed(0))
    return picks.flatten().bincount(minlength=len(scores)).double()


def test_the_draw_follows_its_law():
    scores, a, b, s_pos = [0.3, -1.0, 2.0, 1.1, 0.9], 0.7, 0.4, 0.5
    counts = drawn(scores, s_pos, top=4, candidates=5, sharpness=a, offset=b)
    weights = torch.tensor([float(-a * (s - s_pos - b) ** 2) for s in scores]).double().exp()
    weights[1] = 0.0  # not among the top four
    expected = N * weights / weights.sum()
    assert counts[1] == 0
    inside = expected > 0
    assert ((counts - expected)[inside] ** 2 / expected[inside]).sum() < 16.3  # 3 degrees, p .001


@pytest.mark.parametrize("number", [1, 2, 3])
def test_without_sharpness_it_is_one_of_the_top(number):
    flat = run("simans(sharpness=0,candidates=9,top=4)", number)
    even = run("dns_mn(candidates=9,top=4,keep=one)", number)
    assert torch.equal(flat.used.ids, even.used.ids) and torch.equal(flat.rows, even.rows)


@pytest.mark.parametrize("offset", [-1.0, 0.0, 2.0])
def test_the_sharpest_takes_the_candidate_nearest_to_the_target(offset):
    outcome = run(f"simans(sharpness=1e9,offset={offset},candidates=9,top=9)")
    scores = outcome.step.score(outcome.drawn).detach()
    nearest = (scores - outcome.s_pos.detach().unsqueeze(1) - offset).abs().amin(1)
    got = (outcome.s_neg[:, 0] - outcome.s_pos - offset).detach().abs()
    torch.testing.assert_close(got, nearest)


def test_no_sharpness_is_too_great_for_far_candidates():
    counts = drawn([900.0, 700.0, 800.0], top=3, candidates=3, sharpness=1e308)
    assert counts[1] == N


def test_one_candidate_is_random():
    one, even = run("simans(candidates=1,top=1)"), run("random")
    assert torch.equal(one.used.ids, even.used.ids) and torch.equal(one.rows, even.rows)


def test_a_constant_on_all_scores_changes_no_draw():
    one = drawn([0.3, -1.0, 2.0], 0.5, top=3, candidates=3)
    two = drawn([4.3, 3.0, 6.0], 4.5, top=3, candidates=3)
    assert torch.equal(one, two)


@pytest.mark.parametrize("sharpness", [0.0, 1.0, 1e9])
def test_masked_candidates_are_never_drawn_and_a_row_without_any_stays_finite(sharpness):
    counts = drawn([-torch.inf, 0.2, -torch.inf, -3.0], top=4, candidates=4, sharpness=sharpness)
    assert counts[0] == counts[2] == 0 and counts[1] > 0
    harness = TrainingHarness(recipe(f"simans(sharpness={sharpness})").build())
    step = harness.step()
    mask = torch.zeros(28, 12, dtype=torch.bool)
    mask[1:, 7] = True
    used = harness.method.stages[0].apply(
        step, Negatives(torch.arange(12).expand(28, -1), mask=mask)
    )
    assert bool((used.ids[1:] == 7).all()) and not bool(used.mask[0]) and bool(used.mask[1:].all())
    s_pos = step.view.score_pair(step.view.positive)
    rows = harness.method.objective.rows(step, s_pos, step.score(used), used)
    assert rows[0] == 0 and bool(torch.isfinite(rows).all())


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [("top=40", "`top` must be from 1"), ("sharpness=-1", "at least 0")],
)
def test_settings_without_a_law_are_refused(wrong, rule):
    with pytest.raises(UserError, match=rule):
        recipe(f"simans({wrong})")
