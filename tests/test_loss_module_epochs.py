"""`negbench.attach`: epochs and phases that advance by themselves, or are announced."""

from dataclasses import replace

import pytest
import torch
from helpers.own_loop import ITEMS, USERS, Stranger

from negbench.errors import UserError
from negbench.loss_module import attach
from negbench.protocol import Phase


class Refreshed:
    """A stage that lists the epochs that it is refreshed in and its phase's first step."""

    def __init__(self):
        self.refreshed, self.stepped = [], []

    def own_phase(self):
        return Phase("late", 3)

    def refresh(self, epoch):
        assert not epoch.items.requires_grad
        self.refreshed.append(epoch.number)

    def apply(self, step, negatives):
        self.stepped.append(step.epoch)
        return negatives

    def observe(self, feedback):
        self.refreshed.append("observed")


def with_phase(**more):
    """A loss with such a stage, and a call of 60 rows: half of the pairs."""
    pairs = torch.from_numpy(USERS), torch.from_numpy(ITEMS)
    loss, model, stage = attach("random", *pairs, **more), Stranger(), Refreshed()
    loss.method = replace(loss.method, stages=(stage,))
    users, items = torch.from_numpy(USERS[:60]), torch.from_numpy(ITEMS[:60])
    return loss, stage, lambda: loss(model.user(users), model.item.weight, users, items)


def test_epochs_advance_by_themselves():
    loss, stage, step = with_phase()
    for _ in range(5):
        step()
    assert stage.stepped == [1, 1, 2, 2, 3] and loss.epoch_number == 3
    assert stage.refreshed == [1, *["observed"] * 2, 2, *["observed"] * 2, 3]
    loss.eval()
    for _ in range(3):
        step()
    assert loss.epoch_number == 3
    loss, stage, step = with_phase(epoch_rows=60)
    for _ in range(3):
        step()
    assert stage.stepped == [1, 2, 3]


def test_epochs_that_are_announced_once_and_never_again_are_refused():
    """Else the method would stay in its warm-up for good."""
    loss, stage, step = with_phase()
    loss.epoch(torch.zeros(40, 8))
    for _ in range(5):
        step()
    with pytest.raises(UserError, match=r"must reach epoch 3.* called 1 times, 300 rows ago"):
        step()
    loss, stage, step = with_phase()
    for _ in range(3):
        loss.epoch(torch.zeros(40, 8))
    for _ in range(9):
        step()
    assert set(stage.stepped) == {3}
