"""Two towers: the formula, cut against autograd, texts, ids that are dropped, and cold items."""

from dataclasses import replace

import numpy as np
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

from negbench.backbones import two_tower
from negbench.composition import recipe
from negbench.data.interactions import Csr
from negbench.ops import rng
from negbench.protocol.text_table import TextTable
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit

BARE = small_context()
TEXTS = TextTable.of(np.random.default_rng(0).normal(size=(BARE.n_items, 5)).astype(np.float32))
WORLD = replace(BARE, texts=lambda: TEXTS)
DROPS = two_tower.Config(dim=8, embedding=6, hidden=10, l2=0.0, id_dropout=0.3, init=0.5)
PLAIN = replace(DROPS, id_dropout=0.0)
DOT = replace(DROPS, similarity="dot", temperature=1.0)


def fresh(config, context=WORLD):
    return two_tower.build(config, context, rng.stream(0, "init"))


def uneven(view, negatives):
    """A loss that changes where all items move alike: differences of products do not."""
    return loss_of(view, negatives) + view.score_pair(view.positive).pow(2).mean()


@pytest.mark.parametrize("context", [WORLD, BARE], ids=["texts", "ids"])
@pytest.mark.parametrize("kind", ["one", "four", "many", "shared"])
@pytest.mark.parametrize("config", [PLAIN, DROPS, DOT], ids=["plain", "dropout", "dot"])
def test_cut_equals_autograd(config, kind, context):
    cut, plain = (
        gradients(two_tower, config, context, kind, cut=cut, loss=uneven) for cut in (True, False)
    )
    assert_same(cut, plain, 2e-5)


@pytest.mark.parametrize("texts", [True, False])
def test_scores_are_those_of_the_formula(texts):
    backbone = fresh(replace(PLAIN, texts=texts))
    batch = batch_of(backbone, WORLD)
    view = backbone.view(batch, rng.stream(0, "b"))
    p, q = backbone.table.split([WORLD.n_users, WORLD.n_items])
    own, theirs = backbone.of_users, backbone.of_items
    assert (theirs.of_others is not None) == texts
    for row in range(6):
        u, i = int(batch.users[row]), int(batch.items[row])
        inner = theirs.of_ids.weight @ q[i] + theirs.of_ids.bias
        if texts:
            inner = inner + theirs.of_others.weight @ TEXTS.vectors[i]
        item = theirs.out.weight @ inner.clamp(min=0) + theirs.out.bias
        inner = own.of_ids.weight @ p[u] + own.of_ids.bias
        user = own.out.weight @ inner.clamp(min=0) + own.out.bias
        wanted = user @ item / user.norm() / item.norm() / PLAIN.temperature
        torch.testing.assert_close(view.score_pair(view.positive)[row], wanted)


def cold_world():
    """Item 3 and item 4 have no train pair; both halves of the catalogue have a text of their own,
    theirs is that of the second half."""
    train = BARE.train
    kept = ~np.isin(train.indices, [3, 4])
    train = Csr.of(
        train.rows[kept], train.indices[kept], n_rows=train.n_rows, n_columns=train.n_columns
    )
    half = np.arange(train.n_columns) >= train.n_columns // 2
    half[3] = half[4] = True
    words = np.stack([half, ~half], 1).astype(np.float32)
    return replace(context_of(train), texts=lambda: TextTable.of(words))


def test_a_cold_item_is_ranked_by_its_text_and_not_by_its_untrained_id():
    world = cold_world()
    config = replace(DROPS, batch_size=64, lr=0.02)
    backbone = fresh(config, world)
    fit = Fit(recipe("random").build(), backbone, world, TrainConfig(epochs=15))
    for _ in range(15):
        fit.epoch()
    encoded = backbone.encode(world.train)
    torch.testing.assert_close(encoded.items[3], encoded.items[4])  # of one text, and of no ids
    similarity, users = encoded.similarity, torch.arange(world.n_users)
    queries = similarity.query(encoded.query(users))
    scores = queries @ similarity.prepare(encoded.items[3:4]).T
    odd = scores[users % 2 == 1].mean()  # who like the second half
    assert float(odd - scores[users % 2 == 0].mean()) > 0.5
    before = encoded.items.clone()
    backbone.table.data[world.n_users + 3] += 10
    assert torch.equal(backbone.encode(world.train).items, before)


def test_without_texts_cold_items_tie():
    backbone = fresh(replace(PLAIN, texts=False), cold_world())
    items = backbone.encode(BARE.train).items
    assert torch.equal(items[3], items[4]) and not torch.equal(items[3], items[5])


def test_a_user_without_train_pairs_has_no_id():
    world = replace(context_of(Csr.of([0, 1], [0, 1], n_rows=4, n_columns=3)))
    users = fresh(PLAIN, world).encode(world.train).users
    assert torch.equal(users[2], users[3]) and not torch.equal(users[0], users[2])


def test_ids_are_dropped_in_training_at_their_share_and_at_rest_never():
    backbone = fresh(replace(DROPS, id_dropout=0.25), cold_world())
    batch, text_alone = batch_of(backbone, WORLD), fresh(replace(PLAIN), cold_world())
    text_alone.known[:] = 0
    alone = text_alone.encode(WORLD.train).items
    whole = fresh(PLAIN, cold_world()).encode(WORLD.train).items
    warm = cold_world().counts > 0
    dropped = []
    for seed in range(100):
        items = backbone.view(batch, rng.stream(seed, "b")).items
        without = (items == alone).all(1)
        assert bool((without | (items == whole).all(1)).all())
        dropped.append(float(without[warm].float().mean()))
    assert sum(dropped) / 100 == pytest.approx(0.25, abs=0.03)
    backbone.eval()
    assert torch.equal(backbone.view(batch, rng.stream(0, "b")).items, whole)


def test_penalty_stands_on_the_ids():
    actual = gradients(two_tower, replace(PLAIN, l2=0.3), WORLD, "four", cut=True)
    backbone = fresh(PLAIN)
    batch = batch_of(backbone, WORLD)
    negatives = negatives_of(batch, WORLD.n_items, "four")
    users, items = backbone.table.split([WORLD.n_users, WORLD.n_items])
    rows = users[batch.users], items[batch.items], items[negatives.ids]
    view = backbone.view(batch, rng.stream(0, "backbone"), cut=False)
    (loss_of(view, negatives) + penalty(0.3, *rows)).backward()
    assert_same(actual, {name: p.grad for name, p in backbone.named_parameters()}, 2e-5)


def test_draws_come_from_the_generator_alone():
    first, second = without_global_state(two_tower, DROPS, WORLD)
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("method", ["random", "dns", "in_batch", "mixed", "psl"])
def test_methods_train_on_it(method):
    backbone = fresh(replace(DROPS, batch_size=64, lr=0.02))
    fit = Fit(recipe(method).build(), backbone, WORLD, TrainConfig(epochs=4))
    losses = [fit.epoch()["loss"] for _ in range(4)]
    assert losses[-1] < losses[0]


def test_state_comes_back_without_the_texts():
    backbone, other = fresh(PLAIN), two_tower.build(PLAIN, WORLD, rng.stream(1, "init"))
    state = backbone.state_dict()
    assert not {"texts", "known"} & set(state)
    other.load_state_dict(state)
    assert torch.equal(*(each.encode(WORLD.train).items for each in (backbone, other)))


@pytest.mark.parametrize("wrong", [{"embedding": 0}, {"hidden": 0}, {"id_dropout": 1.1}])
def test_what_cannot_be_built_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(PLAIN, **wrong)
