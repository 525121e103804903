"""NGCF: the formula, cut against autograd, and its layers as methods see them."""

from dataclasses import replace

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

from negbench.backbones import ngcf
from negbench.composition import recipe
from negbench.data.interactions import Csr
from negbench.ops import rng
from negbench.plugins.term_syntax import config_of
from negbench.protocol import Step
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit

WORLD = small_context()
PLAIN = ngcf.Config(dim=12, layers=2, l2=0.0, dropout=0.0, init=0.5)
DROPS = replace(PLAIN, dropout=0.4)
COSINE = replace(PLAIN, similarity="cosine", temperature=0.2, normalise=False)


def fresh(config, context=WORLD):
    return ngcf.build(config, context, rng.stream(0, "init"))


def with_layers(view, negatives):
    """Every kind of leaf at once, each layer with another weight."""
    weights = torch.arange(1.0, 1 + view.query_layers.shape[1])
    items = view.layer_rows(negatives.ids).pow(3).sum(-1) @ weights
    users = view.query_layers.pow(2).sum(-1) @ weights.flip(0)
    return loss_of(view, negatives) + items.mean() + users.mean()


@pytest.mark.parametrize("loss", [loss_of, with_layers])
@pytest.mark.parametrize("kind", ["one", "many", "shared"])
@pytest.mark.parametrize("config", [PLAIN, DROPS, COSINE], ids=["dot", "dropout", "cosine"])
def test_cut_equals_autograd(config, kind, loss):
    cut, plain = (gradients(ngcf, config, WORLD, kind, cut=cut, loss=loss) for cut in (True, False))
    assert_same(cut, plain, 5e-5)  # cubes of scores: rounding is threefold


def by_hand(backbone):
    """The layers of the formula by a dense graph, [U + I, D] each."""
    pairs = torch.from_numpy(WORLD.train.matrix().toarray())
    a = torch.zeros(len(backbone.table), len(backbone.table))
    a[: WORLD.n_users, WORLD.n_users :] = pairs
    a = a + a.T
    scale = a.sum(1).clamp(min=1).rsqrt()
    a, e, layers = scale[:, None] * a * scale, backbone.table.detach(), [backbone.table.detach()]
    for plain, crossed in zip(backbone.plain, backbone.crossed, strict=True):
        x = (a + torch.eye(len(a))) @ e @ plain.weight.T + ((a @ e) * e) @ crossed.weight.T
        e = torch.where(x > 0, x, 0.2 * x).detach()
        norm = e.norm(dim=1, keepdim=True) if backbone.config.normalise else 1
        layers.append(e / norm)
    return layers


@pytest.mark.parametrize("normalise", [True, False])
def test_scores_are_the_sum_of_the_layers_products(normalise):
    backbone = fresh(replace(PLAIN, normalise=normalise))
    batch = batch_of(backbone, WORLD)
    view, layers = backbone.view(batch, rng.stream(0, "b")), by_hand(backbone)
    wanted = sum((x[batch.users] * x[WORLD.n_users :][batch.items]).sum(1) for x in layers)
    torch.testing.assert_close(view.score_pair(view.positive), wanted)
    encoded = backbone.encode(WORLD.train)
    torch.testing.assert_close(encoded.items, torch.cat(layers, 1)[WORLD.n_users :])
    assert torch.equal(encoded.query(batch.users), encoded.users[batch.users])


def test_layers_have_the_vector_as_mean_and_the_products_of_their_blocks():
    backbone = fresh(PLAIN)
    batch = batch_of(backbone, WORLD)
    view, hands = backbone.view(batch, rng.stream(0, "b")), by_hand(backbone)
    every = view.item_layers[torch.arange(WORLD.n_items)]
    assert every.shape == (WORLD.n_items, 3, 12)
    torch.testing.assert_close(every.mean(1), view.items)
    torch.testing.assert_close(view.query_layers.mean(1), view.query)
    for layer, x in enumerate(hands):
        products = view.query_layers[:, layer] @ every[:, layer].T
        users, items = x[batch.users], x[WORLD.n_users :]
        torch.testing.assert_close(products, 9 * users @ items.T)
        across = view.query_layers[:, layer] @ every[:, (layer + 1) % 3].T
        assert not across.any()


