"""`negbench.attach`: a method as the loss of a training loop of one's own."""

import importlib.util
import warnings

import numpy as np
import pytest
import torch
from helpers.own_loop import ITEMS, USERS, WITHOUT_A_COPY, Stranger

import negbench
from negbench.errors import UserError
from negbench.loss_module import NEEDS_A_BACKBONE, attach
from negbench.plugins import registry


@pytest.mark.parametrize("name", registry.names("methods"))
def test_every_method_lowers_its_loss_on_a_plain_model(name):
    if set(registry.card("methods", name).needs) & set(NEEDS_A_BACKBONE):
        with pytest.raises(UserError, match="needs"):
            attach(name, USERS, ITEMS)
        return
    model, loss = Stranger(), attach(WITHOUT_A_COPY.get(name, name), USERS, ITEMS, dim=8)
    groups = [{"params": model.parameters()}, *loss.parameter_groups(0.05)]
    optimiser = torch.optim.Adam(groups, lr=0.05)
    users, items = torch.from_numpy(USERS), torch.from_numpy(ITEMS)
    values = []
    for _ in range(40):
        optimiser.zero_grad()
        value = loss(model.user(users), model.item.weight, users, items)
        value.backward()
        loss.set_lr(optimiser, 0.05)
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
    with pytest.raises(UserError, match="`users` must lie in 0..0"):
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


def stepped(method="random(negatives=3)", *, rows=slice(None), mask=None, **more):
    """The loss of one step on the first pairs, and the gradients of both tables."""
    model, loss = Stranger(), attach(method, USERS, ITEMS, dim=8, **more)
    users, items = torch.from_numpy(USERS[:12])[rows], torch.from_numpy(ITEMS[:12])[rows]
    value = loss(model.user(users), model.item.weight, users, items, mask)
    value.backward()
    return value.detach(), model.user.weight.grad, model.item.weight.grad


@pytest.mark.parametrize("wrong", [-1, -100, 40])
def test_ids_that_are_not_there_are_refused(wrong):
    loss, model = attach("random", USERS, ITEMS), Stranger()
    users, items = torch.tensor([0, 1, 2]), torch.tensor([0, wrong, 3])
    with pytest.raises(
        ValueError, match=rf"`positives` must lie in 0..39; got {wrong}; leave rows"
    ):
        loss(model.user(users), model.item.weight, users, items)
    with pytest.raises(ValueError, match=rf"`users` must lie in 0..29; got {wrong}"):
        loss(model.user(users), model.item.weight, items, users)
    assert loss.outcome is None and not loss.epochs_begun
    with pytest.raises(ValueError, match="must be integer ids; got torch.float32"):
        loss(model.user(users), model.item.weight, users, users.float())


def test_rows_that_do_not_count_are_as_if_left_out():
    """By the mask, by `ignore_index` and by both: the same draws, loss and gradients."""
    keep = torch.tensor([True, False, True, True] * 3)
    expected = stepped(rows=keep)
    model, loss = Stranger(), attach("random(negatives=3)", USERS, ITEMS, ignore_index=-100)
    users, items = torch.from_numpy(USERS[:12]), torch.from_numpy(ITEMS[:12])
    for given, mask in (
        (items.where(keep, -100), None),
        (items.where(keep | (users > 0), -100), keep | (users == 0)),
    ):
        loss.generator = attach("random", USERS, ITEMS).generator
        model.zero_grad()
        value = loss(model.user(users), model.item.weight, users, given, mask)
        value.backward()
        actual = value.detach(), model.user.weight.grad, model.item.weight.grad
        assert all(torch.equal(a, e) for a, e in zip(actual, expected, strict=True))
    masked = stepped(mask=keep)
    assert all(torch.equal(a, e) for a, e in zip(masked, expected, strict=True))
    assert not torch.equal(stepped()[0], expected[0])


def test_a_batch_without_rows_that_count_has_a_loss_of_zero():
    value, of_users, of_items = stepped(mask=torch.zeros(12, dtype=torch.bool))
    assert value == 0 and not of_users.any() and not of_items.any()


