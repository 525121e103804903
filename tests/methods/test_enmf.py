"""ENMF: an epoch of rows is the squared loss of every pair, value and gradient."""

from dataclasses import replace

import pytest
import torch

import negbench
from negbench.backbones import mf
from negbench.composition import recipe
from negbench.errors import UserError
from negbench.ops import rng
from negbench.protocol.step import Batch
from negbench.testing.toy_data import TrainingHarness, batch_of, default_context
from negbench.training.forward import forward


def pairs_of(context):
    """Users and items of the train pairs."""
    batch = batch_of(context)
    return batch.users, batch.items


def everything(context, users, items, c):
    """sum over P of (s - 1)^2 + c sum over the rest of s^2, by every pair of users and items."""
    scores = users @ items.T
    seen = torch.zeros_like(scores, dtype=torch.bool)
    seen[pairs_of(context)] = True
    return (scores[seen] - 1).square().sum() + c * scores[~seen].square().sum()


def test_an_epoch_in_any_batches_is_the_whole_squared_loss():
    context = default_context()
    batch, total = batch_of(context), torch.zeros(())
    for rows in torch.randperm(len(batch)).split(5):
        part = Batch(batch.users[rows], batch.items[rows])
        outcome = TrainingHarness(recipe("enmf(weight=0.3)").build()).forward(batch=part)
        total += outcome.loss.detach() * len(rows)
    tables = TrainingHarness(recipe("enmf").build()).tables
    users, items = tables.users.mean(1), tables.items.mean(1)
    pairs = len(context.train)
    torch.testing.assert_close(total + pairs, everything(context, users, items, 0.3))


@pytest.mark.parametrize("c", [0.05, 1.0])
def test_its_gradient_reaches_every_item_as_that_of_the_whole_loss(c):
    """On MF, through the leaves: the epoch's gradient is that of all pairs."""
    context = default_context()
    backbone = mf.build(mf.Config(dim=6, l2=0.0, init=0.7), context, rng.stream(0, "init"))
    batch = batch_of(context)
    method = recipe(f"enmf(weight={c})").build()
    method.objective.begin(context)
    harness = TrainingHarness(method)
    view = backbone.view(batch, rng.stream(0, "b"))
    outcome = forward(method, replace(harness.step(batch=batch), view=view))
    outcome.loss.backward()
    backbone.backward(batch, view, outcome.used)
    table = backbone.table.detach().clone().requires_grad_()
    whole = everything(context, table[: context.n_users], table[context.n_users :], c)
    (whole / len(batch)).backward()
    torch.testing.assert_close(backbone.table.grad, table.grad)
    assert backbone.table.grad[-1].any()  # item 11 is in no pair


def test_rows_hold_the_observed_part_and_the_rest_is_apart():
    outcome = TrainingHarness(recipe("enmf(weight=0.25)").build()).forward()
    s = outcome.s_pos
    torch.testing.assert_close(outcome.rows, 0.75 * s**2 - 2 * s)
    assert set(outcome.losses) == {"whole_data"} and float(outcome.losses["whole_data"]) > 0
    torch.testing.assert_close(outcome.loss, outcome.rows.mean() + outcome.losses["whole_data"])
    assert outcome.used.n == 0


def test_a_weight_of_1_treats_every_pair_alike():
    """c = 1: -2 s on pairs and s^2 on all, so the minimum is the least squares fit to 0 and 1."""
    context = default_context()
    tables = TrainingHarness(recipe("enmf").build()).tables
    loss = TrainingHarness(recipe("enmf(weight=1)").build()).forward().loss
    users, items = tables.users.mean(1), tables.items.mean(1)
    target = torch.zeros(context.n_users, context.n_items)
    target[pairs_of(context)] = 1
    whole = (users @ items.T - target).square().sum()
    pairs = len(context.train)
    torch.testing.assert_close(loss * pairs + pairs, whole)


def test_cosine_scores_are_squared_as_they_are_scored():
    users, items = [0, 0, 1, 2], [0, 1, 2, 0]
    loss = negbench.attach("enmf(weight=0.4)", users, items, similarity="cosine", temperature=0.5)
    g = torch.Generator().manual_seed(2)
    vectors, table = torch.randn(3, 8, generator=g), torch.randn(3, 8, generator=g)
    table.requires_grad_()
    value = loss(vectors[users], table, torch.tensor(users), torch.tensor(items))
    value.backward()
    unit = [torch.nn.functional.normalize(v, dim=1) for v in (vectors, table.detach())]
    scores = unit[0] @ unit[1].T / 0.5
    seen = torch.zeros(3, 3, dtype=torch.bool)
    seen[users, items] = True
    whole = (scores[seen] - 1).square().sum() + 0.4 * scores[~seen].square().sum()
    torch.testing.assert_close(value.detach() * 4 + 4, whole)
    assert table.grad.abs().sum(1).gt(0).all()


def test_it_counts_its_products():
    context = default_context()
    outcome = TrainingHarness(recipe("enmf").build()).forward()
    rows, width = outcome.step.view.query.shape
    assert outcome.step.view.dots.total == rows + width * (context.n_items + rows)


@pytest.mark.parametrize("wrong", ["weight=0", "weight=-1"])
def test_what_is_no_weight_is_refused(wrong):
    with pytest.raises(UserError, match="`weight` must be above 0"):
        recipe(f"enmf({wrong})")
