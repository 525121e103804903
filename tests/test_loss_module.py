"""`negbench.attach`: a method as the loss of a training loop of one's own."""

import importlib.util

import numpy as np
import pytest
import torch

import negbench
from negbench.errors import UserError
from negbench.loss_module import NEEDS_A_BACKBONE, attach
from negbench.plugins import registry

USERS = np.repeat(np.arange(30), 4)
ITEMS = (USERS * 3 + np.tile(np.arange(4), 30) * 7) % 40


class Stranger(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.user = torch.nn.Embedding(30, 8)
        self.item = torch.nn.Embedding(40, 8)


@pytest.mark.parametrize("name", registry.names("methods"))
def test_every_method_lowers_its_loss_on_a_plain_model(name):
    if set(registry.card("methods", name).needs) & set(NEEDS_A_BACKBONE):
        with pytest.raises(UserError, match="needs"):
            attach(name, USERS, ITEMS)
        return
    model, loss = Stranger(), attach(name, USERS, ITEMS, n_items=40, dim=8)
    optimiser = torch.optim.Adam([*model.parameters(), *loss.parameters()], lr=0.05)
    users, items = torch.from_numpy(USERS), torch.from_numpy(ITEMS)
    values = []
    for _ in range(40):
        optimiser.zero_grad()
        value = loss(model.user(users), model.item.weight, users, items)
        value.backward()
        optimiser.step()
        values.append(value.item())
    assert np.isfinite(values).all()
    assert np.mean(values[-5:]) < np.mean(values[:5])


@pytest.mark.parametrize("name", ["adar(mode=reverse)", "dmns"])
def test_a_method_with_a_network_asks_for_the_width(name):
    with pytest.raises(UserError, match="add dim=D to negbench.attach"):
        attach(name, USERS, ITEMS, n_items=40)


def test_the_gradient_reaches_queries_positives_and_negatives():
    model, loss = Stranger(), attach("random", USERS, ITEMS, n_items=40)
    users, items = torch.tensor([0, 1]), torch.tensor([0, 3])
    loss(model.user(users), model.item.weight, users, items).backward()
    assert model.user.weight.grad[:2].abs().sum(1).gt(0).all()
    touched = model.item.weight.grad.abs().sum(1).nonzero().squeeze(1).tolist()
    drawn = loss.outcome.used.ids.view(-1).tolist()
    assert set(touched) == {0, 3, *drawn}


def test_train_pairs_are_never_drawn():
    loss = attach("random(negatives=50)", USERS, ITEMS, n_items=40)
    model, users = Stranger(), torch.arange(30)
    loss(model.user(users), model.item.weight, users, torch.from_numpy(ITEMS[::4]))
    pairs = set(zip(USERS.tolist(), ITEMS.tolist(), strict=True))
    ids = loss.outcome.used.ids
    assert not any((u, j) in pairs for u in range(30) for j in ids[u].tolist())


@pytest.mark.parametrize(
    ("query", "message"), [(torch.zeros(3, 8), r"`query`"), (torch.zeros(2, 5), r"`query`")]
)
def test_wrong_shapes_are_named(query, message):
    loss = attach("random", USERS, ITEMS, n_items=40)
    with pytest.raises(ValueError, match=message):
        loss(query, torch.zeros(40, 8), torch.tensor([0, 1]), torch.tensor([0, 3]))
    with pytest.raises(ValueError, match="`items`"):
        loss(torch.zeros(2, 8), torch.zeros(39, 8), torch.tensor([0, 1]), torch.tensor([0, 3]))


def test_wrong_ids_are_named():
    with pytest.raises(UserError, match="one length"):
        attach("random", [0, 1], [0])
    with pytest.raises(UserError, match="ids must lie"):
        attach("random", [0, -1], [0, 1])
    with pytest.raises(UserError, match="did you mean"):
        attach("randum", USERS, ITEMS)


def test_the_announced_epoch_is_the_epoch_of_its_steps():
    loss = attach("random", [0, 1], [0, 1], n_items=3)
    query, items = torch.ones(2, 4), torch.ones(3, 4)
    ids = torch.arange(2)
    for announced in (1, 2):
        loss.epoch(items)
        loss(query, items, ids, ids)
        assert loss.outcome.step.epoch == announced == loss.epoch_number


def test_a_method_of_two_stages_says_how_small_the_steps_of_the_second_are():
    loss = attach("napo(loss=softmax,sft_epochs=1,pace=0.2)", [0, 1], [0, 1], n_items=3)
    paces = []
    for _ in range(2):
        loss.epoch(torch.ones(3, 4))
        paces.append(loss.lr_factor())
    assert paces == [1.0, 0.2]


def test_a_public_name_is_no_module_that_an_import_would_put_in_its_place():
    """`import negbench.NAME` anywhere sets the attribute of the package to the module."""
    for name in negbench._HOMES:
        assert importlib.util.find_spec(f"negbench.{name}") is None, name
