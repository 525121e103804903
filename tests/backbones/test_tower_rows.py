"""Two towers over a table that is updated by rows: they train as where all vectors are computed."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.toy_data import small_context
from scipy import stats

from negbench.backbones import _tower_rows, two_tower
from negbench.composition import recipe
from negbench.data.features import Categorical, Features, Numeric
from negbench.ops import rng
from negbench.ops.hashed_uniform import hashed_uniform
from negbench.protocol.feature_table import FeatureTable
from negbench.protocol.step import Negatives
from negbench.protocol.text_table import TextTable
from negbench.training import row_adam
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit
from negbench.training.optimisers import updated_by_rows, zero_gradients
from negbench.training.row_adam import RowAdam

BARE = small_context()
TEXTS = TextTable.of(np.random.default_rng(0).normal(size=(BARE.n_items, 5)).astype(np.float32))
WORLD = replace(BARE, texts=lambda: TEXTS)
PLAIN = two_tower.Config(
    dim=8, embedding=6, hidden=10, l2=0.01, id_dropout=0.0, init=0.5, batch_size=32, lr=0.01
)


@pytest.fixture
def by_rows(monkeypatch):
    monkeypatch.setattr(row_adam, "LEAST_ROWS", 0)
    monkeypatch.setattr(RowAdam, "_reads_much", lambda *_: False)
    monkeypatch.setattr(_tower_rows, "AT_ONCE", 16)
    monkeypatch.setattr(two_tower, "AT_ONCE", 16)


def fit_of(method, optimiser="adam", config=PLAIN, context=WORLD, epochs=3):
    backbone = two_tower.build(config, context, rng.stream(0, "init"))
    train = TrainConfig(epochs=epochs, optimiser=optimiser)
    return Fit(recipe(method).build(), backbone, context, train)


METHODS = ["random", "popularity", "dns(candidates=4)", "mixed", "in_batch", "adv_infonce", "hcl"]
READ_ALL = ["directau", "all_items"]


@pytest.mark.parametrize("method", [*METHODS, *READ_ALL])
def test_methods_train_as_where_all_vectors_are_computed(method, by_rows):
    late, exact = fit_of(method), fit_of(method, "adam_exact")
    assert [late.epoch()["loss"] for _ in range(3)] == pytest.approx(
        [exact.epoch()["loss"] for _ in range(3)], rel=1e-3
    )
    assert updated_by_rows(late.optimisers) and not updated_by_rows(exact.optimisers)
    for name, parameter in late.backbone.named_parameters():
        apart = (parameter - exact.backbone.get_parameter(name)).detach().abs()
        assert float(apart.max()) < 0.2 * 0.01 and float(apart.mean()) < 5e-3 * 0.01, name
    items = [fit.backbone.encode(WORLD.train) for fit in (late, exact)]
    torch.testing.assert_close(items[0].items, items[1].items, rtol=0, atol=1e-2)
    users = torch.arange(5)
    torch.testing.assert_close(*(each.query(users) for each in items), rtol=0, atol=1e-2)


def test_a_step_computes_the_vectors_that_it_reads_and_no_others(by_rows, monkeypatch):
    fit, taken = fit_of("random"), []
    take = _tower_rows.TowerRows.take
    monkeypatch.setattr(
        _tower_rows.TowerRows, "take", lambda self, rows: (taken.append(rows), take(self, rows))[1]
    )
    batch = next(iter(fit.batches.epoch(rng.stream(0, "batches"))))
    outcome = fit.step(batch, 1, 1)
    first = BARE.n_users
    items = torch.cat([each for each in taken if bool((each >= first).all())]) - first
    read = torch.cat([batch.items, outcome.used.ids.reshape(-1)]).unique()
    assert torch.equal(items.unique(), read) and len(read) < BARE.n_items


def test_a_resumed_fit_goes_on_bit_for_bit(by_rows):
    config = replace(PLAIN, id_dropout=0.3)
    first, second = (fit_of("dns(candidates=4)", config=config) for _ in range(2))
    first.epoch()
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert first.epoch() == second.epoch()
    assert torch.equal(first.backbone.table, second.backbone.table)


def test_a_step_that_the_loss_does_not_reach_moves_nothing(by_rows):
    fit = fit_of("random")
    fit.epoch()
    before = copy.deepcopy(fit.backbone.state_dict())
    batch = next(iter(fit.batches.epoch(rng.stream(0, "batches"))))
    zero_gradients(fit.optimisers)
    view = fit.backbone.view(batch, rng.stream(0, "b"))
    fit.backbone.backward(batch, view, Negatives(batch.items.unsqueeze(1)))
    for optimiser in fit.optimisers:
        optimiser.step()
    fit.backbone.rows.read()
    assert all(torch.equal(before[name], now) for name, now in fit.backbone.state_dict().items())


def test_an_id_is_dropped_in_all_reads_of_a_step_or_in_none(by_rows):
    backbone = fit_of("random", config=replace(PLAIN, id_dropout=0.5)).backbone
    batch = next(iter(fit_of("random").batches.epoch(rng.stream(0, "batches"))))
    ids = torch.arange(BARE.n_items)
    views = [backbone.view(batch, rng.stream(seed, "b")) for seed in (0, 0, 1)]
    with torch.no_grad():
        once, again, other = (view.items[ids] for view in views)
    torch.testing.assert_close(once, views[0].rows(ids).detach())
    assert torch.equal(once, again) and not torch.equal(once, other)


def test_hashed_numbers_are_uniform_and_independent_over_ids_and_keys():
    ids = torch.arange(20_000)
    drawn = [hashed_uniform(ids, key).double().numpy() for key in (3, 4, 2**61)]
    assert all(stats.kstest(each, "uniform").pvalue > 1e-3 for each in drawn)
    for first, second in ((drawn[0], drawn[1]), (drawn[0][:-1], drawn[0][1:])):
        assert abs(np.corrcoef(first, second)[0, 1]) < 0.03
    assert torch.equal(hashed_uniform(ids[5:9], 3), hashed_uniform(ids, 3)[5:9])


def test_columns_of_some_ids_are_those_of_all(by_rows):
    cells = ([["a", "b"], [], ["b"], ["c", "a"]] * BARE.n_items)[: BARE.n_items]
    category = Categorical.of("kind", cells)
    number = Numeric("size", np.random.default_rng(0).normal(size=BARE.n_items))
    features = Features((category,), (number,))
    table = FeatureTable.of(features, np.ones(BARE.n_items, bool))
    context = replace(BARE, item_features=lambda: table)
    config = replace(PLAIN, features="items")
    late = fit_of("random", config=config, context=context)
    exact = fit_of("random", "adam_exact", config=config, context=context)
    assert [late.epoch()["loss"] for _ in range(2)] == pytest.approx(
        [exact.epoch()["loss"] for _ in range(2)], rel=1e-3
    )
    ids = torch.tensor([7, 0, 7, 3])
    columns = late.backbone.item_columns
    torch.testing.assert_close(columns(ids), columns()[ids])
