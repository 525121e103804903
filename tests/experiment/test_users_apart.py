"""Cells on a split by users: metrics by hand, histories at ranking time, and what is refused."""

import json
from math import log2
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.small_runs import trained_cell

from negbench.data.interactions import Csr, Interactions
from negbench.experiment.cell.run import prepare_fit, reference
from negbench.experiment.cell.spec import REFERENCE, CellSpec, unfit
from negbench.plugins import registry
from negbench.scenario.popularity_bands import Bands
from negbench.scenario.scenario import Scenario
from negbench.scenario.splits import split
from negbench.training.config import TrainConfig

METRICS = ("recall,ndcg@1,2,10",)


def scenario_of(data: Interactions, rule: str = "auto") -> Scenario:
    parts = split(data, rule)
    return Scenario(data, parts, Bands.of(parts.train.counts, "mass"), "train")


def by_hand() -> Scenario:
    """Train users 0 and 1; user 2 is valid, 3 and 4 are test. In train items are met 2, 2, 1, 0, 0
    times; with the histories of the others items 4 and 0 would lead."""
    users = [0, 0, 0, 1, 1, 2, 2, 3, 3, 3, 4, 4]
    items = [0, 1, 2, 1, 0, 1, 0, 4, 0, 2, 4, 1]
    part = np.array([0, 0, 0, 0, 0, 3, 1, 3, 3, 2, 3, 2], np.int8)
    users, items = np.array(users), np.array(items)
    return scenario_of(Interactions("toy", users, items, 5, 5, order="rows", part=part))


def circle(n_users: int = 120, n_items: int = 12) -> Interactions:
    """Every user walks a circle of items from a place of their own, six steps far."""
    starts = np.random.default_rng(0).integers(n_items, size=n_users)
    users = np.repeat(np.arange(n_users), 6)
    items = (starts[users] + np.tile(np.arange(6), n_users)) % n_items
    return Interactions("circle", users, items, n_users, n_items, order="rows")


def metrics_of(folder: Path) -> dict[tuple[str, str, int], float]:
    rows = json.loads((folder / "cell.json").read_text())["metrics"]
    return {(m["split"], m["metric"], m["k"]): m["value"] for m in rows if m["band"] == "all"}


def test_most_popular_by_hand(tmp_path):
    """Of user 3 the items 4 and 0 are masked and 1 leads 2; of user 4 items 0 and 1 are tied."""
    scenario = by_hand()
    spec = CellSpec("toy", REFERENCE, "most_popular", metrics=METRICS)
    folder = trained_cell(spec, scenario, tmp_path)
    values, place = metrics_of(folder), ties_place(scenario)
    assert values["valid", "ndcg", 10] == 1.0  # item 1 is masked, so item 0 is first
    assert values["test", "recall", 1] == (0 + (place == 1)) / 2
    assert values["test", "recall", 2] == 1.0
    expected = (1 / log2(1 + 2) + 1 / log2(1 + place)) / 2
    assert values["test", "ndcg", 10] == pytest.approx(expected)
    with np.load(folder / "users.npz") as arrays:
        assert arrays["users"].tolist() == [3, 4] and arrays["activity"].tolist() == [2, 1]
        assert arrays["top"][0, :2].tolist() == [1, 2]
        assert not {0, 4} & set(arrays["top"][0].tolist()) and 4 not in arrays["top"][1]
        assert arrays["item_counts"].tolist() == [2, 2, 1, 0, 0]


def ties_place(scenario):
    """The place of item 1 against item 0 among equals: one order for all methods."""
    from negbench.ops.top_k import tie_places

    places = tie_places(scenario.split.n_items).tolist()
    return 1 if places[1] < places[0] else 2


