"""The optimisers: a part's own learning rate, factors of an epoch, and Adam's second moment."""

import copy
from dataclasses import replace

import pytest
import torch
from helpers.toy_data import small_context
from torch import nn

from negbench.backbones import lightgcn, mf, ngcf, sasrec, two_tower, xsimgcl
from negbench.errors import UserError
from negbench.ops import rng
from negbench.parts import BPR, Uniform
from negbench.plugins.card import recorded
from negbench.plugins.term_syntax import config_of
from negbench.protocol import Method, OwnLR, SchedulesLR
from negbench.testing.toy_data import TrainingHarness
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit
from negbench.training.optimisers import OWN, optimisers, own_lr, set_lr

WORLD = small_context()
BACKBONE_LR = 0.02


class Plain:
    """BPR with a weight, which goes at the backbone's rate."""

    def __init__(self):
        self.weight = nn.Parameter(torch.ones(3))

    def rows(self, step, s_pos, s_neg, negatives):
        return BPR().rows(step, s_pos, s_neg, negatives)

    def losses(self, step, s_pos, s_neg, negatives):
        return {"weight": self.weight.square().sum()}

    def minimised(self):
        return [self.weight]


class Own(Plain):
    """The same at a rate of its own."""

    def __init__(self, rate=0.5):
        super().__init__()
        self.rate = rate

    def own_lr(self):
        return self.rate


class Against(Own):
    """The same, maximised."""

    def minimised(self):
        return []

    def maximised(self):
        return [self.weight]


class Scheduled(Own):
    """Halves every rate from its second epoch on."""

    def lr_factor(self, epoch):
        return 1.0 if epoch < 2 else 0.5


def backbone_of(**settings):
    config = mf.Config(**{"dim": 4, "batch_size": 64, "lr": BACKBONE_LR, **settings})
    return mf.build(config, WORLD, rng.stream(0, "init"))


def fit_of(objective, epochs=3):
    method = Method(Uniform(1), objective)
    return Fit(method, backbone_of(), WORLD, TrainConfig(epochs=epochs))


def rates(adams, parameter):
    """The learning rates of the groups that hold a parameter."""
    groups = [group for adam in adams for group in adam.param_groups]
    return [g["lr"] for g in groups if any(parameter is each for each in g["params"])]


@pytest.mark.parametrize("kind", [Own, Against])
def test_a_part_goes_at_its_own_rate_and_the_backbone_at_its(kind):
    part, backbone = kind(), backbone_of()
    method = Method(Uniform(1), part)
    adams = optimisers(method, backbone)
    set_lr(adams, method, BACKBONE_LR, 1)
    assert rates(adams, part.weight) == [0.5]
    assert rates(adams, backbone.table) == [BACKBONE_LR]
    assert [adam.defaults["maximize"] for adam in adams] == [False, True][: len(adams)]
    assert len(adams) == (2 if kind is Against else 1)


@pytest.mark.parametrize("part", [Plain(), Own(None), Against(None)])
def test_a_part_without_a_rate_of_its_own_goes_at_the_backbones(part):
    method, backbone = Method(Uniform(1), part), backbone_of()
    adams = optimisers(method, backbone)
    set_lr(adams, method, 0.003, 1)
    assert own_lr(part) is None
    assert rates(adams, part.weight) == rates(adams, backbone.table) == [0.003]
    assert not any(OWN in group for adam in adams for group in adam.param_groups)


def test_an_epochs_factor_is_on_every_rate():
    part, backbone = Scheduled(), backbone_of()
    assert isinstance(part, OwnLR) and isinstance(part, SchedulesLR)
    method = Method(Uniform(1), part)
    adams = optimisers(method, backbone)
    for epoch, factor in ((1, 1.0), (2, 0.5), (3, 0.5)):
        set_lr(adams, method, BACKBONE_LR, epoch)
        assert rates(adams, part.weight) == [0.5 * factor]
        assert rates(adams, backbone.table) == [BACKBONE_LR * factor]


def test_the_first_step_of_adam_is_the_rate():
    part = Own(rate=0.25)
    fit = fit_of(part)
    set_lr(fit.optimisers, fit.method, BACKBONE_LR, 1)
    batch = next(iter(fit.batches.epoch(rng.stream(0, "batches"))))
    before = fit.backbone.table.detach().clone()
    fit.step(batch, 1, 1)
    torch.testing.assert_close(part.weight.detach(), torch.full((3,), 0.75))
    moved = (fit.backbone.table.detach() - before).abs().max()
    assert float(moved) == pytest.approx(BACKBONE_LR, rel=1e-3)


def test_a_resumed_fit_keeps_the_rate_and_goes_on_bit_for_bit():
    first, second = fit_of(Own(rate=0.1)), fit_of(Own(rate=0.1))
    first.epoch()
    state = copy.deepcopy(first.state_dict())
    with torch.no_grad():
        second.method.objective.weight.copy_(first.method.objective.weight)
    second.load_state_dict(state)
    groups = second.optimisers[0].param_groups
    assert [group.get(OWN) for group in groups] == [None, 0.1]
    assert first.epoch() == second.epoch()
    assert torch.equal(first.method.objective.weight, second.method.objective.weight)
    assert torch.equal(first.backbone.table, second.backbone.table)


