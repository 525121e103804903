"""One step of a backbone by the cut and by plain autograd: what all backbone tests compare."""

import torch

from negbench.ops import rng
from negbench.protocol.step import Negatives
from negbench.training.batches import Pairs, Sequences

N_SHARED = 5
PER_ROW = {"one": 1, "four": 4, "many": 9}
"""Negatives a row; `many` are scored without their rows, the others with (`view.FEW`)."""


def batch_of(backbone, context, seed=0):
    feed = (
        Pairs(context.train, 48)
        if backbone.feed == "pairs"
        else Sequences(context.train, 16, backbone.config.length)
    )
    return next(iter(feed.epoch(rng.stream(seed, "batches"))))


def negatives_of(batch, n_items, kind, seed=0):
    size = (N_SHARED,) if kind == "shared" else (len(batch), PER_ROW[kind])
    ids = torch.randint(n_items, size, generator=rng.stream(seed, "negatives"))
    return Negatives(ids, shared=kind == "shared")


def loss_of(view, negatives):
    """Softplus of the differences, as BPR, over per-row or shared negatives."""
    score = view.score_shared if negatives.shared else view.score_rows
    gap = score(negatives.ids, penalised=True) - view.score_pair(view.positive).unsqueeze(1)
    return torch.nn.functional.softplus(gap).mean()


def gradients(module, config, context, kind, *, cut, loss=loss_of, seed=0):
    """Gradients by parameter name after one step from fresh weights."""
    backbone = module.build(config, context, rng.stream(seed, "init"))
    batch = batch_of(backbone, context)
    negatives = negatives_of(batch, context.n_items, kind)
    view = backbone.view(batch, rng.stream(seed, "backbone"), cut=cut)
    loss(view, negatives).backward()
    backbone.backward(batch, view, negatives)
    return {name: parameter.grad for name, parameter in backbone.named_parameters()}


def assert_same(found, expected, tolerance=1e-5):
    """Every gradient equal, relative to the largest of its parameter."""
    assert found.keys() == expected.keys()
    for name, want in expected.items():
        largest = want.abs().max()
        assert largest > 0, name
        assert (found[name] - want).abs().max() <= tolerance * largest, name


def penalty(l2, *groups):
    """l2 / 2 times the mean squared norm of each group of rows [..., D]."""
    return sum(l2 / 2 * group.pow(2).sum(-1).mean() for group in groups)


def without_global_state(module, config, context):
    """The gradients of two runs between which torch's global generator was turned elsewhere."""
    runs = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        runs.append(gradients(module, config, context, "one", cut=True))
        assert torch.equal(before, torch.get_rng_state())
    return runs