@pytest.mark.parametrize("name", ["item_knn", "ease"])
def test_references_score_by_the_history(name):
    scenario = scenario_of(circle(), "users")
    parts = scenario.split
    test = np.flatnonzero(parts.test.lengths)
    scorer = reference(CellSpec("circle", REFERENCE, name), scenario)
    module = registry.load("references", name)
    fitted = module.build(module.Config(), parts.train)
    plain = fitted.scores(torch.arange(parts.n_users))
    assert not plain[test].any()  # what it would say of them without a history
    trained = np.flatnonzero(parts.train.lengths)
    scores = scorer.scores(torch.arange(parts.n_users))
    assert torch.equal(scores[trained], plain[trained])
    one = int(test[0])
    items = scenario.history("test").row(one).tolist()
    twin = Csr.of([0] * len(items), items, n_rows=1, n_columns=parts.n_items)
    assert torch.allclose(scores[one], fitted.fold_in(twin).scores(torch.arange(1))[0])
    assert scores[one].any()


def test_training_sees_train_users_alone():
    scenario = scenario_of(circle(), "users")
    spec = CellSpec("circle", "sasrec", "random", train=TrainConfig(epochs=1, dim=8))
    fit = prepare_fit(spec, scenario, torch.device("cpu"))
    held = set(scenario.split.fold_in.rows.tolist())
    batches = list(fit.batches.epoch(torch.Generator().manual_seed(0)))
    seen = {user for batch in batches for user in batch.users.tolist()}
    assert seen and not seen & held
    positions = sum(len(batch) for batch in batches)
    assert positions == int((scenario.split.train.lengths - 1).clip(0).sum())
    context = fit.context
    assert not context.train.lengths[list(held)].any()
    assert int(context.counts.sum()) == len(scenario.split.train)
    assert not context.excluded.sizes[list(held)].any()


@pytest.mark.parametrize("backbone", ["sasrec", "gru4rec"])
def test_a_model_reads_the_histories_of_users_it_never_met(tmp_path, backbone):
    """The next item on a circle follows from the history and from nothing else."""
    scenario = scenario_of(circle(), "users")
    budget = TrainConfig(epochs=60, patience=60, dim=16, lr=0.02, batch_size=16)
    spec = CellSpec("circle", backbone, "random(negatives=4)", metrics=METRICS, train=budget)
    values = metrics_of(trained_cell(spec, scenario, tmp_path))
    assert values["test", "recall", 1] >= 0.9 and values["valid", "recall", 1] >= 0.9


def test_no_false_negative_rate_without_held_out_pairs_of_train_users(tmp_path):
    scenario = scenario_of(circle(), "users")
    spec = CellSpec("circle", "sasrec", "random", train=TrainConfig(epochs=1, dim=8))
    values = metrics_of(trained_cell(spec, scenario, tmp_path))
    names = {metric for part, metric, _ in values if part == "train"}
    assert "hard" in names and not names & {"fnr", "fnr_drawn", "fnr_expected", "fhnr"}


@pytest.mark.parametrize("backbone", ["mf", "lightgcn"])
def test_user_vectors_that_are_trained_are_refused(backbone):
    scenario = scenario_of(circle(), "users")
    reason = unfit(CellSpec("circle", backbone, "random"), scenario)
    assert reason == (
        f"backbone {backbone} knows only the users it is trained on, and split "
        "users(0.8,0.1,0.1,seed=0) of circle ranks others by their history; use one that reads "
        "histories (dreamrec, gru4rec, hstu, sasrec, tiny_lm), or another --split"
    )
    assert unfit(CellSpec("circle", backbone, "random"), scenario_of(circle(), "loo")) is None


@pytest.mark.parametrize("name", ["dreamrec", "gru4rec", "hstu", "sasrec", "tiny_lm"])
def test_backbones_that_read_histories_fit(name):
    assert unfit(CellSpec("circle", name, "random"), scenario_of(circle(), "users")) is None


def test_references_fit_if_they_say_so(monkeypatch):
    scenario = scenario_of(circle(), "users")
    for name in ("most_popular", "item_knn", "ease"):
        assert unfit(CellSpec("circle", REFERENCE, name), scenario) is None
    monkeypatch.setattr("negbench.experiment.cell.spec._folds_in", lambda _, name: name != "ease")
    reason = unfit(CellSpec("circle", REFERENCE, "ease"), scenario)
    assert reason is not None and reason.startswith("reference ease knows only the users")