class Later(Own):
    """BPR in the first epoch; then its own losses alone, of a second weight in the first too."""

    def __init__(self):
        super().__init__(rate=0.1)
        self.first = nn.Parameter(torch.ones(3))

    def rows(self, step, s_pos, s_neg, negatives):
        rows = BPR().rows(step, s_pos, s_neg, negatives)
        return rows if step.epoch == 1 else torch.zeros_like(rows)

    def losses(self, step, s_pos, s_neg, negatives):
        own = super().losses(step, s_pos, s_neg, negatives)
        return own | ({"first": self.first.square().sum()} if step.epoch == 1 else {})

    def minimised(self):
        return [self.weight, self.first]


def test_a_backbone_that_no_gradient_reaches_rests_though_adam_has_momentum():
    fit = fit_of(Later())
    fit.epoch()
    table, weight = (
        fit.backbone.table.detach().clone(),
        fit.method.objective.weight.detach().clone(),
    )
    fit.epoch()
    assert torch.equal(fit.backbone.table, table)
    assert not torch.equal(fit.method.objective.weight, weight)


def test_a_run_that_is_resumed_where_fewer_parameters_learn_goes_on_bit_for_bit():
    first, second = fit_of(Later()), fit_of(Later())
    first.epoch()
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    pair = first.method.objective, second.method.objective
    with torch.no_grad():  # parts of this test have no state_dict
        for name in ("weight", "first"):
            getattr(pair[1], name).copy_(getattr(pair[0], name))
    assert first.epoch() == second.epoch()
    assert torch.equal(first.backbone.table, second.backbone.table)
    assert torch.equal(pair[0].weight, pair[1].weight)
    assert torch.equal(pair[0].first, pair[1].first)


def test_the_harness_of_the_conformance_suite_trains_such_parts():
    part = Own()
    TrainingHarness(Method(Uniform(1), part)).train()
    assert not torch.equal(part.weight.detach(), torch.ones(3))


def test_a_backbones_beta2_is_adams():
    context = WORLD
    for settings, wanted in (({}, 0.999), ({"beta2": 0.98}, 0.98), ({"preset": "apple"}, 0.98)):
        config = config_of(sasrec, {"length": 5, **settings}, "sasrec")
        backbone = sasrec.build(config, context, rng.stream(0, "init"))
        (adam,) = optimisers(Method(Uniform(1), BPR()), backbone)
        assert {group["betas"] for group in adam.param_groups} == {(0.9, wanted)}
    (plain,) = optimisers(Method(Uniform(1), BPR()), backbone_of())
    assert plain.param_groups[0]["betas"] == (0.9, 0.999), "as torch has it"


@pytest.mark.parametrize("wrong", [1.0, -0.1])
def test_a_beta2_that_is_none_is_refused(wrong):
    with pytest.raises(UserError, match="`beta2` must be at least 0 and below 1"):
        config_of(sasrec, {"beta2": wrong}, "sasrec")
    assert replace(sasrec.Config(), beta2=0.0).beta2 == 0


@pytest.mark.parametrize("backbone", [mf, lightgcn, ngcf, two_tower, xsimgcl])
def test_weight_decay_pulls_all_of_the_backbone_and_nothing_else(backbone):
    """Adam on the gradient plus the decay times the parameter, by hand: its first step is lr."""
    config = config_of(backbone, {"weight_decay": 0.3, "lr": 0.01, "dim": 64}, "backbone")
    built, part = backbone.build(config, WORLD, rng.stream(0, "init")), Plain()
    (adam,) = optimisers(Method(Uniform(1), part), built)
    before = {name: each.detach().clone() for name, each in built.named_parameters()}
    for each in [*built.parameters(), part.weight]:
        each.grad = torch.zeros_like(each)
    adam.step()
    for name, each in built.named_parameters():
        pull = 0.3 * before[name]
        wanted = before[name] - 0.01 * pull / (pull.abs() + 1e-8)
        torch.testing.assert_close(each.detach(), wanted, msg=name)
    assert torch.equal(part.weight.detach(), torch.ones(3)), "a part's parameter is not decayed"


@pytest.mark.parametrize("name", ["l2", "weight_decay"])
def test_a_negative_decay_is_refused(name):
    with pytest.raises(UserError, match=f"`{name}` must be at least 0; got -1"):
        config_of(mf, {name: -1.0}, "mf")


def test_a_backbone_without_weight_decay_keeps_its_record():
    """Cells of before the setting keep their identity."""
    assert "weight_decay" not in recorded(mf.Config(), mf.CARD)
    assert recorded(mf.Config(weight_decay=1e-4), mf.CARD)["weight_decay"] == 1e-4
