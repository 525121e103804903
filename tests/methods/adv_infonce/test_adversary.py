"""The adversary's logits against loops; their gradient stays with the adversary."""

from dataclasses import replace

import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.methods.adv_infonce.adversary import Projections, Tables
from negbench.protocol.step import Negatives
from negbench.testing.toy_data import TrainingHarness, default_context

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


def test_projections_are_relus_of_the_backbones_vectors(step):
    net, ids = Projections(WORLD, 4), torch.tensor([3, 9, 3])
    logits = net.logits(step, Negatives(ids, shared=True))
    rows = net.logits(step, Negatives(ids.expand(len(step.batch), -1)))
    of_vectors = net.logits(step, Negatives(vectors=step.view.items[ids], shared=True))
    for b, query in enumerate(step.view.query):
        for n, item in enumerate(ids.tolist()):
            one = (net.query @ query).relu() @ (net.items @ step.view.items[item]).relu()
            torch.testing.assert_close(logits[b, n], one)
    torch.testing.assert_close(rows, logits)
    torch.testing.assert_close(of_vectors, logits)


@pytest.mark.parametrize("kind", [Tables, Projections])
def test_only_the_adversary_gets_a_gradient(kind, step):
    net = kind(WORLD, 4)
    net.logits(step, Negatives(torch.tensor([3, 9, 3]), shared=True)).sum().backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in net.parameters())
    assert step.view.query.grad is None and not step.view.leaves.rows


@pytest.mark.parametrize("kind", [Tables, Projections])
def test_a_seed_draws_the_same_weights(kind):
    first, second, other = kind(WORLD, 4), kind(WORLD, 4), kind(replace(WORLD, seed=1), 4)
    for a, b, c in zip(first.parameters(), second.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b) and not torch.equal(a, c)
        assert a.abs().max() <= (6 / sum(a.shape)) ** 0.5


def test_what_an_adversary_cannot_read_is_refused(step):
    with pytest.raises(UserError, match="none for synthesised negatives"):
        Tables(WORLD, 4).logits(step, Negatives(vectors=torch.zeros(1, 8), shared=True))
    with pytest.raises(UserError, match="must know the vectors' width"):
        Projections(replace(WORLD, width=0), 4)