@pytest.mark.parametrize("query", ["pooled", "layer"])
def test_mixgcf_chooses_by_each_layers_own_product(query):
    backbone = fresh(PLAIN)
    batch = batch_of(backbone, WORLD)
    view, layers = backbone.view(batch, rng.stream(0, "b")), by_hand(backbone)
    method = recipe(f"mixgcf(low=0,high=0,query={query},candidates=8)").build()
    method.sampler.begin(WORLD)
    step = Step(batch, view, WORLD, 1, 1, rng.stream(0, "negatives"))
    drawn = method.sampler.sample(step)
    mixed = method.stages[0].apply(step, drawn).vectors.squeeze(1)
    scores = [(x[batch.users].unsqueeze(1) * x[WORLD.n_users :][drawn.ids]).sum(-1) for x in layers]
    chosen = [drawn.ids.gather(1, s.argmax(1, keepdim=True)).squeeze(1) for s in scores]
    wanted = [x[WORLD.n_users :][ids] for x, ids in zip(layers, chosen, strict=True)]
    torch.testing.assert_close(mixed.detach(), torch.cat(wanted, 1))


@pytest.mark.parametrize("method", ["random", "dns", "mixgcf", "dens", "dmns"])
def test_methods_train_on_it(method):
    backbone = fresh(replace(DROPS, batch_size=64, lr=0.02))
    fit = Fit(recipe(method).build(), backbone, WORLD, TrainConfig(epochs=3))
    losses = [fit.epoch()["loss"] for _ in range(3)]
    assert losses[-1] < losses[0]


def test_penalty_stands_on_the_first_layer():
    actual = gradients(ngcf, replace(PLAIN, l2=0.3), WORLD, "four", cut=True)
    backbone = fresh(PLAIN)
    batch = batch_of(backbone, WORLD)
    negatives = negatives_of(batch, WORLD.n_items, "four")
    users, items = backbone.table.split([WORLD.n_users, WORLD.n_items])
    rows = users[batch.users], items[batch.items], items[negatives.ids]
    view = backbone.view(batch, rng.stream(0, "backbone"), cut=False)
    (loss_of(view, negatives) + penalty(0.3, *rows)).backward()
    assert_same(actual, {name: p.grad for name, p in backbone.named_parameters()})


def test_dropout_comes_from_the_generator_alone_and_is_off_at_rest():
    first, second = without_global_state(ngcf, DROPS, WORLD)
    assert all(torch.equal(first[name], second[name]) for name in first)
    backbone = fresh(DROPS)
    batch = batch_of(backbone, WORLD)
    one, other = (backbone.view(batch, rng.stream(s, "b")).query for s in (0, 1))
    assert not torch.equal(one, other)
    backbone.eval()
    still = backbone.view(batch, rng.stream(0, "b")).query
    assert torch.equal(still, backbone.encode(WORLD.train).query(batch.users))


def test_no_layers_is_the_table_itself():
    backbone = fresh(replace(PLAIN, layers=0))
    assert torch.equal(backbone.encode(WORLD.train).users, backbone.table[: WORLD.n_users])


def test_one_user_and_one_item():
    context = context_of(Csr.of([0], [0], n_rows=1, n_columns=1))
    cut, plain = (gradients(ngcf, PLAIN, context, "one", cut=cut) for cut in (True, False))
    torch.testing.assert_close(cut, plain)


def test_state_comes_back():
    backbone, other = fresh(PLAIN), ngcf.build(PLAIN, WORLD, rng.stream(1, "init"))
    other.load_state_dict(backbone.state_dict())
    assert torch.equal(*(each.encode(WORLD.train).items for each in (backbone, other)))


def test_preset():
    config = config_of(ngcf, {"preset": "mixgcf"}, "ngcf")
    assert (config.dim, config.layers, config.lr, config.batch_size) == (256, 3, 1e-4, 1024)


@pytest.mark.parametrize("wrong", [{"dim": 13}, {"layers": -1}, {"dropout": 1.0}])
def test_what_cannot_be_built_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(PLAIN, **wrong)
