"""MAWU: the released forms of its margin and its uniformity, its parameters and their bounds."""

import importlib
import math

import pytest
import torch
import torch.nn.functional as F

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.parts.losses.uniformity import uniformity
from negbench.plugins.term_syntax import config_of
from negbench.testing import CHECKS, conforms
from negbench.testing.toy_data import TrainingHarness

mawu = importlib.import_module("negbench.methods.mawu")
G = torch.Generator().manual_seed(5)


@pytest.mark.parametrize("check", CHECKS)
def test_the_control_conforms(check):
    conforms("mawu(uniformity=pairs,rank=cosine)", check)


def test_its_uniformity_is_the_mean_over_a_matrix_with_an_empty_upper_triangle():
    x = F.normalize(torch.randn(13, 5, generator=G, dtype=torch.float64), dim=1)
    by_matrix = (2 - 2 * torch.tril(x @ x.T, -1)).mul(-2).exp().mean().log()
    assert float(uniformity(x, "entries")) == pytest.approx(float(by_matrix))
    b = len(x)
    pairs = math.exp(float(uniformity(x, "pairs")))
    mixed = (b * (b - 1) / 2 * pairs + b * (b + 1) / 2 * math.exp(-4)) / b**2
    assert float(uniformity(x, "entries")) == pytest.approx(math.log(mixed))


def test_the_loss_of_a_batch_is_its_formula_in_a_loop():
    harness = TrainingHarness(recipe("mawu(users=0.7,items=0.2,initial=0.3)").build())
    objective = harness.method.objective
    with torch.no_grad():
        objective.user.copy_(torch.rand(len(objective.user), generator=G))
    outcome = harness.forward()
    view, batch = outcome.step.view, outcome.step.batch
    for b in range(len(batch)):
        q, p = (v[b].detach().double() for v in (view.query, view.positive))
        angle = math.acos(float(q @ p / (q.norm() * p.norm())))
        m = float(objective.user[batch.users[b]] + objective.item[batch.items[b]])
        margin = 1 - 1 / (1 + math.exp(-m))
        expected = -math.cos(min(math.pi, max(0.0, angle + margin)))
        assert float(outcome.rows[b]) == pytest.approx(expected, abs=1e-5)
    lu = [float(uniformity(v, "entries")) for v in (view.query, view.positive)]
    total = float(outcome.rows.mean()) + 0.7 * lu[0] + 0.2 * lu[1]
    assert float(outcome.loss) == pytest.approx(total, abs=1e-5)


def test_opposite_and_equal_directions_stay_finite():
    harness = TrainingHarness(recipe("mawu").build())
    step = harness.step()
    step.view.positive.data.copy_(step.view.query)
    step.view.positive.data[::2].neg_()
    rows = harness.method.objective.rows(step, None, None, None)
    rows.mean().backward()
    # At the opposite pole the angle is clipped: the most that the loss can be.
    assert torch.allclose(rows[::2], torch.ones_like(rows[::2]))
    assert torch.allclose(rows[1::2], torch.tensor(-math.cos(0.5)), atol=2e-3)
    assert torch.isfinite(step.view.query.grad).all()


def test_margins_shrink_and_are_put_back_after_every_step():
    harness = TrainingHarness(recipe("mawu").build(), lr=3.0)
    objective = harness.method.objective
    assert float(objective.margin(harness.step()).max()) == 0.5
    for number in range(1, 40):
        harness.train(number)
        for m in (objective.user, objective.item):
            assert float(m.detach().min()) >= 0 and float(m.detach().max()) <= 1
    # Item 11 is in no row, so its number never moves; the others have grown.
    assert float(objective.item[11]) == 0 and float(objective.item[0]) > 0
    least = 1 - 1 / (1 + math.exp(-2))
    assert least - 1e-6 <= float(objective.margin(harness.step()).min()) < 0.5
    metrics = objective.epoch_metrics()
    assert least <= metrics["margin"] <= 0.5 and not objective.epoch_metrics()


def test_the_gradient_goes_to_query_positive_and_both_numbers():
    harness = TrainingHarness(recipe("mawu(initial=0.5)").build())
    outcome = harness.forward()
    outcome.loss.backward()
    leaves, objective = outcome.step.view.leaves, harness.method.objective
    assert leaves.query.grad.any() and leaves.positive.grad.any()
    # No lower loss but by a smaller margin, wherever nothing is clipped.
    assert (objective.user.grad <= 0).all() and objective.user.grad.any()
    assert (objective.item.grad <= 0).all() and objective.item.grad.any()
    assert not any(rows.numel() for _, rows in leaves.rows)


def test_state_goes_and_comes_back_in_place():
    first, second = (TrainingHarness(recipe("mawu").build(), lr=1.0) for _ in range(2))
    first.train()
    held = list(second.method.objective.minimised())
    second.load_state_dict(first.state_dict())
    assert all(a is b for a, b in zip(held, second.method.objective.minimised(), strict=True))
    assert torch.equal(first.forward(2).rows, second.forward(2).rows)
    assert not torch.equal(
        first.forward(2).rows, TrainingHarness(recipe("mawu").build()).forward(2).rows
    )


def test_released_settings_by_name():
    got = {
        name: (config.users, config.items)
        for name in ("released", "beauty", "gowalla", "yelp")
        for config in [config_of(mawu, {"preset": name}, "mawu")]
        if (config.rank, config.uniformity) == ("dot", "entries")
    }
    assert got == {
        "released": (0.8, 0.6),
        "beauty": (1.0, 0.1),
        "gowalla": (2.6, 1.4),
        "yelp": (0.8, 0.6),
    }


@pytest.mark.parametrize("wrong", ["users=-1", "items=-0.1", "initial=2", "uniformity=all"])
def test_what_is_no_setting_is_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}.* must be"):
        recipe(f"mawu({wrong})")
