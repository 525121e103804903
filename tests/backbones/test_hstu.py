"""HSTU: what every reader of histories keeps to, and what is its own."""

from dataclasses import replace

import pytest
import torch
from helpers.sequence_backbone_checks import (
    WORLD,
    check_causality,
    check_cut,
    check_dropout,
    check_each_history_by_itself,
    check_encode,
    check_padding,
    check_penalty,
    check_smallest,
    fresh,
)

from negbench.backbones import hstu
from negbench.composition import recipe
from negbench.ops import rng
from negbench.protocol.step import Batch
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit

DROPS = hstu.Config(dim=8, heads=2, length=6, dropout=0.3, init=0.5)
PLAIN = replace(DROPS, dropout=0.0)
COSINE = replace(DROPS, similarity="cosine", temperature=0.2)
LONG = replace(PLAIN, length=25)


@pytest.mark.parametrize("kind", ["one", "four", "many", "shared"])
@pytest.mark.parametrize("config", [PLAIN, DROPS, COSINE], ids=["dot", "dropout", "cosine"])
def test_cut_equals_autograd(config, kind):
    check_cut(hstu, config, kind)


def test_padding_changes_nothing():
    check_padding(hstu, LONG)


def test_histories_do_not_meet():
    check_each_history_by_itself(hstu, LONG)


def test_a_later_item_changes_no_earlier_query():
    check_causality(hstu, PLAIN)


def test_encode_is_the_last_position_of_the_view():
    check_encode(hstu, DROPS)


def test_dropout_comes_from_the_generator_alone():
    check_dropout(hstu, DROPS)


def test_penalty_equals_its_formula():
    check_penalty(hstu, DROPS, replace(DROPS, l2=0.3), 0.3)


def test_one_user_and_two_items():
    check_smallest(hstu, PLAIN)


def by_hand(backbone, ids):
    """The formula of the module's docstring, one pair of positions at a time."""
    config, n = backbone.config, len(ids)
    x = backbone.table[ids] * config.dim**0.5 + backbone.places[config.length - n :]
    for block in backbone.blocks:
        parts = torch.nn.functional.silu(block.into(block.before(x)))
        u, v, q, k = parts.split(config.dim, 1)
        rows = []
        for t in range(n):
            heads = []
            for one in torch.arange(config.dim).chunk(config.heads):
                total = 0
                for s in range(t + 1):
                    score = q[t, one] @ k[s, one] + block.by_distance[t - s]
                    total = total + score * score.sigmoid() / config.length * v[s, one]
                heads.append(total)
            rows.append(torch.cat(heads))
        x = x + block.out(block.after(torch.stack(rows)) * u)
    return backbone.last(x)


@pytest.mark.parametrize("length", [1, 4, 6])
def test_encoder_equals_the_formula(length):
    backbone = fresh(hstu, PLAIN)
    for block in backbone.blocks:
        block.by_distance.data.normal_(generator=rng.stream(0, "bias"))
    ids = torch.randint(WORLD.n_items, (length,), generator=rng.stream(0, "ids"))
    batch = Batch(ids, ids, ids.unsqueeze(0), torch.arange(length))
    queries = backbone.view(batch, rng.stream(0, "b"), cut=False).query
    torch.testing.assert_close(queries, by_hand(backbone, ids))


def test_its_blocks_are_its_own_and_sasrecs_stay():
    from negbench.backbones import sasrec

    assert all(type(b) is hstu.Block for b in fresh(hstu, PLAIN).blocks)
    theirs = fresh(sasrec, sasrec.Config(dim=8, length=6))
    assert all(type(b) is sasrec.Block for b in theirs.blocks)


@pytest.mark.parametrize("method", ["random", "dns", "psl", "in_batch"])
def test_methods_train_on_it(method):
    backbone = fresh(hstu, replace(DROPS, batch_size=8, lr=0.02))
    fit = Fit(recipe(method).build(), backbone, WORLD, TrainConfig(epochs=4))
    losses = [fit.epoch()["loss"] for _ in range(4)]
    assert losses[-1] < losses[0]


def test_state_comes_back():
    backbone, other = fresh(hstu, PLAIN), hstu.build(PLAIN, WORLD, rng.stream(1, "init"))
    other.load_state_dict(backbone.state_dict())
    users = torch.arange(5)
    one, two = (each.encode(WORLD.train).query(users) for each in (backbone, other))
    assert torch.equal(one, two)


@pytest.mark.parametrize("wrong", [{"heads": 3}, {"dropout": 1.0}, {"beta2": 1.0}, {"length": 0}])
def test_what_cannot_be_built_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(PLAIN, **wrong)
