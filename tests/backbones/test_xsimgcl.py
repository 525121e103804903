"""XSimGCL: LightGCN as its limit, cut against autograd, the noise, the contrast and where it is."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from helpers.backbone_steps import (
    assert_same,
    batch_of,
    gradients,
    loss_of,
    negatives_of,
    without_global_state,
)
from helpers.toy_data import small_context

from negbench.backbones import lightgcn, xsimgcl
from negbench.composition import recipe
from negbench.ops import rng
from negbench.plugins.term_syntax import config_of
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit
from negbench.training.frozen_copy import FrozenCopy

WORLD = small_context()
PLAIN = xsimgcl.Config(dim=8, l2=0.0, weight=0.5)
VIEWS = {
    "layers": replace(PLAIN, contrast_layer=2),
    "passes": replace(PLAIN, views="passes"),
    "graphs": replace(PLAIN, views="graphs", drop=0.3, layer0=True),
}
"""XSimGCL, SimGCL and SGL."""


def fresh(config):
    return xsimgcl.build(config, WORLD, rng.stream(0, "init"))


def whole(view, negatives):
    """Every kind of leaf at once, and the backbone's own loss."""
    items = view.layer_rows(negatives.ids).pow(3).sum(-1)
    users = view.query_layers.pow(2).sum(-1) @ torch.arange(1.0, 1 + view.query_layers.shape[1])
    return loss_of(view, negatives) + items.mean() + users.mean() + sum(view.losses.values())


@pytest.mark.parametrize("kind", ["one", "many", "shared"])
@pytest.mark.parametrize("nodes", ["unique", "rows"])
@pytest.mark.parametrize("views", VIEWS)
def test_cut_equals_autograd(views, nodes, kind):
    config = replace(VIEWS[views], nodes=nodes)
    cut, plain = (
        gradients(xsimgcl, config, WORLD, kind, cut=cut, loss=whole) for cut in (True, False)
    )
    assert_same(cut, plain)


@pytest.mark.parametrize("views", VIEWS)
def test_the_contrast_alone_has_the_gradient_of_autograd(views):
    def contrast(view, negatives):
        del negatives
        return view.losses["contrast"]

    config = VIEWS[views]
    cut, plain = (
        gradients(xsimgcl, config, WORLD, "one", cut=cut, loss=contrast) for cut in (True, False)
    )
    assert_same(cut, plain)


def rows_of(config, module=lightgcn):
    """One step: the view's tensors, and the gradient of X_0."""
    backbone = module.build(config, WORLD, rng.stream(0, "init"))
    batch = batch_of(backbone, WORLD)
    negatives = negatives_of(batch, WORLD.n_items, "four")
    view = backbone.view(batch, rng.stream(0, "b"))
    (loss_of(view, negatives) + sum(view.losses.values())).backward()
    backbone.backward(batch, view, negatives)
    return view, backbone


@pytest.mark.parametrize("views", VIEWS)
def test_without_noise_and_weight_and_with_layer_0_it_is_lightgcn(views):
    own, theirs = (
        rows_of(config, module)
        for config, module in (
            (replace(VIEWS[views], eps=0.0, weight=0.0, layer0=True, l2=0.1), xsimgcl),
            (lightgcn.Config(dim=8, l2=0.1), lightgcn),
        )
    )
    for name in ("query", "positive", "items", "users", "query_layers"):
        assert torch.equal(getattr(own[0], name), getattr(theirs[0], name))
    assert torch.equal(own[1].table.grad, theirs[1].table.grad)
    assert not own[0].losses


