"""What every backbone that reads histories must keep to; each backbone's test file runs it."""

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

from negbench.data.interactions import Csr
from negbench.ops import rng
from negbench.protocol.step import Batch

WORLD = small_context()


def fresh(module, config, context=WORLD):
    return module.build(config, context, rng.stream(0, "init"))


def padded(batch, more):
    """The same histories with `more` columns of padding after them."""
    length = batch.inputs.shape[1]
    wider = torch.nn.functional.pad(batch.inputs, (0, more), value=WORLD.n_items)
    return Batch(batch.users, batch.items, wider, batch.cells + batch.cells // length * more)


def check_cut(module, config, kind, tolerance=1e-5):
    """Cut and plain autograd agree, dropout included: both draw it from the same stream."""
    cut, plain = (gradients(module, config, WORLD, kind, cut=cut) for cut in (True, False))
    assert cut["table"][WORLD.n_items].abs().sum() == 0
    assert_same(cut, plain, tolerance)


def check_padding(module, config):
    backbone = fresh(module, config)
    batch = batch_of(backbone, WORLD)
    assert (batch.inputs == WORLD.n_items).any(), "no padding to begin with: the test shows nothing"
    negatives, seen = negatives_of(batch, WORLD.n_items, "four"), []
    for given in (batch, padded(batch, 3)):
        backbone.zero_grad()
        view = backbone.view(given, rng.stream(0, "backbone"))
        loss_of(view, negatives).backward()
        backbone.backward(given, view, negatives)
        seen.append((view.query.detach(), [p.grad.clone() for p in backbone.parameters()]))
    torch.testing.assert_close(*seen)


def check_each_history_by_itself(module, config):
    """A row's query does not depend on the histories beside it."""
    backbone = fresh(module, config).eval()
    batch = batch_of(backbone, WORLD)
    together = backbone.view(batch, rng.stream(0, "b")).query
    for row in range(len(batch.inputs)):
        mine = batch.cells // batch.inputs.shape[1] == row
        inputs = batch.inputs[row][batch.inputs[row] != WORLD.n_items].unsqueeze(0)
        alone = Batch(batch.users[mine], batch.items[mine], inputs, torch.arange(inputs.shape[1]))
        query = backbone.view(alone, rng.stream(0, "b")).query
        torch.testing.assert_close(query, together[mine], atol=1e-5, rtol=1e-4)


def check_causality(module, config):
    """Another item at position 3 changes the queries from there on and none before."""
    backbone = fresh(module, config).eval()
    inputs = torch.tensor([[4, 8, 15, 16, 23, 7], [1, 2, 3, 5, 8, 13]])
    other = inputs.clone()
    other[0, 3] = 9
    rows = torch.zeros(12, dtype=torch.long)
    one, two = (
        backbone.view(Batch(rows, rows, given, torch.arange(12)), rng.stream(0, "b")).query
        for given in (inputs, other)
    )
    changed = (one - two).abs().sum(1) > 1e-6
    assert changed.tolist() == [False] * 3 + [True] * 3 + [False] * 6


def check_encode(module, config):
    """At rest a query is the view's last position of the same history; none: zeros."""
    train = Csr.of([0, 0, 0, 2] + [3] * 9, [5, 1, 2, 7, *range(9)], n_rows=4, n_columns=30)
    backbone = fresh(module, config).eval()
    users = torch.tensor([3, 1, 0, 2])
    encoded = backbone.encode(train)
    actual = encoded.query(users)
    for user, vector in zip(users.tolist(), actual, strict=True):
        history = torch.from_numpy(train.row(user)[-config.length :].astype("int64"))
        if not len(history):
            assert vector.abs().sum() == 0
            continue
        batch = Batch(history, history, history.unsqueeze(0), torch.arange(len(history)))
        view = backbone.view(batch, rng.stream(0, "b"))
        torch.testing.assert_close(vector, view.query[-1].detach(), atol=1e-5, rtol=1e-4)
        assert torch.equal(encoded.items, view.items)
    nobody = encoded.query(torch.tensor([1]))
    assert nobody.shape == (1, config.dim) and nobody.abs().sum() == 0


def check_dropout(module, config):
    """Training draws from the given generator alone; at rest nothing is dropped."""
    first, second = without_global_state(module, config, WORLD)
    assert all(torch.equal(first[name], second[name]) for name in first)
    backbone = fresh(module, config)
    batch = batch_of(backbone, WORLD)
    one, again, other = (backbone.view(batch, rng.stream(s, "b")).query for s in (0, 0, 1))
    assert torch.equal(one, again) and not torch.equal(one, other)
    backbone.eval()
    one, other = (backbone.view(batch, rng.stream(s, "b")).query for s in (0, 1))
    assert torch.equal(one, other)


def check_penalty(module, config, config_with, l2):
    actual = gradients(module, config_with, WORLD, "four", cut=True)
    backbone = fresh(module, config)
    batch = batch_of(backbone, WORLD)
    negatives = negatives_of(batch, WORLD.n_items, "four")
    latest = batch.inputs.view(-1)[batch.cells]
    view = backbone.view(batch, rng.stream(0, "backbone"), cut=False)
    rows = (backbone.table[ids] for ids in (latest, batch.items, negatives.ids))
    (loss_of(view, negatives) + penalty(l2, *rows)).backward()
    assert_same(actual, {name: p.grad for name, p in backbone.named_parameters()})


def check_smallest(module, config):
    """One user with two items of two: one row, a finite gradient."""
    context = context_of(Csr.of([0, 0], [0, 1], n_rows=1, n_columns=2))
    actual = gradients(module, config, context, "one", cut=True)
    assert all(gradient.isfinite().all() for gradient in actual.values())
