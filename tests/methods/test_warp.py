"""WARP against the hinge, a loop, and the expected number of tries."""

import math

import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.methods import warp
from negbench.parts.selection.first_violator import FirstViolator, first_true
from negbench.plugins.term_syntax import config_of
from negbench.testing.toy_data import TrainingHarness, saturated_context


def harness_of(method: str) -> TrainingHarness:
    return TrainingHarness(recipe(method).build())


@pytest.mark.parametrize("seed", [1, 2])
def test_one_try_is_the_hinge_with_one_weight(seed: int) -> None:
    """12 items: every row with a violator weighs log 11."""
    one = harness_of("warp(tries=1)").forward(seed)
    hinge = TrainingHarness(recipe("random", "hinge").build()).forward(seed)
    assert one.used.ids is not None and hinge.used.ids is not None
    assert torch.equal(one.used.ids, hinge.used.ids)
    assert torch.allclose(one.rows, math.log(11) * hinge.rows)
    assert bool((one.rows > 0).any()) and bool((one.rows == 0).any())


def test_against_a_loop() -> None:
    outcome = harness_of("warp(tries=6,margin=0.5,cap=1.5)").forward()
    drawn, view = outcome.drawn, outcome.step.view
    assert drawn.ids is not None
    for b in range(len(outcome.rows)):
        want, s_pos = 0.0, outcome.s_pos[b].item()
        for tries in range(1, 7):
            score = float(view.query[b].detach() @ view.items[drawn.ids[b, tries - 1]])
            if score > s_pos - 0.5:
                want = min(1.5, math.log(max(1, 11 // tries))) * (0.5 - s_pos + score)
                break
        assert outcome.rows[b].item() == pytest.approx(want, abs=1e-5)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.9])
def test_the_expected_number_of_tries(share: float) -> None:
    hits = torch.rand(100_000, 10, generator=torch.Generator().manual_seed(0)) < share
    _, tries, violates = first_true(hits)
    want = (1 - (1 - share) ** 10) / share
    assert tries.double().mean().item() == pytest.approx(want, rel=0.01)
    assert violates.double().mean().item() == pytest.approx(1 - (1 - share) ** 10, abs=0.01)


def test_all_draws_violate_or_none_does() -> None:
    harness = harness_of("warp(tries=4,margin=1000)")
    every = harness.train()
    assert every.used.row_weight is not None and every.drawn.ids is not None
    free = every.step.batch.users != 5  # user 5 has one item left, and it is drawn all the same
    assert torch.allclose(every.used.row_weight[free], torch.tensor(math.log(11)))
    assert every.used.ids is not None
    assert torch.equal(every.used.ids[:, 0], every.drawn.ids[:, 0])

    stage = FirstViolator(margin=-1000.0)
    stage.begin(harness.context)
    step = harness.step()
    used = stage.apply(step, harness.method.sampler.sample(step))
    assert used.row_weight is not None and not used.row_weight.any()


def test_rows_without_violator_have_no_gradient() -> None:
    outcome = harness_of("warp(tries=2)").train()
    assert outcome.used.row_weight is not None
    rests = outcome.used.row_weight == 0
    leaves = outcome.step.view.leaves
    assert leaves is not None and leaves.positive is not None and leaves.positive.grad is not None
    moved = leaves.positive.grad.abs().sum(1) > 0
    assert bool(rests.any()) and torch.equal(moved, ~rests)


def test_the_weight_depends_on_the_rank_through_the_tries_alone() -> None:
    weight = FirstViolator(cap=2.0).weight(torch.tensor([1, 2, 3, 11, 12, 500]), 12)
    want = [2.0, math.log(5), math.log(3), 0.0, 0.0, 0.0]
    assert weight.tolist() == pytest.approx(want)


def test_a_user_without_an_item_left_has_no_loss() -> None:
    harness = TrainingHarness(recipe("warp(margin=100)").build(), saturated_context())
    outcome = harness.train()
    full = outcome.step.batch.users == 3
    assert not outcome.rows[full].any() and bool((outcome.rows[~full] > 0).all())
    assert not torch.isnan(outcome.loss)


def test_the_epochs_metrics() -> None:
    harness = harness_of("warp(tries=1,margin=1000)")
    harness.train()
    (stage,) = harness.method.stages
    metrics = stage.epoch_metrics()  # type: ignore[attr-defined]
    assert metrics["tries"] == 1 and metrics["violators"] == 1
    assert metrics["rank_weight"] == pytest.approx(math.log(11))
    assert stage.epoch_metrics()["tries"] == 0  # type: ignore[attr-defined]


def test_the_released_preset() -> None:
    config = config_of(warp, {"preset": "released"}, "warp")
    assert config == warp.Config(tries=10, margin=1.0, cap=10.0)


@pytest.mark.parametrize("bad", ["tries=0", "margin=0", "cap=0"])
def test_settings_out_of_range_are_refused(bad: str) -> None:
    with pytest.raises(UserError, match=bad.split("=")[0]):
        recipe(f"warp({bad})")
