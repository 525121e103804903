"""SASRec: what every reader of histories keeps to, and what is its own."""

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

from negbench.backbones import sasrec
from negbench.ops import rng
from negbench.protocol.step import Batch

DROPS = sasrec.Config(dim=8, heads=2, length=6, dropout=0.3, init=0.5)
PLAIN = replace(DROPS, dropout=0.0)
COSINE = replace(DROPS, similarity="cosine", temperature=0.2)
LONG = replace(PLAIN, length=25)


@pytest.mark.parametrize("kind", ["one", "four", "many", "shared"])
@pytest.mark.parametrize("config", [PLAIN, DROPS, COSINE], ids=["dot", "dropout", "cosine"])
def test_cut_equals_autograd(config, kind):
    check_cut(sasrec, config, kind)


def test_padding_changes_nothing():
    check_padding(sasrec, LONG)


def test_histories_do_not_meet():
    check_each_history_by_itself(sasrec, LONG)


def test_a_later_item_changes_no_earlier_query():
    check_causality(sasrec, PLAIN)


def test_encode_is_the_last_position_of_the_view():
    check_encode(sasrec, DROPS)


def test_dropout_comes_from_the_generator_alone():
    check_dropout(sasrec, DROPS)


def test_penalty_equals_its_formula():
    check_penalty(sasrec, DROPS, replace(DROPS, l2=0.3), 0.3)


def test_one_user_and_two_items():
    check_smallest(sasrec, PLAIN)


def by_hand(backbone, ids):
    """The formula of the module's docstring for one history, one head at a time."""
    config, n = backbone.config, len(ids)
    x = backbone.table[ids] * config.dim**0.5 + backbone.places[config.length - n :]
    past = torch.ones(n, n).tril().bool()
    for block in backbone.blocks:
        q, k, v = block.to_qkv(block.before_attention(x)).split(config.dim, 1)
        heads = []
        for one in torch.arange(config.dim).chunk(config.heads):
            scores = q[:, one] @ k[:, one].T / len(one) ** 0.5
            heads.append(scores.masked_fill(~past, -torch.inf).softmax(1) @ v[:, one])
        x = x + block.mix(torch.cat(heads, 1))
        x = x + block.outer(block.inner(block.before_ffn(x)).relu())
    return backbone.last(x)


@pytest.mark.parametrize("length", [1, 4, 6])
def test_encoder_equals_the_formula(length):
    backbone = fresh(sasrec, PLAIN)
    ids = torch.randint(WORLD.n_items, (length,), generator=rng.stream(0, "ids"))
    batch = Batch(ids, ids, ids.unsqueeze(0), torch.arange(length))
    queries = backbone.view(batch, rng.stream(0, "b"), cut=False).query
    torch.testing.assert_close(queries, by_hand(backbone, ids))


@pytest.mark.parametrize("wrong", [{"heads": 3}, {"dropout": 1.0}, {"length": 0}])
def test_what_cannot_be_built_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(PLAIN, **wrong)