def test_without_noise_and_weight_it_is_lightgcn_without_layer_0():
    view, backbone = rows_of(replace(PLAIN, eps=0.0, weight=0.0), xsimgcl)
    hops = lightgcn.build(lightgcn.Config(dim=8), WORLD, rng.stream(0, "init"))._propagate()
    mean = sum(hops[1:]) / PLAIN.layers
    torch.testing.assert_close(torch.cat([view.users, view.items]), mean)
    layers = torch.stack(hops[1:], 1)
    torch.testing.assert_close(view.item_layers[torch.arange(3)], layers[WORLD.n_users :][:3])
    encoded = backbone.encode(WORLD.train)
    assert torch.equal(encoded.items, view.items) and torch.equal(encoded.users, view.users)
    dense = backbone.graph.matrix().to_dense()
    a = sum(torch.linalg.matrix_power(dense, n) for n in range(1, 4)) / 3
    torch.testing.assert_close(backbone.tangent_kernel(torch.eye(len(a))), a @ a)


@pytest.mark.parametrize("law", ["uniform", "normal"])
def test_noise_has_the_length_and_the_law_that_it_says(law):
    backbone = fresh(replace(PLAIN, noise=law, eps=0.3))
    hop = torch.randn(4000, 8, generator=rng.stream(1, "x"))
    hop[7] = 0
    noise = backbone._noise(rng.stream(0, "noise"))(hop)
    assert not noise[7].any()
    toward = (noise * hop.sign())[torch.arange(4000) != 7]
    torch.testing.assert_close(toward.norm(dim=1), torch.full((3999,), 0.3))
    if law == "uniform":  # away from 0, and E n1 n2 / |n|^2 is far from 0
        assert bool((toward >= 0).all())
    else:
        assert abs(float(toward.mean())) < 0.004


def test_the_layers_are_those_of_the_formula():
    backbone = fresh(PLAIN)
    batch = batch_of(backbone, WORLD)
    view = backbone.view(batch, rng.stream(0, "b"))
    generator, x, layers = rng.stream(0, "b"), backbone.table.detach(), []
    dense = backbone.graph.matrix().to_dense()
    for _ in range(PLAIN.layers):
        x = dense @ x
        n = torch.rand(x.shape, generator=generator)
        x = x + PLAIN.eps * x.sign() * n / n.norm(dim=1, keepdim=True)
        layers.append(x)
    mean = sum(layers) / len(layers)
    torch.testing.assert_close(torch.cat([view.users, view.items]), mean)
    wanted = 0.0
    for nodes in (set(batch.users.tolist()), {WORLD.n_users + i for i in batch.items.tolist()}):
        chosen = sorted(nodes)
        a, b = (torch.nn.functional.normalize(t[chosen], dim=1) for t in (mean, layers[0]))
        for v in range(len(chosen)):
            scores = [float(a[v] @ b[w]) / PLAIN.tau for w in range(len(chosen))]
            log_sum = torch.tensor(scores).logsumexp(0)
            wanted += float(log_sum - scores[v]) / len(chosen)
    assert view.losses["contrast"].item() == pytest.approx(PLAIN.weight * wanted, rel=1e-4)


def test_a_graph_loses_its_share_of_edges_both_ways_and_is_normalised_anew():
    backbone = fresh(VIEWS["graphs"])
    kept = []
    for seed in range(40):
        graph = backbone.edges.without(0.3, rng.stream(seed, "drop"))
        dense = graph.matrix().to_dense()
        there = (dense > 0).float()
        scale = there.sum(1).clamp(min=1).rsqrt()
        torch.testing.assert_close(dense, scale[:, None] * there * scale)
        assert torch.equal(there, there.T)
        kept.append(float(there.sum()) / len(graph.targets))
    assert sum(kept) / 40 == pytest.approx(0.7, abs=0.02) and len(set(kept)) > 1
    same = backbone.edges.without(0.0, rng.stream(0, "drop")).weights
    torch.testing.assert_close(same, backbone.graph.weights)


