"""LLPAUC: its formula in a loop, the partial AUC at the optimum of its values, and their bounds."""

import importlib
import itertools
import math

import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.plugins.term_syntax import config_of
from negbench.protocol.step import Negatives
from negbench.testing.toy_data import TrainingHarness, default_context, saturated_context
from negbench.training.optimisers import own_lr

llpauc = importlib.import_module("negbench.methods.llpauc")
F_POS = torch.tensor([0.7, 0.4], dtype=torch.float64)
F_NEG = torch.tensor([[0.6, 0.1], [0.6, 0.1]], dtype=torch.float64)
A, B, GAMMA = 0.55, 0.35, 0.35 - 0.55
"""mean f_i, mean f_j and mean f_j - mean f_i."""


def part_of(**settings):
    """The objective, its values stored as they are read unless `pace` is given."""
    part = llpauc.LowerLeftAUC(llpauc.Config(**{"pace": 1.0, **settings}))
    part.begin(default_context())
    return part


def loss_of(part, mask=None, **values):
    """The mean loss of four points, two positives against the same two negatives."""
    for name, value in values.items():
        part.stored[name] = torch.nn.Parameter(torch.tensor(value, dtype=torch.float64))
    negatives = Negatives(torch.zeros(F_NEG.shape, dtype=torch.long), mask=mask)
    return part.rows(None, F_POS.logit(), F_NEG.logit(), negatives).mean()


def test_it_is_its_formula_in_a_loop():
    mask = torch.tensor([[True, True], [True, False]])
    values = {"a": 0.8, "b": 0.1, "s_neg": 0.7, "gamma": -0.2, "s_pos": 0.3}
    got = loss_of(part_of(alpha=0.5, beta=0.2), mask, **values)
    want = 0.0
    for i, f in enumerate(F_POS.tolist()):
        x = -((f - 0.8) ** 2) + 2 * 0.8 * f
        row = -0.3 - math.log1p(math.exp(5 * (x - 0.3))) / 5 / 0.5 + 0.7 - 0.04
        ys = [
            (g - 0.1) ** 2 + 2 * 0.8 * g
            for g, keep in zip(F_NEG[i].tolist(), mask[i], strict=True)
            if keep
        ]
        above = [math.log1p(math.exp(5 * (y - 0.7))) / 5 for y in ys]
        want += row + sum(above) / len(above) / 0.2
    assert float(got.detach()) == pytest.approx(want / 2)


def test_whole_shares_are_the_square_loss_of_all_pairs_at_the_saddle_point():
    part = part_of(alpha=1.0, beta=1.0, sharpness=1e4)
    saddle = {"a": A, "b": B, "gamma": GAMMA, "s_pos": -1.0, "s_neg": 0.0}
    got = loss_of(part, **saddle)
    pairs = torch.stack([1 - i + j for i in F_POS for j in F_NEG[0]])
    assert float(got.detach()) == pytest.approx(float(pairs.square().mean()) - 1, abs=1e-3)
    got.backward()
    for name in ("a", "b", "gamma"):
        assert float(part.stored[name].grad) == pytest.approx(0, abs=1e-6)
    # Brute force: no other a, b or s- is lower, no other gamma or s+ is higher.
    with torch.no_grad():
        for name, value in itertools.product(saddle, torch.linspace(-1, 1, 21).tolist()):
            moved = loss_of(part, **(saddle | {name: value}))
            if name in llpauc.ASCENDING:
                assert moved <= got + 1e-3
            elif name != "s_neg" or value >= 0:
                assert moved >= got - 1e-3


