"""LightGCN: the cut against plain autograd and a dense graph, layers, the penalty on X_0, edges."""

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

from negbench.backbones import lightgcn
from negbench.data.interactions import Csr
from negbench.ops import rng

WORLD = small_context()
PLAIN = lightgcn.Config(dim=8, l2=0.0)
COSINE = lightgcn.Config(dim=8, l2=0.0, layers=2, similarity="cosine", temperature=0.2)


def loss_with_layers(view, negatives):
    """Every kind of leaf at once, each layer with another weight."""
    weights = torch.arange(1.0, 1 + view.query_layers.shape[1])
    items = view.layer_rows(negatives.ids).pow(3).sum(-1) @ weights
    users = view.query_layers.pow(2).sum(-1) @ weights.flip(0)
    return loss_of(view, negatives) + 100 * items.mean() + users.mean()


@pytest.mark.parametrize("loss", [loss_of, loss_with_layers])
@pytest.mark.parametrize("kind", ["one", "four", "many", "shared"])
@pytest.mark.parametrize("config", [PLAIN, COSINE], ids=["dot", "cosine"])
def test_cut_equals_autograd(config, kind, loss):
    cut, plain = (
        gradients(lightgcn, config, WORLD, kind, cut=cut, loss=loss) for cut in (True, False)
    )
    assert_same(cut, plain)


def test_gradients_do_not_depend_on_the_step_before():
    backbone = lightgcn.build(PLAIN, WORLD, rng.stream(0, "init"))
    batch = batch_of(backbone, WORLD)
    negatives, seen = negatives_of(batch, WORLD.n_items, "four"), []
    for _ in range(2):
        backbone.zero_grad(set_to_none=False)
        view = backbone.view(batch, rng.stream(0, "backbone"))
        loss_with_layers(view, negatives).backward()
        backbone.backward(batch, view, negatives)
        seen.append(backbone.table.grad.clone())
    assert torch.equal(*seen)


@pytest.mark.parametrize("cut", [True, False])
def test_layers_by_a_dense_graph(cut):
    backbone = lightgcn.build(PLAIN, WORLD, rng.stream(0, "init"))
    pairs = torch.from_numpy(WORLD.train.matrix().toarray())
    empty = torch.zeros(WORLD.n_users, WORLD.n_users), torch.zeros(WORLD.n_items, WORLD.n_items)
    whole = torch.cat([torch.cat([empty[0], pairs], 1), torch.cat([pairs.T, empty[1]], 1)])
    scale = whole.sum(1).clamp(min=1).rsqrt()
    hops = [backbone.table.detach()]
    for _ in range(PLAIN.layers):
        hops.append((scale[:, None] * whole * scale) @ hops[-1])
    stack = torch.stack(hops, 1)
    batch = batch_of(backbone, WORLD)
    view = backbone.view(batch, rng.stream(0, "b"), cut=cut)
    every = torch.arange(WORLD.n_items)
    torch.testing.assert_close(view.item_layers[every], stack[WORLD.n_users :])
    torch.testing.assert_close(view.query_layers, stack[batch.users])
    torch.testing.assert_close(view.items, stack.mean(1)[WORLD.n_users :])
    torch.testing.assert_close(view.users, stack.mean(1)[: WORLD.n_users])
    torch.testing.assert_close(view.positive, view.items[batch.items])


@pytest.mark.parametrize("kind", ["four", "many", "shared"])
def test_penalty_stands_on_the_first_layer(kind):
    actual = gradients(lightgcn, lightgcn.Config(dim=8, l2=0.3), WORLD, kind, cut=True)
    backbone = lightgcn.build(PLAIN, WORLD, rng.stream(0, "init"))
    batch = batch_of(backbone, WORLD)
    negatives = negatives_of(batch, WORLD.n_items, kind)
    users, items = backbone.table.split([WORLD.n_users, WORLD.n_items])
    rows = users[batch.users], items[batch.items], items[negatives.ids]
    view = backbone.view(batch, rng.stream(0, "backbone"), cut=False)
    (loss_of(view, negatives) + penalty(0.3, *rows)).backward()
    assert_same(actual, {"table": backbone.table.grad})


def test_draws_come_from_the_generator_alone():
    first, second = without_global_state(lightgcn, PLAIN, WORLD)
    assert torch.equal(first["table"], second["table"])


def test_encode_is_what_the_view_shows_and_outlives_the_next_step():
    backbone = lightgcn.build(PLAIN, WORLD, rng.stream(0, "init"))
    batch = batch_of(backbone, WORLD)
    encoded, view = backbone.encode(WORLD.train), backbone.view(batch, rng.stream(0, "b"))
    assert torch.equal(encoded.query(batch.users), view.query)
    kept = encoded.items.clone()
    backbone.table.data.add_(1)
    backbone.view(batch, rng.stream(0, "b"))
    assert torch.equal(encoded.items, kept)


def test_no_layers_is_the_table_itself():
    backbone = lightgcn.build(lightgcn.Config(dim=8, layers=0), WORLD, rng.stream(0, "init"))
    assert torch.equal(backbone.encode(WORLD.train).users, backbone.table[: WORLD.n_users])


def test_one_user_and_one_item():
    context = context_of(Csr.of([0], [0], n_rows=1, n_columns=1))
    cut, plain = (gradients(lightgcn, PLAIN, context, "one", cut=cut) for cut in (True, False))
    torch.testing.assert_close(cut, plain)


def test_a_cold_user_and_a_cold_item_keep_a_share_of_their_own_vector():
    context = context_of(Csr.of([0], [0], n_rows=2, n_columns=2))
    backbone = lightgcn.build(PLAIN, context, rng.stream(0, "init"))
    encoded = backbone.encode(context.train)
    torch.testing.assert_close(encoded.users[1], backbone.table[1].detach() / 4)
    torch.testing.assert_close(encoded.items[1], backbone.table[3].detach() / 4)


def test_fewer_than_no_layers_are_refused():
    with pytest.raises(ValueError, match="`layers` must be at least 0; got -1"):
        lightgcn.Config(layers=-1)
