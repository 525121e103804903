"""TIL: held-out pairs, the lookahead gradient against differences and by hand, and toy data."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.toy_data import context_of, small_context

from negbench.backbones import mf, sasrec
from negbench.composition import recipe
from negbench.data.interactions import Csr
from negbench.errors import UserError
from negbench.methods.til import importance_network, lookahead
from negbench.ops import rng
from negbench.parts import holdout_pairs
from negbench.protocol.context import TrainContext
from negbench.protocol.step import Negatives
from negbench.protocol.view import Similarity
from negbench.testing.toy_data import TrainingHarness, default_context
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit

WORLD = small_context()
ITEM_HALF = torch.arange(60) // 30


def played(method="til(share=0.3)", context=None):
    harness = TrainingHarness(recipe(method).build(), context or default_context())
    return harness, harness.method.stages[-1]


def fit_of(method, epochs=1, context=WORLD, backbone=mf, **config):
    settings = backbone.Config(dim=8, **config)
    built = backbone.build(settings, context, rng.stream(0, "init"))
    return Fit(recipe(method).build(), built, context, TrainConfig(epochs=epochs))


def pairs(sets):
    return list(zip(sets.rows.tolist(), sets.indices.tolist(), strict=True))


def test_rows_of_held_out_pairs_weigh_nothing_and_their_items_are_no_negatives():
    harness, stage = played()
    outcome = harness.forward()
    batch, train = outcome.step.batch, harness.context.train
    meta_pairs = set(pairs(holdout_pairs.hold_out(train, 0.3, 0)[0]))
    held = torch.tensor([pair in meta_pairs for pair in pairs(train)])
    assert int(held.sum()) == 8 and torch.equal(outcome.rows == 0, held)
    outcome.rows.sum().backward()
    assert (outcome.step.view.leaves.query.grad.abs().sum(1) == 0).equal(held)
    users = batch.users.unsqueeze(1)
    met = harness.context.excluded.contains(users[:, 0], outcome.used.ids)
    assert not (met if outcome.used.mask is None else met & outcome.used.mask).any()
    assert stage.epoch_metrics()["importance_spread"] > 0


def test_weights_have_mean_one_over_what_counts():
    harness, _ = played("random(negatives=3)+til(share=0.3)")
    used = harness.forward().used
    counts = (used.row_weight > 0).unsqueeze(1).expand_as(used.logw)
    if used.mask is not None:
        counts = counts & used.mask
    assert float(used.logw.exp()[counts].mean()) == pytest.approx(1, rel=1e-5)
    assert float(used.logw[counts].std()) > 0.01
    centred = played("random(negatives=3)+til(share=0.3,centre=true)")[0].forward().used
    assert float(centred.logw.exp()[counts].mean()) == pytest.approx(1, rel=1e-5)
    assert not torch.equal(centred.logw, used.logw)
    with pytest.raises(UserError, match="`centre` needs `normalise`"):
        recipe("til(centre=true,normalise=false)")
    plain = played("til(share=0.3,normalise=false)")[0].forward().used
    assert (plain.logw < 0).all()


class Scene:
    """A step of the small tables in float64, its meta pairs and weights, for the look ahead."""

    def __init__(self, kind="dot", rate=0.3):
        harness, stage = played("random(negatives=3)+til(share=0.3)")
        step = harness.step()
        view = step.view
        tables = {name: getattr(view, name).detach().double() for name in ("query", "items")}
        self.users, self.items = view.users.double(), view.items.double()
        view = replace(view, **tables, similarity=Similarity(kind), leaves=None)
        self.step, self.rate, self.kind = replace(step, view=view), rate, kind
        self.ids = harness.method.sampler.sample(step).ids
        self.held_out = stage.held_out.contains(
            step.batch.users, step.batch.items.unsqueeze(1)
        ).squeeze(1)
        self.meta = stage.meta_pairs(step, self.held_out)
        self.counts = (~self.held_out).unsqueeze(1).expand_as(self.ids)
        self.weights = torch.rand(
            self.ids.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64
        )

    def ahead(self, weights):
        return lookahead.Lookahead(self.step, self.ids, self.meta).loss(
            weights, self.counts, self.rate
        )

    def score(self, users, items, u, i):
        a, b = users[u], items[i]
        return a @ b if self.kind == "dot" else a @ b / a.norm() / b.norm()

    def by_hand(self, weights, users=None, items=None):
        """SGD on the tables, triplet by triplet, then the meta loss."""
        users, items = (t.clone().requires_grad_() for t in (self.users, self.items))
        total, batch, soft = 0.0, self.step.batch, torch.nn.functional.softplus
        for b, j in self.counts.nonzero().tolist():
            u, i, k = int(batch.users[b]), int(batch.items[b]), int(self.ids[b, j])
            gap = self.score(users, items, u, k) - self.score(users, items, u, i)
            total = total + weights[b, j] * soft(gap) / 3
        by_user, by_item = torch.autograd.grad(total, (users, items))
        users, items = users - self.rate * by_user, items - self.rate * by_item
        rows = []
        for b in self.meta.mask.nonzero().squeeze(1).tolist():
            u, m, k = (int(x[b]) for x in (batch.users, self.meta.positive, self.meta.negative))
            rows.append(soft(self.score(users, items, u, k) - self.score(users, items, u, m)))
        return torch.stack(rows).mean().item()


@pytest.mark.parametrize("kind", ["dot", "cosine"])
def test_the_look_ahead_is_a_step_of_sgd_on_the_tables(kind):
    scene = Scene(kind)
    assert scene.ahead(scene.weights).item() == pytest.approx(scene.by_hand(scene.weights))


@pytest.mark.parametrize("kind", ["dot", "cosine"])
def test_the_gradient_for_the_weights_is_that_of_differences(kind):
    scene, h = Scene(kind), 1e-5
    weights = scene.weights.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(scene.ahead(weights), weights)
    for b, j in [(0, 0), (3, 1), (9, 2), (20, 0)]:
        more, less = scene.weights.clone(), scene.weights.clone()
        more[b, j] += h
        less[b, j] -= h
        slope = (scene.by_hand(more) - scene.by_hand(less)) / (2 * h)
        assert float(gradient[b, j]) == pytest.approx(slope, rel=1e-4, abs=1e-9)
    assert (gradient[scene.held_out] == 0).all()
    assert (gradient[~scene.held_out] != 0).float().mean() > 0.8


def test_the_gradient_is_the_closed_form():
    """-rate <dl_bj/dtheta, V>, V the meta loss' gradient after the step."""
    scene = Scene()
    weights = scene.weights.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(scene.ahead(weights), weights)
    here = lookahead.Lookahead(scene.step, scene.ids, scene.meta)
    shift = tuple(zero.requires_grad_() for zero in here.start)
    slopes = torch.autograd.grad(here.inner(shift, scene.weights, scene.counts), shift)
    moved = tuple((-scene.rate * slope).requires_grad_() for slope in slopes)
    by_user, by_item = torch.autograd.grad(here.outer(moved), moved)
    query, vectors, n = scene.step.view.query, here.items, 3
    v_user, v_item = by_user[here.row].unsqueeze(1), by_item[here.column]
    positive, negative = vectors[here.column[:, :1]], vectors[here.column[:, 1:-2]]
    gap = ((negative - positive) * query.unsqueeze(1)).sum(2)
    along = ((negative - positive) * v_user).sum(2)
    along = along + ((v_item[:, 1:-2] - v_item[:, :1]) * query.unsqueeze(1)).sum(2)
    expected = -scene.rate / n * gap.sigmoid() * along * scene.counts
    torch.testing.assert_close(gradient, expected)


