"""Ids that are not there: refused at once, or a step later where a GPU is not waited for."""

import copy

import pytest
import torch
from helpers.own_loop import ITEMS, USERS, Stranger

import negbench
from negbench.loss_module import attach
from negbench.training import id_check
from negbench.training.id_check import IdCheck

U, POSITIVES = torch.from_numpy(USERS[:12]), torch.from_numpy(ITEMS[:12])
BAD = POSITIVES.clone()
BAD[3] = -100


@pytest.fixture
def no_waiting(monkeypatch):
    """As on a GPU."""
    monkeypatch.setattr(id_check, "host_sync_allowed", lambda ids: False)


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8])
def test_ids_come_as_int64(dtype):
    ids = IdCheck()(torch.tensor([0, 3, 1], dtype=dtype), 4, "users")
    assert ids.dtype == torch.int64 and ids.tolist() == [0, 3, 1]
    assert IdCheck()(torch.zeros(0, dtype=dtype), 4, "users").tolist() == []


@pytest.mark.parametrize(("wrong", "got"), [([-1, 2], -1), ([4, 2], 4), ([-7, 9], -7)])
def test_an_id_below_or_above_is_named(wrong, got):
    with pytest.raises(ValueError, match=rf"`users` must lie in 0..3; got {got}; leave rows out"):
        IdCheck()(torch.tensor(wrong), 4, "users")


def call(loss, positives):
    model = Stranger()
    return loss(model.user(U), model.item.weight, U, positives)


def test_where_nobody_waits_the_next_step_refuses(no_waiting):
    loss = attach("random", USERS, ITEMS, n_items=40)
    assert torch.isfinite(call(loss, BAD)), "ids are clamped: the GPU goes on"
    with pytest.raises(ValueError, match="`positives` must lie in 0..39; got -100 in the step bef"):
        call(loss, POSITIVES)
    call(loss, POSITIVES)  # said once


@pytest.mark.parametrize("ask", [lambda x: x.state_dict(), copy.deepcopy])
def test_the_last_step_is_not_forgotten(no_waiting, ask):
    loss = attach("random", USERS, ITEMS, n_items=40)
    call(loss, BAD)
    with pytest.raises(ValueError, match="got -100 in the step before"):
        ask(loss)
    draw = negbench.sampler("random", USERS, ITEMS, n_items=40)
    draw(BAD)
    with pytest.raises(ValueError, match="`users` must lie in 0..29; got -100 in the step before"):
        draw.state_dict()


def test_right_ids_give_the_same_loss_without_waiting(monkeypatch):
    waited = [call(attach("dns", USERS, ITEMS, n_items=40), POSITIVES)]
    monkeypatch.setattr(id_check, "host_sync_allowed", lambda ids: False)
    loss = attach("dns", USERS, ITEMS, n_items=40)
    assert torch.equal(call(loss, POSITIVES), waited[0])
    call(loss, POSITIVES)
    assert len(loss.ids.open) == 2, "users and positives of the last step alone"
    loss.ids.settle()
    assert not loss.ids.open