def test_a_beta_of_one_in_n_counts_the_hardest_negative_alone():
    part = part_of(alpha=1.0, beta=0.5, sharpness=1e4)
    y = (F_NEG[0] - B).square() + 2 * (1 + GAMMA) * F_NEG[0]
    base = {"a": A, "b": B, "gamma": GAMMA, "s_pos": -1.0}
    with torch.no_grad():
        cuts = [float(loss_of(part, **base, s_neg=s)) for s in torch.linspace(0, 5, 501).tolist()]
    whole = part_of(alpha=1.0, beta=1.0, sharpness=1e4)
    mean = float(loss_of(whole, **base, s_neg=0.0).detach())
    assert min(cuts) - (mean - float(y.mean())) == pytest.approx(float(y.max()), abs=2e-2)


def test_half_of_the_positives_are_the_best_scored_ones():
    part = part_of(alpha=0.5, beta=1.0, sharpness=1e4)
    x = 2 * (1 + GAMMA) * F_POS - (F_POS - A).square()
    base = {"a": A, "b": B, "gamma": GAMMA, "s_neg": 0.0}
    with torch.no_grad():
        cuts = [float(loss_of(part, **base, s_pos=s)) for s in torch.linspace(-1, 4, 501).tolist()]
    whole = part_of(alpha=1.0, beta=1.0, sharpness=1e4)
    mean = float(loss_of(whole, **base, s_pos=-1.0).detach())
    assert max(cuts) - (mean + float(x.mean())) == pytest.approx(-float(x.max()), abs=2e-2)


@pytest.mark.parametrize("ascent", [True, False])
def test_gamma_and_the_cut_of_positives_go_up_or_all_go_down(ascent):
    config = llpauc.Config(negatives=6, ascent=ascent, pace=1)
    harness = TrainingHarness(llpauc.build(config), lr=0.01)
    part = harness.method.objective
    assert len(harness.maximised) == 2 * ascent and len(harness.minimised) == 5 - 2 * ascent
    outcome = harness.forward()
    slope = torch.autograd.grad(outcome.loss, [part.stored[name] for name in llpauc.STARTS])
    before = [float(part.values[name].detach()) for name in llpauc.STARTS]
    harness.train()
    after = [float(part.values[name].detach()) for name in llpauc.STARTS]
    for name, g, was, now in zip(llpauc.STARTS, slope, before, after, strict=True):
        up = ascent and name in llpauc.ASCENDING
        low, high = (0, 1) if name in "ab" else (-1, 5)
        want = min(max(was + (0.01 if up else -0.01) * float(g), low), high)
        assert now == pytest.approx(want, abs=1e-5) and now != was


@pytest.mark.parametrize("pace", [0.5, 1, 2])
def test_cuts_and_gamma_go_at_their_pace_under_adam(pace):
    """Adam's first step is its rate long, whatever the gradient."""
    part = part_of(alpha=0.5, pace=pace, multipliers=True)
    adam = torch.optim.Adam(part.minimised(), lr=1e-3)
    up = torch.optim.Adam(part.maximised(), lr=1e-3, maximize=True)
    before = {name: float(value.detach()) for name, value in part.values.items()}
    assert before == llpauc.STARTS | llpauc.MULTIPLIERS
    negatives = Negatives(torch.zeros(F_NEG.shape, dtype=torch.long))
    part.rows(None, F_POS.logit(), F_NEG.logit(), negatives).mean().backward()
    adam.step()
    up.step()
    after = {name: float(value.detach()) for name, value in part.values.items()}
    for name, was in before.items():
        rate = 1e-3 * (pace if name in llpauc.PACED else 1)
        assert abs(after[name] - was) == pytest.approx(rate, rel=1e-2), name


def test_multipliers_are_in_the_loss_and_only_fall():
    values = {"a": 0.8, "b": 0.1, "gamma": -0.2}
    plain, held = part_of(), part_of(multipliers=True)
    more = loss_of(held, **values, theta_a=0.3, theta_b=-0.7) - loss_of(plain, **values)
    assert float(more.detach()) == pytest.approx(0.3 * (0.8 - 0.2) - 0.7 * (1 - 0.2 - 0.1))
    harness = TrainingHarness(recipe("llpauc(multipliers=true,ascent=false)").build(), lr=0.05)
    part, trail = harness.method.objective, []
    for number in range(1, 8):
        harness.train(number)
        trail.append([float(part.values[name].detach()) for name in llpauc.MULTIPLIERS])
    for before, now in itertools.pairwise(trail):
        assert now[0] <= before[0] and now[1] <= before[1]  # each factor is at least 0
    assert trail[-1][0] < trail[0][0] < 0.5 and trail[-1][1] < 0.5