def test_the_gradient_for_phi_is_that_of_differences():
    scene = Scene()
    network = importance_network.ImportanceNetwork(8, 5, rng.stream(0, "test")).double()
    view, h = scene.step.view, 1e-5
    positive = view.positive.detach().double()

    def outer():
        g = network(view.query, positive, view.items[scene.ids]).sigmoid()
        weights = g * scene.counts.sum() / (g * scene.counts).sum()
        return scene.ahead(weights)

    outer().backward()
    for parameter in network.parameters():
        flat, slope = parameter.data.view(-1), parameter.grad.view(-1)
        for at in {0, len(flat) // 2, len(flat) - 1}:
            kept = float(flat[at])
            flat[at] = kept + h
            more = outer().item()
            flat[at] = kept - h
            less = outer().item()
            flat[at] = kept
            assert float(slope[at]) == pytest.approx((more - less) / (2 * h), rel=1e-3, abs=1e-9)


def test_a_triplet_against_the_meta_pair_gets_a_lower_weight():
    """Item 2 lies as the meta item 1 does, item 3 against it; each is once the negative."""
    where = context_of(Csr.of([0, 0, 0], [0, 1, 4], n_rows=1, n_columns=6))
    items = torch.eye(6)
    items[2], items[3] = items[1], -items[1]
    harness, _ = played("random+til", replace(where, width=6))
    step = harness.step()
    query = torch.full((3, 6), 0.1)
    view = replace(step.view, query=query, items=items, positive=items[[0, 1, 4]], leaves=None)
    step, ids = replace(step, view=view), torch.tensor([[2], [5], [3]])
    meta = lookahead.MetaPairs(
        torch.tensor([1, 1, 1]), torch.tensor([5, 5, 5]), torch.tensor([False, True, False])
    )
    weights = torch.ones(3, 1, requires_grad=True)
    counts = torch.tensor([[True], [False], [True]])
    lookahead.Lookahead(step, ids, meta).loss(weights, counts, 0.1).backward()
    assert weights.grad[0, 0] > 0 > weights.grad[2, 0]


def test_a_user_of_the_meta_pairs_is_drawn_its_own_and_sequences_take_their_positions():
    harness, stage = played()
    step = harness.step()
    held = stage.held_out.contains(step.batch.users, step.batch.items.unsqueeze(1)).squeeze(1)
    meta = stage.meta_pairs(step, held)
    mine = stage.held_out.contains(step.batch.users, meta.positive.unsqueeze(1)).squeeze(1)
    assert mine[meta.mask].all() and meta.mask.sum() > held.sum()
    alone = replace(step, view=replace(step.view, users=None))
    meta = stage.meta_pairs(alone, held)
    assert torch.equal(meta.positive, step.batch.items)
    assert (meta.mask <= held).all()


def test_the_meta_loss_gives_the_backbone_no_gradient():
    harness, _ = played()
    outcome = harness.forward()
    outcome.losses["importance"].backward()
    leaves = outcome.step.view.leaves
    assert leaves.query.grad is None and leaves.positive.grad is None
    assert all(rows.grad is None for _, rows in leaves.rows)
    assert all(p.grad.abs().sum() > 0 for p in harness.minimised)


def test_the_control_holds_out_the_same_pairs_and_weighs_all_alike():
    harness, _ = played("til(share=0.3,trained=false)")
    outcome, learnt = harness.forward(), played()[0].forward()
    assert harness.minimised == [] and outcome.used.logw is None and not outcome.losses
    assert torch.equal(outcome.used.row_weight, learnt.used.row_weight)
    assert torch.equal(outcome.used.ids, learnt.used.ids)


def test_a_recipes_weights_are_kept_and_vectors_alone_are_refused():
    harness, stage = played()
    step = harness.step()
    drawn = harness.method.sampler.sample(step)
    rows = torch.full((len(step.batch),), 2.0)
    base = stage.apply(harness.step(), drawn)
    given = stage.apply(
        harness.step(), replace(drawn, logw=torch.ones_like(drawn.ids).float(), row_weight=rows)
    )
    torch.testing.assert_close(given.logw, base.logw + 1)
    assert torch.equal(given.row_weight, 2 * base.row_weight)
    with pytest.raises(UserError, match="til needs negatives that are items"):
        stage.apply(step, Negatives(vectors=torch.zeros(len(step.batch), 1, 8)))


def test_sequences_train_and_log():
    fit = fit_of("til", context=WORLD, backbone=sasrec, length=8, batch_size=8)
    before = [p.detach().clone() for p in fit.method.stages[0].minimised()]
    metrics = fit.epoch()
    assert metrics["meta_loss"] > 0 and metrics["importance_spread"] > 0
    after = fit.method.stages[0].minimised()
    assert all(not torch.equal(a, b) for a, b in zip(before, after, strict=True))


def noisy() -> TrainContext:
    """Users of two tastes who have also met items of the other by chance."""
    random = np.random.default_rng(0)
    users = np.repeat(np.arange(60), 10)
    half = np.where(random.random(len(users)) < 0.7, users % 2, 1 - users % 2)
    key = np.unique(users * 60 + half * 30 + random.integers(0, 30, len(users)))
    train = Csr.of(key // 60, key % 60, n_rows=60, n_columns=60)
    return replace(context_of(train), width=8)


def test_it_weighs_pairs_by_chance_less_than_pairs_of_a_users_taste():
    """The vectors know the tastes and stand still, and the weights learn from meta pairs of which
    three in ten are by chance too. Scores are timid: were they too sure of the tastes, pairs by
    chance would help, and weigh more."""
    harness, _ = played("til(share=0.2)", noisy())
    for table, taste in (
        (harness.tables.users, torch.arange(60) % 2),
        (harness.tables.items, ITEM_HALF),
    ):
        table.mul_(0.1)
        table[..., 0] += (taste - 0.5).unsqueeze(1)
    for number in range(1, 60):
        outcome = harness.train(number)
    batch, used = outcome.step.batch, outcome.used
    taste, kept = batch.users % 2, used.row_weight > 0
    clean, apart = ITEM_HALF[batch.items] == taste, ITEM_HALF[used.ids[:, 0]] != taste
    mean = {
        (a, b): float(used.logw.exp()[kept & (clean == a) & (apart == b)].mean())
        for a in (True, False)
        for b in (True, False)
    }
    assert max(mean, key=mean.get) == (True, True) and min(mean, key=mean.get) == (False, False)
    assert mean[True, True] > 1.8 * mean[False, False], "both wrong: the taste is pushed away"


@pytest.mark.parametrize("wrong", ["share=0", "share=1", "rate=0", "hidden=0"])
def test_what_cannot_be_learnt_is_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}.* must be"):
        recipe(f"til({wrong})")
