"""Held-out rows, refreshes, sampling, false negatives of low value, and the record."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.probe_scenarios import fit_on, held_pairs, small_scenario
from helpers.small_runs import trained_cell

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.experiment.cell.run import prepare_fit
from negbench.experiment.cell.spec import CellSpec, unfit
from negbench.experiment.cell.triplet_log import recorded_triplets
from negbench.scenario.scenario import prepare
from negbench.testing import conforms
from negbench.testing.toy_data import TrainingHarness
from negbench.training.checkpoint import Checkpoint
from negbench.training.config import TrainConfig

LIKED = "synthetic(users=400,items=200,interactions=12000,relevant=0.25,dim=4,noise=0)"
QUICK = "warmup=0,utility=64,measurements=2"
TINY = "synthetic(users=60,items=40,interactions=900,relevant=0.5)"


def part(fit):
    return fit.method.sampler


@pytest.mark.parametrize(
    "settings",
    [
        "use=resample",
        "use=weights",
        "corrected=true",
        "per=bucket",
        "per=bucket,use=weights",
        "game=one_step,utility=8",
        "game=retrain,utility=8",
    ],
)
def test_it_conforms_with_values_from_the_first_epoch(settings):
    conforms(f"shapley(warmup=0,measurements=2,{settings})")


def test_held_out_rows_have_no_gradient_and_no_part_in_the_pool():
    scenario = small_scenario()
    fit = fit_on(scenario, f"shapley({QUICK},share=0.3)")
    fit.backbone.config = replace(fit.backbone.config, l2=0.0)  # its penalty is not asked about
    fit.refresh(1)
    sampler, train = part(fit), scenario.split.train
    batch = next(iter(fit.batches.epoch(fit.streams["batches"])))
    outcome = fit.step(batch, 1, 1)
    held_out = sampler.held_out.contains(batch.users, batch.items.unsqueeze(1)).squeeze(1)
    assert 0 < int(held_out.sum()) < len(batch) and len(sampler.watch.held_out.users) == round(
        0.3 * len(train)
    )
    assert not outcome.rows[held_out].any() and bool((outcome.rows[~held_out] > 0).all())
    assert not outcome.step.view.leaves.positive.grad[held_out].any()
    users, positives, _ = sampler.pool.triplets
    assert not sampler.held_out.contains(users, positives.unsqueeze(1)).any()


def test_the_utility_is_of_train_alone():
    scenario = small_scenario()
    sampler = part(fit_on(scenario, "shapley"))
    keys = (
        sampler.watch.held_out.users.numpy() * scenario.split.n_items
        + sampler.watch.held_out.items.numpy()
    )
    assert np.isin(keys, scenario.split.train.keys).all()


def test_values_are_renewed_every_few_epochs_after_the_warm_up():
    fit = fit_on(small_scenario(), "shapley(warmup=2,every=3,utility=64,measurements=2)")
    seen = []
    for number in range(1, 8):
        fit.refresh(number)
        seen.append(part(fit).pool.epoch)
    assert seen == [0, 0, 3, 3, 3, 6, 6]


def test_resampling_draws_by_the_values():
    fit = fit_on(small_scenario(), f"shapley({QUICK},candidates=4,eps=0.1)")
    fit.refresh(1)
    sampler = part(fit)
    users, items = sampler.pool.users[:1].expand(20_000), sampler.pool.positives[:1].expand(20_000)
    harness = TrainingHarness(recipe("random").build(), fit.context)
    step = harness.step(
        batch=replace(
            next(iter(fit.batches.epoch(fit.streams["batches"]))), users=users, items=items
        )
    )
    drawn = sampler.sample(step)
    weight = sampler.weights[0]
    for place, item in enumerate(sampler.pool.negatives[0]):
        same = sampler.pool.negatives[0] == item
        share = float((drawn.ids == item).double().mean())
        assert share == pytest.approx(float(weight[same].sum() / weight.sum()), abs=0.02), place
    torch.testing.assert_close(drawn.row_weight, weight.mean().expand(20_000))


@pytest.mark.parametrize("free,least", [("true", 0.63), ("false", 0.75)])
def test_false_negatives_are_valued_low_early_on(free, least):
    scenario = prepare(LIKED)
    budget = TrainConfig(epochs=4, eval_every=4, batch_size=512)
    # Scores are still too small then, and harder negatives are false: raw values see both.
    method = f"shapley(warmup=3,share=0.3,scale_free={free})"
    spec = CellSpec(LIKED, "mf", method, probe="off", train=budget)
    fit = prepare_fit(spec, scenario, torch.device("cpu"))
    fit.run()
    record = recorded_triplets(fit, scenario)
    value, false = record["value"], record["false"]
    held = held_pairs(scenario)
    pairs = list(zip(record["user"].tolist(), record["negative"].tolist(), strict=True))
    assert false[:500].tolist() == [pair in held for pair in pairs[:500]]
    ranks = value.argsort().argsort()
    n, m = int(false.sum()), int((~false).sum())
    auc = 1 - (ranks[false].sum() - n * (n - 1) / 2) / (n * m)
    assert auc > least and 0.1 < false.mean() < 0.2


def test_a_record_keeps_triplets_and_survives_a_checkpoint(tmp_path):
    scenario = prepare(TINY)
    budget = TrainConfig(epochs=4, dim=8, batch_size=128)
    spec = CellSpec(TINY, "mf", f"shapley({QUICK},every=2)", train=budget)
    folder = trained_cell(spec, scenario, tmp_path / "whole")
    with np.load(folder / "triplets.npz", allow_pickle=False) as whole:
        record = {name: whole[name] for name in whole.files}
    kinds = {"user": "i4", "positive": "i4", "negative": "i4", "epoch": "i4", "false": "?"}
    kinds |= {"value": "f4", "error": "f4", "hardness": "f4"}
    assert {name: array.dtype for name, array in record.items()} == {
        name: np.dtype(kind) for name, kind in kinds.items()
    }
    assert len({len(array) for array in record.values()}) == 1 and bool((record["error"] > 0).any())
    fit = prepare_fit(spec, scenario, torch.device("cpu"))
    kept = Checkpoint(tmp_path / "some.pt", 1)
    fit.progress.rows.append(fit.epoch())
    fit.stopping.after_epoch(fit, fit.progress.rows[-1], 0.0)
    kept.save(fit)
    again = prepare_fit(spec, scenario, torch.device("cpu"))
    kept.load(again)
    again.run()
    for name, array in recorded_triplets(again, scenario).items():
        np.testing.assert_array_equal(array, record[name], err_msg=name)


def test_lightgcn_values_go_through_its_propagation():
    scenario = prepare(TINY)
    budget = TrainConfig(epochs=1, dim=8, batch_size=128)
    spec = CellSpec(TINY, "lightgcn(layers=2)", f"shapley({QUICK},order=1)", train=budget)
    one, other = (prepare_fit(spec, scenario, torch.device("cpu")) for _ in range(2))
    whole = other.backbone.encode
    other.backbone.encode = lambda history: replace(whole(history), tangent_kernel=None)
    values = []
    for fit in (one, other):
        fit.refresh(1)
        values.append(part(fit).pool.value)
    assert float(torch.corrcoef(torch.stack([v.flatten() for v in values]))[0, 1]) < 0.95


def test_a_method_that_keeps_nothing_writes_nothing(tmp_path):
    spec = CellSpec(TINY, "mf", "random", train=TrainConfig(epochs=1, dim=8))
    assert not (trained_cell(spec, prepare(TINY), tmp_path) / "triplets.npz").exists()


def test_sequence_backbones_are_refused_in_one_sentence():
    refusal = unfit(CellSpec(TINY, "sasrec", "shapley"), prepare(TINY))
    assert refusal is not None and "needs users" in refusal


@pytest.mark.parametrize(
    "settings,error",
    [
        ("measurements=1", "`measurements` must be at least 2; got 1"),
        ("share=1.0", "`share` must lie between 0 and 1.0; got 1.0"),
        ("order=3", "`order` must be 1 or 2; got 3"),
        ("permutations=5", "`permutations` must be even; got 5"),
        ("corrected=true,use=weights", "`corrected` undoes resampling"),
        ("memory=1.0", "`memory` must be from 0 to below 1; got 1.0"),
    ],
)
def test_settings_without_meaning_are_refused(settings, error):
    with pytest.raises(UserError, match=error):
        recipe(f"shapley({settings})")