def test_values_are_clipped_in_their_own_unit():
    part = part_of(pace=2.0)
    for name in ("s_neg", "s_pos", "gamma"):
        part.stored[name].data.fill_(-50.0)
    part.observe(None)
    got = {name: float(value.detach()) for name, value in part.values.items()}
    assert got == {"a": 1.0, "b": 0.0, "s_neg": 0.0, "s_pos": -1.0, "gamma": -1.0}


def test_values_are_clipped_after_a_step():
    part = part_of()
    far = {"a": -3.0, "b": 7.0, "s_neg": 9.0, "s_pos": -9.0, "gamma": -8.0}
    loss_of(part, **far)
    part.observe(None)
    got = {name: float(value.detach()) for name, value in part.values.items()}
    # gamma is at least -a = 0 and b - 1 = 0.
    assert got == {"a": 0.0, "b": 1.0, "s_neg": 5.0, "s_pos": -1.0, "gamma": 0.0}
    loss_of(part, a=0.25, b=0.5, gamma=-8.0)
    part.observe(None)
    assert float(part.values["gamma"].detach()) == -0.25
    loss_of(part, gamma=8.0)
    part.observe(None)
    assert float(part.values["gamma"].detach()) == 1.0


def test_masked_negatives_change_nothing_and_none_leaves_the_positive():
    part, mask = part_of(), torch.tensor([[True, False], [True, False]])
    negatives = Negatives(torch.zeros(2, 1, dtype=torch.long))
    cut = part.rows(None, F_POS.logit(), F_NEG[:, :1].logit(), negatives).mean()
    torch.testing.assert_close(loss_of(part, mask), cut)
    none = Negatives(torch.zeros(2, 0, dtype=torch.long))
    empty = part.rows(None, F_POS.logit(), F_NEG[:, :0].logit(), none).mean()
    torch.testing.assert_close(loss_of(part, torch.zeros_like(mask)), empty)
    assert empty.isfinite()
    outcome = TrainingHarness(recipe("llpauc").build(), saturated_context()).train()
    assert outcome.rows.isfinite().all()


def test_a_restored_method_goes_on_as_the_saved_one():
    first, second = (TrainingHarness(recipe("llpauc(negatives=6)").build()) for _ in range(2))
    first.train(1)
    second.load_state_dict(first.state_dict())
    for number in (2, 3):
        assert torch.equal(first.train(number).rows, second.train(number).rows)
    metrics = first.method.objective.epoch_metrics()
    assert metrics["auc_gamma"] == float(first.method.objective.values["gamma"].detach())


def test_its_learning_rate_is_the_backbones_or_its_own():
    assert own_lr(part_of()) is None and own_lr(part_of(dual_lr=0.002)) == 0.002


def test_presets_are_the_released_settings():
    official = config_of(llpauc, {"preset": "released"}, "llpauc")
    assert official == llpauc.Config(alpha=0.7, beta=0.01, sharpness=5, ascent=True)
    later = config_of(llpauc, {"preset": "ir_benchmark"}, "llpauc")
    assert later == llpauc.Config(
        negatives=1000, alpha=0.7, beta=0.01, ascent=False, multipliers=True
    )
    assert later.pace == official.pace == 2


@pytest.mark.parametrize(
    "wrong",
    ["negatives=0", "alpha=0", "alpha=1.1", "beta=0", "sharpness=0", "dual_lr=-1", "pace=0"],
)
def test_what_is_no_loss_is_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}` must be"):
        recipe(f"llpauc({wrong})")
