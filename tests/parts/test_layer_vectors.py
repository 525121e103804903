"""Vectors by layer: what a backbone with layers gives, and one layer where there is no other."""

from dataclasses import replace

import pytest
import torch

from negbench.backbones import lightgcn
from negbench.composition import recipe
from negbench.parts import layer_vectors
from negbench.parts.layer_vectors import LayerStack, any_layer
from negbench.protocol.step import Negatives
from negbench.testing.toy_data import LAYERS, TrainingHarness, default_context
from negbench.training.forward import forward


def step_of(**changes):
    step = TrainingHarness(recipe("random").build()).step()
    return replace(step, view=replace(step.view, **changes))


def test_layers_are_the_backbones_and_each_choice_is_read_at_its_own():
    step = step_of()
    layers, ids = LayerStack(step), torch.arange(6).view(1, 2, 3).expand(28, -1, -1)
    assert layers.many and layers.queries is step.view.query_layers
    assert torch.equal(layers.positives(), step.view.item_layers[step.batch.items])
    chosen = layers.chosen(ids)
    for n in range(2):
        for layer in range(LAYERS):
            expected = step.view.item_layers[3 * n + layer, layer]
            assert torch.equal(chosen[5, n, layer], expected)
    chosen.sum().backward()
    ((of, leaf),) = [(i, v) for i, v in step.view.leaves.layers if i.dim() == 3]
    per_layer = torch.eye(LAYERS).unsqueeze(-1).expand_as(leaf)
    assert torch.equal(of, ids) and torch.equal(leaf.grad, per_layer)


@pytest.mark.parametrize("changes", [{"item_layers": None}, {"through": lambda x: 2 * x}])
def test_without_layers_there_is_one_of_what_is_scored(changes):
    step = step_of(**changes)
    layers, factor = LayerStack(step), 2 if "through" in changes else 1
    ids = torch.randint(12, (28, 2), generator=step.generator)
    assert not layers.many and torch.equal(layers.queries[:, 0], step.view.query)
    assert torch.equal(layers.positives()[:, 0], step.view.positive)
    expected = factor * step.view.items[ids]
    assert torch.equal(layers.chosen(ids.unsqueeze(-1))[:, :, 0], expected)
    assert step.view.leaves.penalised == 0
    ((_, vectors),) = layers.candidates(Negatives(ids))
    assert torch.equal(vectors[:, :, 0], expected) and len(step.view.leaves.rows) == 1


@pytest.mark.parametrize("changes", [{}, {"item_layers": None}])
def test_blocks_hold_every_candidate_once(monkeypatch, changes):
    step = step_of(**changes)
    ids = torch.randint(12, (28, 4), generator=step.generator)
    whole = torch.cat([vectors for _, vectors in LayerStack(step).candidates(Negatives(ids))])
    monkeypatch.setattr(layer_vectors, "BLOCK", 5 * whole[0].numel())
    blocks = list(LayerStack(step).candidates(Negatives(ids)))
    assert len(blocks) == 6 and torch.equal(torch.cat([v for _, v in blocks]), whole)
    assert torch.equal(torch.cat([torch.arange(28)[rows] for rows, _ in blocks]), torch.arange(28))


@pytest.mark.parametrize("changes", [{}, {"item_layers": None}])
def test_a_shared_pool_is_read_once_for_all_rows(monkeypatch, changes):
    step = step_of(**changes)
    pool = Negatives(torch.arange(12).flip(0), shared=True)
    (whole,) = LayerStack(step).candidates(pool.per_row(28))
    monkeypatch.setattr(layer_vectors, "BLOCK", 9 * whole[1][0].numel())
    blocks = list(LayerStack(step).candidates(pool))
    assert [len(torch.arange(28)[rows]) for rows, _ in blocks] == [9, 9, 9, 1]
    for _, vectors in blocks:
        assert vectors.shape[0] == 1 and torch.equal(vectors[0], whole[1][5])


@pytest.mark.parametrize("method", ["mixgcf", "mixgcf(negatives=3,query=layer)", "dens"])
@pytest.mark.parametrize("changes", [{}, {"item_layers": None}])
def test_a_shared_pool_gives_what_it_gives_as_each_rows_candidates(method, changes):
    (stage,) = recipe(method).build().stages
    if method == "dens":
        stage.begin(default_context())
    mask = torch.rand(28, 12, generator=torch.Generator().manual_seed(1)) < 0.5
    mask[0] = False
    pool = Negatives(torch.arange(12).flip(0), shared=True, mask=mask)
    one, each = (stage.apply(step_of(**changes), n) for n in (pool, pool.per_row(28)))
    assert torch.equal(one.ids, each.ids) and torch.equal(one.mask, each.mask)
    assert not one.mask[0].any() and one.mask[mask.sum(1) == 12].all()
    torch.testing.assert_close(one.vectors, each.vectors)


def test_every_layer_is_recorded_as_often():
    best = torch.arange(3).expand(30000, 1, 3)
    drawn = any_layer(best, torch.Generator().manual_seed(0))
    counts = drawn.flatten().bincount(minlength=3)
    assert ((counts - 10000) ** 2 / 10000).sum() < 13.8  # chi-square, 2 degrees, p = .001


@pytest.mark.parametrize("method", ["mixgcf(candidates=4)", "dens(candidates=4)"])
def test_a_backbones_own_backward_is_autograds(method):
    """LightGCN scatters the gradients of choices [B, N, L] as plain autograd does."""
    context = replace(default_context(), width=8)
    gradients = []
    for cut in (True, False):
        config = lightgcn.Config(dim=8, layers=2, l2=0.01, init=1.0)
        model = lightgcn.build(config, context, torch.Generator().manual_seed(0))
        harness = TrainingHarness(recipe(method).build(), context)
        plain = harness.step()
        view = model.view(plain.batch, torch.Generator(), cut=cut)
        outcome = forward(harness.method, replace(plain, view=view))
        outcome.loss.backward()
        model.backward(plain.batch, view, outcome.used)
        gradients.append(model.table.grad)
    torch.testing.assert_close(*gradients)
