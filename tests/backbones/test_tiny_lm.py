"""TinyLM: what every reader of histories keeps to, and what is a language model's own."""

import math
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
    padded,
)

from negbench.backbones import tiny_lm
from negbench.composition import recipe
from negbench.methods.napo.policy import CataloguePolicy, log_probs
from negbench.ops import rng
from negbench.protocol.step import Batch
from negbench.training.batches import Sequences
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit

DROPS = tiny_lm.Config(dim=8, hidden=12, heads=2, length=6, dropout=0.3, init=0.5)
PLAIN = replace(DROPS, dropout=0.0)
COSINE = replace(DROPS, similarity="cosine", temperature=0.2)
LONG = replace(PLAIN, length=25)


@pytest.mark.parametrize("kind", ["one", "four", "many", "shared"])
@pytest.mark.parametrize("config", [PLAIN, DROPS, COSINE], ids=["dot", "dropout", "cosine"])
def test_cut_equals_autograd(config, kind):
    check_cut(tiny_lm, config, kind)


def test_padding_changes_nothing():
    check_padding(tiny_lm, replace(LONG, length=28))


def test_histories_do_not_meet():
    check_each_history_by_itself(tiny_lm, LONG)


def test_a_later_item_changes_no_earlier_query():
    check_causality(tiny_lm, PLAIN)


def test_encode_is_the_last_position_of_the_view():
    check_encode(tiny_lm, DROPS)


def test_dropout_comes_from_the_generator_alone():
    check_dropout(tiny_lm, DROPS)


def test_penalty_equals_its_formula():
    check_penalty(tiny_lm, DROPS, replace(DROPS, l2=0.3), 0.3)


def test_one_user_and_two_items():
    check_smallest(tiny_lm, replace(PLAIN, blocks=1))


def rms(x, weight):
    return x / (x.pow(2).mean(-1, keepdim=True) + torch.finfo(x.dtype).eps).sqrt() * weight


def turned(x, place):
    """Coordinates i and i + w/2 turned by place * 10000^(-2i/w), as complex numbers."""
    half = len(x) // 2
    speed = torch.tensor([10_000 ** (-2 * i / len(x)) for i in range(half)])
    rotated = torch.complex(x[:half], x[half:]) * torch.polar(torch.ones(half), place * speed)
    return torch.cat([rotated.real, rotated.imag])


def by_hand(backbone, ids):
    """The formula of the module's docstring for one history, one position and head at a time."""
    config = backbone.config
    x = backbone.table[ids] * config.dim**0.5
    for block in backbone.blocks:
        q, k, v = block.to_qkv(rms(x, block.before_attention.weight)).split(config.dim, 1)
        rows = []
        for t in range(len(ids)):
            heads = []
            for one in torch.arange(config.dim).chunk(config.heads):
                mine = turned(q[t, one], t)
                scores = torch.stack([mine @ turned(k[s, one], s) for s in range(t + 1)])
                heads.append((scores / math.sqrt(len(one))).softmax(0) @ v[: t + 1, one])
            rows.append(torch.cat(heads))
        x = x + block.mix(torch.stack(rows))
        y = rms(x, block.before_units.weight)
        gate = block.gate(y)
        x = x + block.outer(gate * gate.sigmoid() * block.inner(y))
    return rms(x, backbone.last.weight)


@pytest.mark.parametrize("length", [1, 4, 6])
def test_encoder_equals_the_formula(length):
    backbone = fresh(tiny_lm, PLAIN)
    ids = torch.randint(WORLD.n_items, (length,), generator=rng.stream(0, "ids"))
    batch = Batch(ids, ids, ids.unsqueeze(0), torch.arange(length))
    queries = backbone.view(batch, rng.stream(0, "b"), cut=False).query
    torch.testing.assert_close(queries, by_hand(backbone, ids))


def test_attention_knows_how_far_apart_two_tokens_are_and_not_where():
    places = tiny_lm.Rotation(6, 20, torch.device("cpu"))
    q, k = torch.randn(2, 6, generator=rng.stream(0, "qk"))
    q_at, k_at = (places.rotate(x.expand(20, 6)) for x in (q, k))
    products = q_at @ k_at.T
    for apart in (0, 3, 7):
        diagonal = products.diagonal(-apart)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal))


def test_log_probs_of_all_items_sum_to_one_and_padding_does_not_change_them():
    backbone = fresh(tiny_lm, LONG).eval()
    policy = CataloguePolicy(2**20)
    policy.begin(WORLD)
    batch = Sequences(WORLD.train, 16, 15).batch(torch.arange(12))
    every = policy.ids.expand(len(batch), -1)
    seen = []
    for given in (batch, padded(batch, 3)):
        view = backbone.view(given, rng.stream(0, "b"))
        table = policy.scores(view)
        logs = log_probs(view.score_pair(view.positive), view.score_rows(every), table, every)
        torch.testing.assert_close(logs.negative.exp().sum(1), torch.ones(len(batch)))
        torch.testing.assert_close(logs.negative, logs.pooled, atol=1e-5, rtol=1e-4)
        seen.append(logs.positive)
    torch.testing.assert_close(*seen)


@pytest.mark.parametrize(
    "method", ["random", "dns", "in_batch", "mixed", "popularity", "napo(sft_epochs=0)", "adar"]
)
def test_samplers_train_every_weight_of_it(method):
    fit = Fit(recipe(method).build(), fresh(tiny_lm, DROPS), WORLD, TrainConfig(epochs=1))
    before = {name: p.detach().clone() for name, p in fit.backbone.named_parameters()}
    assert math.isfinite(fit.run().rows[0]["loss"])
    still = [n for n, p in fit.backbone.named_parameters() if torch.equal(before[n], p)]
    assert not still


@pytest.mark.parametrize(
    "wrong", [{"heads": 3}, {"heads": 8}, {"dropout": 1.0}, {"length": 0}, {"hidden": 0}]
)
def test_what_cannot_be_built_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(PLAIN, **wrong)
