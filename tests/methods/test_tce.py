"""T-CE: which rows are dropped and when, and that it works with any sampler and objective."""

import importlib
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.parts import BCE, BPR, Softmax
from negbench.protocol import Phase
from negbench.testing import CHECKS, conforms
from negbench.testing.toy_data import TrainingHarness
from negbench.training.forward import forward

tce = importlib.import_module("negbench.methods.tce")
FULL = "tce(drop=0.25,ramp=0)"
COMPOSED = [
    f"dns+{FULL}",
    f"{FULL}+dns",
    f"popularity+{FULL}",
    f"in_batch+{FULL}",
    f"rce+{FULL}",
    f"directau+{FULL}",
    f"{FULL}+enmf",
]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("text", [FULL, *COMPOSED])
def test_it_conforms_in_full_and_composed(text, check):
    conforms(text, check)


def test_nothing_dropped_is_bce_bit_by_bit():
    none, bce = (
        TrainingHarness(recipe(*m).build()).train() for m in (("tce(drop=0)",), ("random", "bce"))
    )
    assert torch.equal(none.rows, bce.rows) and torch.equal(none.used.ids, bce.used.ids)
    assert none.used.row_weight is None


def test_it_keeps_the_rows_whose_positives_fit_best_and_takes_their_mean():
    dropped = TrainingHarness(recipe("tce(drop=0.4,ramp=0,negatives=3)").build()).forward()
    plain = TrainingHarness(recipe("random(negatives=3)", "bce").build()).forward()
    b = len(plain.rows)
    order = sorted(range(b), key=lambda row: float(F.softplus(-plain.s_pos[row])))
    kept = order[: b - int(0.4 * b)]
    assert dropped.rows.count_nonzero() == len(kept) < b
    expected = sum(float(plain.rows[row]) for row in kept) / len(kept)
    assert dropped.loss.item() == pytest.approx(expected, rel=1e-5)


def test_the_weights_are_of_the_kept_and_sum_up_to_the_rows():
    scores = torch.tensor([0.5, -2.0, 0.5, 3.0, -1.0])
    assert tce.weights_of_best(scores, 5).tolist() == [1.0] * 5
    weights = tce.weights_of_best(scores, 2)
    assert weights.tolist() == [2.5, 0, 0, 2.5, 0]  # of equal scores the earlier row is kept
    assert tce.weights_of_best(7 * scores - 3, 2).tolist() == weights.tolist()


def test_dropped_rows_get_no_gradient():
    outcome = TrainingHarness(recipe(FULL).build()).train()
    weight, leaves = outcome.used.row_weight, outcome.step.view.leaves
    assert not weight.requires_grad
    assert torch.equal(leaves.query.grad.abs().sum(1) > 0, weight > 0)
    assert torch.equal(leaves.positive.grad.abs().sum(1) > 0, weight > 0)


def test_the_share_rises_with_the_epochs_then_stays():
    config = tce.Config(drop=0.2, ramp=4)
    shares = [config.share(epoch) for epoch in range(1, 8)]
    assert shares == pytest.approx([0, 0.05, 0.1, 0.15, 0.2, 0.2, 0.2])
    jump = tce.Config(drop=0.25, ramp=2, exponent=2)
    assert [jump.share(epoch) for epoch in (1, 2, 3)] == [0, 0.25**2 / 2, 0.25]
    assert tce.Config(drop=0.2, ramp=0).share(1) == 0.2


def test_a_later_epoch_drops_more_rows():
    harness = TrainingHarness(recipe("tce(drop=0.5,ramp=5)").build())
    kept = [
        forward(harness.method, replace(harness.step(), epoch=epoch)).rows.count_nonzero().item()
        for epoch in (1, 3, 6, 9)
    ]
    assert kept == [28, 28 - int(0.2 * 28), 14, 14]


def test_the_phase_is_the_full_share():
    assert recipe("tce(ramp=7)").build().own_phase == Phase("full truncation", 8)
    assert recipe("tce(drop=0)").build().own_phase is None
    assert recipe("tce(ramp=0)").build().own_phase is None


@pytest.mark.parametrize("text,kind", [(f"in_batch+{FULL}", BCE), (f"{FULL}+in_batch", Softmax)])
def test_the_objective_is_the_last_ones(text, kind):
    assert isinstance(recipe(text).build().objective, kind)


def test_behind_a_selection_the_rows_are_those_of_the_same_negatives():
    text = "dns(candidates=6)"
    hard = TrainingHarness(recipe(f"dns+{FULL}", "bpr").build()).forward()
    plain = TrainingHarness(recipe(text).build()).forward()
    assert isinstance(recipe(f"dns+{FULL}", "bpr").build().objective, BPR)
    assert hard.used.n == plain.used.n == 1
    # tce comes last and draws one candidate; typed first it leaves the six of dns.
    first = TrainingHarness(recipe(f"{FULL}+{text}").build()).forward()
    assert torch.equal(first.used.ids, plain.used.ids)
    kept = first.used.row_weight > 0
    b = len(kept)
    torch.testing.assert_close(first.rows[kept], plain.rows[kept] * b / int(kept.sum()))


def test_weights_of_an_earlier_stage_are_kept():
    both = TrainingHarness(recipe(f"rce(power=1)+{FULL}").build()).forward().used.row_weight
    first = TrainingHarness(recipe("rce(power=1)").build()).forward().used.row_weight
    kept = both > 0
    torch.testing.assert_close(both[kept], first[kept] * len(kept) / int(kept.sum()))


def test_a_loss_without_negatives_drops_pairs_and_keeps_its_other_terms():
    dropped = TrainingHarness(recipe(f"directau+{FULL}").build()).forward()
    whole = TrainingHarness(recipe("directau").build()).forward()
    assert torch.equal(dropped.losses["uniformity"], whole.losses["uniformity"])
    assert dropped.rows.count_nonzero() == 21 and dropped.loss < whole.loss


def test_the_released_settings():
    config = recipe("tce(preset=released)").configs()["tce"]
    assert (config["drop"], config["exponent"], config["negatives"]) == (0.2, 1.0, 1)
    assert config["ramp"] == 10  # in epochs: their steps are so many of each data set


@pytest.mark.parametrize(
    "wrong", ["drop=0.95", "drop=-0.1", "ramp=-1", "exponent=0", "negatives=0"]
)
def test_what_is_no_truncation_is_refused(wrong):
    with pytest.raises(UserError, match=f"`{wrong.partition('=')[0]}` must be"):
        recipe(f"tce({wrong})")
