"""GRU4Rec: what every reader of histories keeps to, and what is its own."""

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

from negbench.backbones import gru4rec
from negbench.ops import rng
from negbench.protocol.step import Batch

DROPS = gru4rec.Config(dim=8, hidden=12, length=6, dropout=0.3, init=0.5)
PLAIN = replace(DROPS, dropout=0.0)
COSINE = replace(DROPS, similarity="cosine", temperature=0.2)
LONG = replace(PLAIN, length=25)


@pytest.mark.parametrize("kind", ["one", "four", "many", "shared"])
@pytest.mark.parametrize("config", [PLAIN, DROPS, COSINE], ids=["dot", "dropout", "cosine"])
def test_cut_equals_autograd(config, kind):
    check_cut(gru4rec, config, kind)


def test_padding_changes_nothing():
    check_padding(gru4rec, LONG)


def test_histories_do_not_meet():
    check_each_history_by_itself(gru4rec, LONG)


def test_a_later_item_changes_no_earlier_query():
    check_causality(gru4rec, PLAIN)


def test_encode_is_the_last_position_of_the_view():
    check_encode(gru4rec, DROPS)


def test_dropout_comes_from_the_generator_alone():
    check_dropout(gru4rec, DROPS)


def test_penalty_equals_its_formula():
    check_penalty(gru4rec, DROPS, replace(DROPS, l2=0.3), 0.3)


def test_one_user_and_two_items():
    check_smallest(gru4rec, PLAIN)


def by_hand(backbone, ids):
    """The gates of Cho et al. (2014) as torch orders them: reset, update, new."""
    unit, state, states = backbone.unit, torch.zeros(PLAIN.hidden), []
    for vector in backbone.table[ids]:
        x = unit.weight_ih_l0 @ vector + unit.bias_ih_l0
        h = unit.weight_hh_l0 @ state + unit.bias_hh_l0
        (x_reset, x_update, x_new), (h_reset, h_update, h_new) = x.chunk(3), h.chunk(3)
        reset, update = (x_reset + h_reset).sigmoid(), (x_update + h_update).sigmoid()
        state = (1 - update) * (x_new + reset * h_new).tanh() + update * state
        states.append(state)
    return backbone.out(torch.stack(states))


@pytest.mark.parametrize("length", [1, 6])
def test_encoder_equals_the_formula(length):
    backbone = fresh(gru4rec, PLAIN)
    ids = torch.randint(WORLD.n_items, (length,), generator=rng.stream(0, "ids"))
    batch = Batch(ids, ids, ids.unsqueeze(0), torch.arange(length))
    queries = backbone.view(batch, rng.stream(0, "b"), cut=False).query
    torch.testing.assert_close(queries, by_hand(backbone, ids))


@pytest.mark.parametrize("wrong", [{"hidden": 0}, {"dropout": -0.1}, {"length": 0}])
def test_what_cannot_be_built_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(PLAIN, **wrong)
