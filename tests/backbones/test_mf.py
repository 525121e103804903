"""MF: the cut against plain autograd, the penalty against its formula, and the edges."""

import pytest
import torch
from helpers.backbone_steps import (
    assert_same,
    batch_of,
    gradients,
    loss_of,
    negatives_of,
    penalty,
    without_global_state,
)
from helpers.toy_data import context_of, small_context

from negbench.backbones import mf
from negbench.data.interactions import Csr
from negbench.errors import UserError
from negbench.ops import rng
from negbench.plugins import registry
from negbench.plugins.term_syntax import config_of
from negbench.protocol.step import Negatives

WORLD = small_context()
PLAIN = mf.Config(dim=8, l2=0.0)
COSINE = mf.Config(dim=8, l2=0.0, similarity="cosine", temperature=0.2)


@pytest.mark.parametrize("kind", ["one", "four", "many", "shared"])
@pytest.mark.parametrize("config", [PLAIN, COSINE], ids=["dot", "cosine"])
def test_cut_equals_autograd(config, kind):
    cut, plain = (gradients(mf, config, WORLD, kind, cut=cut) for cut in (True, False))
    assert_same(cut, plain)


@pytest.mark.parametrize("kind", ["one", "four", "many", "shared"])
def test_penalty_equals_its_formula(kind):
    actual = gradients(mf, mf.Config(dim=8, l2=0.3), WORLD, kind, cut=True)
    backbone = mf.build(PLAIN, WORLD, rng.stream(0, "init"))
    batch = batch_of(backbone, WORLD)
    negatives = negatives_of(batch, WORLD.n_items, kind)
    users, items = backbone.table.split([WORLD.n_users, WORLD.n_items])
    rows = users[batch.users], items[batch.items], items[negatives.ids]
    view = backbone.view(batch, rng.stream(0, "backbone"), cut=False)
    (loss_of(view, negatives) + penalty(0.3, *rows)).backward()
    assert_same(actual, {"table": backbone.table.grad})


def test_penalty_is_paid_for_ids_that_no_row_was_taken_of():
    backbone = mf.build(mf.Config(dim=8, l2=0.3), WORLD, rng.stream(0, "init"))
    batch = batch_of(backbone, WORLD)
    ids = torch.full((len(batch), 1), 7)
    backbone.backward(batch, backbone.view(batch, rng.stream(0, "b")), Negatives(ids))
    item = backbone.table[WORLD.n_users + 7]
    share = 0.3 * (1 + (batch.items == 7).float().mean())
    torch.testing.assert_close(backbone.table.grad[WORLD.n_users + 7], share * item.detach())


def test_draws_come_from_the_generator_alone():
    first, second = without_global_state(mf, PLAIN, WORLD)
    assert torch.equal(first["table"], second["table"])
    one, other = (mf.build(PLAIN, WORLD, rng.stream(seed, "init")).table for seed in (0, 1))
    assert not torch.equal(one, other)


def test_encode_is_what_the_view_shows():
    backbone = mf.build(COSINE, WORLD, rng.stream(0, "init"))
    batch = batch_of(backbone, WORLD)
    view, encoded = backbone.view(batch, rng.stream(0, "b")), backbone.encode(WORLD.train)
    assert torch.equal(encoded.query(batch.users), view.query)
    assert torch.equal(encoded.items, view.items)
    assert torch.equal(encoded.users, view.users)


def test_one_user_and_one_item():
    context = context_of(Csr.of([0], [0], n_rows=1, n_columns=1))
    actual = gradients(mf, PLAIN, context, "one", cut=True)["table"]
    assert actual.shape == (2, 8) and actual.isfinite().all()


@pytest.mark.parametrize("name", registry.names("backbones"))
@pytest.mark.parametrize(
    "setting",
    [{"dim": 0}, {"dim": -1}, {"lr": 0}, {"batch_size": 0}, {"l2": -1}, {"temperature": 0}],
)
def test_settings_that_train_nothing_are_refused(name, setting):
    with pytest.raises(UserError, match=next(iter(setting))):
        config_of(registry.load("backbones", name), setting, name)


@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_a_step_without_negatives_is_penalised_for_its_pairs_alone(l2):
    backbone = mf.build(mf.Config(dim=8, l2=l2), WORLD, rng.stream(0, "init"))
    batch = batch_of(backbone, WORLD)
    none = Negatives(torch.zeros(len(batch), 0, dtype=torch.long))
    view = backbone.view(batch, rng.stream(0, "b"))
    view.score_rows(none.ids, penalised=True)
    (view.score_pair(view.positive).mean()).backward()
    backbone.backward(batch, view, none)
    plain = backbone.table.detach().clone().requires_grad_()
    users, items = plain.split([WORLD.n_users, WORLD.n_items])
    pairs = users[batch.users], items[batch.items]
    squares = sum(rows.square().sum() for rows in pairs) / len(batch)
    ((pairs[0] * pairs[1]).sum(1).mean() + l2 / 2 * squares).backward()
    torch.testing.assert_close(backbone.table.grad, plain.grad)
