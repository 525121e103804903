"""The adversary's logits against loops; their gradient stays with the adversary."""

from dataclasses import replace

import pytest
import torch
from helpers.toy_data import small_context

from negbench.backbones import lightgcn
from negbench.composition import recipe
from negbench.errors import UserError
from negbench.methods.adv_infonce.adversary import Projections, Tables, first_layer
from negbench.ops import rng
from negbench.protocol.step import Negatives, Step
from negbench.testing.toy_data import TrainingHarness, default_context
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit

WORLD = default_context()


@pytest.fixture
def step():
    return TrainingHarness(recipe("random").build(), WORLD).step()


def test_tables_are_a_product_for_every_user_and_item(step):
    net, ids = Tables(WORLD, 5), torch.arange(18 * 2).view(-1, 2).remainder(12)
    ids = ids[: len(step.batch)].repeat(-(-len(step.batch) // 18), 1)[: len(step.batch)]
    logits = net.logits(step, Negatives(ids))
    for b, user in enumerate(step.batch.users.tolist()):
        for n, item in enumerate(ids[b].tolist()):
            torch.testing.assert_close(logits[b, n], net.users[user] @ net.items[item])


def biased(net):
    """The projections with biases that count."""
    torch.nn.init.constant_(net.query_bias, 0.3)
    torch.nn.init.constant_(net.items_bias, -0.2)
    return net


def of_pair(net, query, item):
    one = (net.query @ query + net.query_bias).relu()
    return one @ (net.items @ item + net.items_bias).relu()


def test_projections_are_relus_of_the_vectors_before_propagation(step):
    net, ids, view = biased(Projections(WORLD, 4)), torch.tensor([3, 9, 3]), step.view
    logits = net.logits(step, Negatives(ids, shared=True))
    rows = net.logits(step, Negatives(ids.expand(len(step.batch), -1)))
    for b in range(len(step.batch)):
        for n, item in enumerate(ids.tolist()):
            one = of_pair(net, view.query_layers[b, 0], view.item_layers[item, 0])
            torch.testing.assert_close(logits[b, n], one)
    torch.testing.assert_close(rows, logits)


def test_without_layers_they_read_the_vectors_themselves(step):
    net, ids = biased(Projections(WORLD, 4)), torch.tensor([3, 9, 3])
    bare = replace(step, view=replace(step.view, query_layers=None, item_layers=None))
    logits = net.logits(bare, Negatives(ids, shared=True))
    of_vectors = net.logits(bare, Negatives(vectors=step.view.items[ids], shared=True))
    for b, query in enumerate(step.view.query):
        for n, item in enumerate(ids.tolist()):
            torch.testing.assert_close(logits[b, n], of_pair(net, query, step.view.items[item]))
    torch.testing.assert_close(of_vectors, logits)


def test_on_lightgcn_that_is_its_table_before_the_graph():
    context = small_context()
    config = lightgcn.Config(dim=8, batch_size=64)
    backbone = lightgcn.build(config, context, rng.stream(0, "init"))
    fit = Fit(recipe("random").build(), backbone, context, TrainConfig(epochs=1))
    batch = next(iter(fit.batches.epoch(rng.stream(0, "batches"))))
    view = backbone.view(batch, rng.stream(0, "b"))
    step = Step(batch, view, context, 1, 1, rng.stream(0, "negatives"))
    users, items = first_layer(step)
    assert torch.equal(users, backbone.table.detach()[batch.users])
    assert torch.equal(items, backbone.table.detach()[context.n_users :])


@pytest.mark.parametrize("kind", [Tables, Projections])
def test_only_the_adversary_gets_a_gradient(kind, step):
    net = kind(WORLD, 4)
    if kind is Projections:
        net = biased(net)
    net.logits(step, Negatives(torch.tensor([3, 9, 3]), shared=True)).sum().backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in net.parameters())
    assert step.view.query.grad is None and not step.view.leaves.rows


@pytest.mark.parametrize("kind", [Tables, Projections])
def test_a_seed_draws_the_same_weights(kind):
    first, second, other = kind(WORLD, 4), kind(WORLD, 4), kind(replace(WORLD, seed=1), 4)
    for a, b, c in zip(first.parameters(), second.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b) and (not torch.equal(a, c) or a.dim() == 1), "biases begin at 0"
        assert a.abs().max() <= (6 / sum(a.shape)) ** 0.5


def test_what_an_adversary_cannot_read_is_refused(step):
    with pytest.raises(UserError, match="none for synthesised negatives"):
        Tables(WORLD, 4).logits(step, Negatives(vectors=torch.zeros(1, 8), shared=True))
    with pytest.raises(UserError, match="must know the vectors' width"):
        Projections(replace(WORLD, width=0), 4)