@pytest.mark.parametrize("mask", [torch.ones(12), torch.ones(11, dtype=torch.bool)])
def test_a_mask_of_another_kind_is_refused(mask):
    with pytest.raises(ValueError, match=r"`mask` must be bool, \[12\]"):
        stepped(mask=mask)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ignore_index": 3}, "no item's id"),
        ({"similarity": "cosin"}, "dot, cosine or own"),
        ({"epoch_rows": 0}, "`epoch_rows`"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        attach("random", USERS, ITEMS, **settings)
    with pytest.raises(UserError, match="whole numbers"):
        attach("random", USERS / 2, ITEMS)


def test_a_model_that_scores_by_a_network_of_its_own():
    """The loss and its gradients are those of the network's scores, by hand."""
    net = torch.nn.Sequential(torch.nn.Linear(16, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))

    def score(query, items):
        return net(torch.cat(torch.broadcast_tensors(query, items), -1)).squeeze(-1)

    model, loss = Stranger(), attach("dns(candidates=6)", USERS, ITEMS, similarity=score)
    users, items = torch.from_numpy(USERS), torch.from_numpy(ITEMS)
    value = loss(model.user(users), model.item.weight, users, items)
    value.backward()
    drawn, used = loss.outcome.drawn.ids, loss.outcome.used.ids[:, 0]
    with torch.no_grad():
        all_scores = torch.stack([score(model.user(users), v) for v in model.item.weight], 1)
    rows = torch.arange(len(users))
    assert torch.equal(used, drawn[rows, all_scores.gather(1, drawn).argmax(1)])
    gap = all_scores[rows, used] - all_scores[rows, items]
    torch.testing.assert_close(value, torch.nn.functional.softplus(gap).mean())
    assert net[0].weight.grad.any() and model.item.weight.grad.any()
    with pytest.raises(UserError, match="works with products of vectors"):
        attach("enmf", USERS, ITEMS, similarity=score)(
            model.user(users), model.item.weight, users, items
        )


def test_a_part_trains_at_its_own_rate_or_a_warning_says_so():
    model, users = Stranger(), torch.arange(30)
    query, items = model.user(users), torch.from_numpy(ITEMS[::4])
    loss = attach("talos(quantile_lr=0.25)", USERS, ITEMS)
    with pytest.warns(
        UserWarning, match=r"talos\(quantile_lr=0.25\).*0.25; give your optimiser"
    ) as caught:
        loss(query, model.item.weight, users, items)
    assert caught[0].filename == __file__, "the line of the user's"
    loss = attach("talos(quantile_lr=0.25)", USERS, ITEMS)
    (group,) = loss.parameter_groups(0.05)
    assert group["lr"] == 0.25 and group["params"] == list(loss.parameters())
    optimiser = torch.optim.SGD([{"params": model.parameters()}, group], lr=0.05)
    loss.set_lr(optimiser, 0.01)
    assert [g["lr"] for g in optimiser.param_groups] == [0.01, 0.25]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss(query, model.item.weight, users, items)
        attach("random", USERS, ITEMS)(query, model.item.weight, users, items)
    assert [
        g["lr"] for g in attach("adar(mode=reverse)", USERS, ITEMS, dim=8).parameter_groups(0.05)
    ] == [0.05]
    assert attach("random", USERS, ITEMS).parameter_groups(0.05) == []


def test_a_second_stage_whose_rate_nobody_lowers_is_warned_of():
    loss, model = attach("napo(loss=softmax,sft_epochs=1,pace=0.2)", USERS, ITEMS), Stranger()
    users = torch.from_numpy(USERS)
    given = model.user(users), model.item.weight, users, torch.from_numpy(ITEMS)
    loss(*given)
    with pytest.warns(UserWarning, match="0.2 times the learning rate from epoch 2 on"):
        loss(*given)


def test_a_public_name_is_no_module_that_an_import_would_put_in_its_place():
    """`import negbench.NAME` anywhere sets the attribute of the package to the module."""
    for name in negbench._HOMES:
        assert importlib.util.find_spec(f"negbench.{name}") is None, name
