"""A frozen copy: what the backbone made then, whatever it learns since."""

import pytest
import torch
from helpers.toy_data import small_context

from negbench.backbones import gru4rec, lightgcn, mf, sasrec, tiny_lm
from negbench.composition import recipe
from negbench.ops import rng
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit
from negbench.training.frozen_copy import FrozenCopy

WORLD = small_context()
MADE = {
    "mf": (mf, mf.Config(dim=8, batch_size=64)),
    "lightgcn": (lightgcn, lightgcn.Config(dim=8, batch_size=64)),
    "sasrec": (sasrec, sasrec.Config(dim=8, length=6, batch_size=16)),
    "gru4rec": (gru4rec, gru4rec.Config(dim=8, hidden=8, length=6, batch_size=16)),
    "tiny_lm": (tiny_lm, tiny_lm.Config(dim=8, length=6, batch_size=16)),
}


def fit_of(name, method="random"):
    module, config = MADE[name]
    backbone = module.build(config, WORLD, rng.stream(0, "init"))
    return Fit(recipe(method).build(), backbone, WORLD, TrainConfig(epochs=2))


def seen(view):
    return view.query.detach().clone(), view.items.clone(), view.positive.detach().clone()


@pytest.mark.parametrize("name", MADE)
def test_it_stays_while_the_backbone_learns_and_owes_nothing(name):
    fit = fit_of(name)
    batch = next(iter(fit.batches.epoch(rng.stream(0, "batches"))))
    still = FrozenCopy(fit.backbone)
    fit.backbone.train(False)
    before = seen(still.view(batch))
    for actual, expected in zip(
        seen(fit.backbone.view(batch, rng.stream(0, "b"))), before, strict=True
    ):
        torch.testing.assert_close(actual, expected)
    fit.epoch()
    for actual, expected in zip(seen(still.view(batch)), before, strict=True):
        assert torch.equal(actual, expected)
    assert not torch.equal(fit.backbone.view(batch, rng.stream(0, "b")).query, before[0])
    assert all(p.grad is None for p in still.backbone.parameters())


@pytest.mark.parametrize("name", MADE)
def test_another_process_can_be_what_was_frozen(name):
    fit = fit_of(name)
    batch = next(iter(fit.batches.epoch(rng.stream(0, "batches"))))
    still = FrozenCopy(fit.backbone)
    fit.epoch()
    later = FrozenCopy(fit.backbone)
    later.load_state_dict(still.state_dict())
    for actual, expected in zip(seen(later.view(batch)), seen(still.view(batch)), strict=True):
        assert torch.equal(actual, expected)