@pytest.mark.parametrize("views", VIEWS)
def test_at_inference_there_is_no_noise_and_no_contrast(views):
    backbone = fresh(VIEWS[views])
    batch = batch_of(backbone, WORLD)
    clean = fresh(replace(VIEWS[views], eps=0.0, weight=0.0))
    expected = clean.encode(WORLD.train)
    encoded = backbone.encode(WORLD.train)  # in training mode too
    assert torch.equal(encoded.items, expected.items)
    view = FrozenCopy(backbone).view(batch)
    assert torch.equal(view.items, expected.items) and not view.losses
    noisy = backbone.view(batch, rng.stream(0, "b"))
    assert torch.equal(noisy.items, expected.items) == (views != "layers")
    assert set(noisy.losses) == {"contrast"}


def test_draws_come_from_the_generator_alone():
    first, second = without_global_state(xsimgcl, VIEWS["graphs"], WORLD)
    assert torch.equal(first["table"], second["table"])


def test_the_contrast_alone_leaves_the_backbone_at_rest():
    """As in the warm-up of a method whose parts learn alone."""
    backbone = fresh(PLAIN)
    view = backbone.view(batch_of(backbone, WORLD), rng.stream(0, "b"))
    view.losses["contrast"].backward()
    assert not view.leaves.reached()
    loss_of(view, negatives_of(batch_of(backbone, WORLD), WORLD.n_items, "one")).backward()
    assert view.leaves.reached()


@pytest.mark.parametrize("method", ["random", "mixgcf", "dens"])
def test_every_method_trains_with_the_contrast_in_its_loss(method):
    steps = []
    for weight in (0.0, 0.3):
        backbone = fresh(replace(PLAIN, weight=weight, lr=0.05, eps=0.1))
        fit = Fit(recipe(method).build(), backbone, WORLD, TrainConfig(epochs=1))
        batch = next(iter(fit.batches.epoch(rng.stream(0, "batches"))))
        steps.append(fit.step(batch, 1, 1))
    without, with_it = steps
    contrast = with_it.losses["contrast"].detach()
    assert float(contrast) > 0
    torch.testing.assert_close(with_it.loss.detach(), without.loss.detach() + contrast)
    assert torch.equal(with_it.rows, without.rows)


def test_state_comes_back():
    backbone = fresh(PLAIN)
    other = xsimgcl.build(PLAIN, WORLD, rng.stream(1, "init"))
    other.load_state_dict(backbone.state_dict())
    batch = batch_of(backbone, WORLD)
    views = [each.view(batch, rng.stream(3, "b")) for each in (backbone, other)]
    assert torch.equal(views[0].items, views[1].items)
    assert torch.equal(views[0].losses["contrast"], views[1].losses["contrast"])


def test_a_run_goes_on_bit_for_bit_from_its_checkpoint():
    def fit():
        return Fit(recipe("random").build(), fresh(PLAIN), WORLD, TrainConfig(epochs=3))

    first, second = fit(), fit()
    first.epoch()
    second.load_state_dict(deepcopy(first.state_dict()))
    first.epoch()
    second.epoch()
    assert torch.equal(first.backbone.table, second.backbone.table)


@pytest.mark.parametrize(
    ("preset", "settings"),
    [
        ("released", {"weight": 0.2, "eps": 0.2, "contrast_layer": 1, "tau": 0.15, "lr": 0.001}),
        ("ir_benchmark", {"tau": 0.1, "eps": 0.1, "noise": "normal", "nodes": "rows", "layers": 3}),
        ("simgcl", {"views": "passes", "weight": 0.5, "eps": 0.1, "tau": 0.2, "layer0": False}),
        ("sgl", {"views": "graphs", "weight": 0.1, "drop": 0.1, "tau": 0.2, "layer0": True}),
    ],
)
def test_presets(preset, settings):
    config = config_of(xsimgcl, {"preset": preset}, "xsimgcl")
    assert {name: getattr(config, name) for name in settings} == settings


@pytest.mark.parametrize(
    "wrong", [{"layers": 0}, {"eps": -1.0}, {"tau": 0.0}, {"contrast_layer": 4}, {"drop": 1.0}]
)
def test_what_cannot_be_built_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(PLAIN, **wrong)
