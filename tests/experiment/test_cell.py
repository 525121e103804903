"""A cell: resolved, hashed, trained, ranked and written; and the pairs that cannot be trained."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.small_runs import trained_cell

from negbench.data.readers.column_roles import Columns
from negbench.errors import UserError
from negbench.experiment.cell.run import prepare_fit
from negbench.experiment.cell.spec import REFERENCE, CellSpec, PlannedCell, unfit
from negbench.scenario.scenario import EXCLUSIONS, prepare
from negbench.storage import cell_store
from negbench.training.checkpoint import Checkpoint
from negbench.training.config import TrainConfig

METRICS = ("ndcg,recall@5,20",)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(40), 12)
    items = (rng.random(len(users)) ** 2 * 15).astype(int) + (users % 2) * 15
    path = tmp_path_factory.mktemp("data") / "small.csv"
    rows = [f"u{u},i{i},{t}" for t, (u, i) in enumerate(zip(users, items, strict=True))]
    path.write_text("user,item,time\n" + "\n".join(rows) + "\n")
    return str(path)


def spec_of(table, **changes):
    budget = TrainConfig(epochs=3, dim=8, batch_size=64)
    return replace(CellSpec(table, "mf", "random", metrics=METRICS, train=budget), **changes)


def read(folder):
    return json.loads((folder / "cell.json").read_text())


def test_a_cell_is_written_whole(table, tmp_path):
    scenario = prepare(table)
    spec = spec_of(table, method="dns(candidates=4)", seed=3)
    folder = trained_cell(spec, scenario, tmp_path)
    assert folder.name == cell_store.digest(spec.resolve(scenario))
    cell = cell_store.read_cell(folder)
    assert cell.done and cell.spec["variant"] == "candidates=4"
    assert cell.spec["method_config"] == {"dns": {"candidates": 4}}
    assert cell.spec["backbone_config"]["dim"] == 8
    arrays = cell.users()
    n_test = int((scenario.split.test.lengths > 0).sum())
    assert arrays["top"].shape == (n_test, 30)  # 100, or the whole catalogue
    assert set(arrays) >= {"users", "ndcg@20/all", "ndcg@20/head", "recall@5/tail"}
    values = {
        (m["split"], m["metric"], m["k"], m["band"]): m["value"] for m in cell.record["metrics"]
    }
    assert values["test", "ndcg", 20, "all"] == pytest.approx(
        arrays["ndcg@20/all"].mean(), rel=1e-6
    )
    assert values["valid", "ndcg", 20, "all"] == pytest.approx(cell.record["fit"]["best_valid"])
    assert [row["epoch"] for row in cell.epochs()] == [1, 2, 3]
    assert not list(tmp_path.glob("**/*.pt"))


def test_no_seen_item_is_recommended(table, tmp_path):
    scenario = prepare(table)
    arrays = cell_store.read_cell(trained_cell(spec_of(table), scenario, tmp_path)).users()
    for user, top in zip(arrays["users"], arrays["top"], strict=True):
        assert not set(top.tolist()) & set(scenario.seen.row(user).tolist())


def test_the_same_seed_writes_the_same_numbers(table, tmp_path):
    scenario = prepare(table)
    one = cell_store.read_cell(trained_cell(spec_of(table), scenario, tmp_path / "a"))
    two = cell_store.read_cell(trained_cell(spec_of(table), scenario, tmp_path / "b"))
    assert one.record["metrics"] == two.record["metrics"]
    assert all(np.array_equal(v, two.users()[k], equal_nan=True) for k, v in one.users().items())


def test_what_changes_the_result_changes_the_hash(table):
    scenario = prepare(table)
    base = spec_of(table)
    changes = [
        {"seed": 1},
        {"method": "random(negatives=2)"},
        {"backbone": "mf(l2=0.5)"},
        {"objective": "bce"},
        {"train": replace(base.train, epochs=4)},
        {"metrics": ("ndcg@10",)},
    ]
    hashes = [cell_store.digest(replace(base, **c).resolve(scenario)) for c in [{}, *changes]]
    other = prepare(table, exclude="none")
    hashes.append(cell_store.digest(base.resolve(other)))
    assert len(set(hashes)) == len(hashes)
    assert cell_store.digest(replace(base, backbone="mf()").resolve(scenario)) == hashes[0]


def test_a_plan_checks_methods_without_building_their_parts(table, monkeypatch):
    built = []
    monkeypatch.setattr("negbench.methods.random.build", built.append)
    planned = PlannedCell.of(spec_of(table), prepare(table))
    planned.spec.check()
    assert unfit(planned.spec, prepare(table)) is None and built == []
    with pytest.raises(AttributeError):  # that build gives no method
        prepare_fit(planned.spec, prepare(table), torch.device("cpu"))
    assert len(built) == 1


def test_cells_share_a_scenario_if_all_their_data_settings_are_equal(table):
    base = spec_of(table)
    same = replace(base, seed=7, method="dns", backbone="lightgcn")
    assert base.scenario_key == same.scenario_key
    assert base.scenario_key.prepare() is same.scenario_key.prepare()
    changes = {"columns": Columns(user="user"), "k_core": 2, "split": "loo", "exclude": "none"}
    changes |= {"bands": "items:0.2,0.8", "plant": 0.1, "noise": 0.2, "dataset": "other.csv"}
    keys = {replace(base, **{name: value}).scenario_key for name, value in changes.items()}
    assert len(keys | {base.scenario_key}) == 9


@pytest.mark.parametrize("objective", ["bpr", "bce", "gbce(t=0.5)", "softmax", "hinge"])
def test_a_forced_objective_trains(table, tmp_path, objective):
    cell = cell_store.read_cell(
        trained_cell(spec_of(table, objective=objective), prepare(table), tmp_path)
    )
    assert cell.spec["objective"] == objective and f"objective={objective}" in cell.spec["variant"]


@pytest.mark.parametrize("name", ["most_popular", "item_knn", "ease"])
def test_references_stand_beside(table, tmp_path, name):
    folder = trained_cell(spec_of(table, backbone=REFERENCE, method=name), prepare(table), tmp_path)
    record = read(folder)
    assert (record["spec"]["backbone"], record["spec"]["method"]) == ("reference", name)
    assert record["card"]["title"]


def test_a_resumed_cell_equals_an_uninterrupted_one(table, tmp_path):
    scenario, spec = prepare(table), spec_of(table, method="dns")
    quiet = cell_store.read_cell(trained_cell(spec, scenario, tmp_path / "quiet"))

    class Killed(Exception):
        pass

    def kill(row):
        if row["epoch"] == 3:
            raise Killed

    with pytest.raises(Killed):
        trained_cell(spec, scenario, tmp_path / "cut", checkpoint_every=1, on_epoch=kill)
    (kept,) = (tmp_path / "cut" / "checkpoints").glob("*.pt")
    rows = []
    again = trained_cell(spec, scenario, tmp_path / "cut", checkpoint_every=1, on_epoch=rows.append)
    assert [row["epoch"] for row in rows] == [3]
    assert cell_store.read_cell(again).record["metrics"] == quiet.record["metrics"]
    assert not kept.exists()


def test_a_foreign_checkpoint_is_refused(table, tmp_path):
    scenario, spec = prepare(table), spec_of(table)
    path = tmp_path / "checkpoints" / f"{cell_store.digest(spec.resolve(scenario))}.pt"
    path.parent.mkdir()
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(UserError, match="a checkpoint must fit its cell"):
        Checkpoint(path, 1).load(prepare_fit(spec, scenario, torch.device("cpu")))


def test_a_user_with_every_item_is_legal(tmp_path):
    path = tmp_path / "full.csv"
    rows = [(0, i) for i in range(12)] + [(u, (u + s) % 12) for u in range(1, 9) for s in range(5)]
    path.write_text("user,item,time\n" + "".join(f"{u},{i},{t}\n" for t, (u, i) in enumerate(rows)))
    scenario = prepare(str(path), rule="leave_one_out", exclude="all")
    assert any("1 user has no item left" in note for note in scenario.notes)
    assert any(note.startswith("ORACLE") for note in scenario.notes)
    folder = trained_cell(spec_of(str(path), exclude="all"), scenario, tmp_path / "run")
    assert read(folder)["fit"]["n_unfilled"] == 10 * read(folder)["fit"]["epochs"]


def test_exclusion_says_what_is_never_drawn(table):
    lengths = {name: len(prepare(table, exclude=name).excluded) for name in EXCLUSIONS}
    split = prepare(table).split
    assert lengths == {
        "none": 0,
        "train": len(split.train),
        "train+valid": len(split.train) + len(split.valid),
        "all": len(split.train) + len(split.valid) + len(split.test),
    }
    with pytest.raises(UserError, match="--exclude must be one of"):
        prepare(table, exclude="trian")


def test_what_cannot_go_together_is_one_sentence(tmp_path):
    path = tmp_path / "unordered.csv"
    path.write_text(
        "user,item\n" + "".join(f"{u},{i}\n" for u in range(9) for i in range(u, u + 9))
    )
    scenario = prepare(str(path))
    reason = unfit(CellSpec(str(path), "sasrec", "random"), scenario)
    assert reason == "backbone sasrec needs order, which unordered does not provide"
    assert unfit(CellSpec(str(path), "mf", "random"), scenario) is None
    assert unfit(CellSpec(str(path), REFERENCE, "most_popular"), scenario) is None


def train_figures(cell):
    return {m["metric"]: m["value"] for m in cell.record["metrics"] if m["split"] == "train"}


def test_a_cell_says_how_often_its_negatives_were_false(table, tmp_path):
    spec = spec_of(table, probe="full")
    cell = cell_store.read_cell(trained_cell(spec, prepare(table), tmp_path))
    metrics, rows = train_figures(cell), cell.epochs()
    assert cell.record["probe"] == {
        "mode": "full",
        "exact": False,
        "hard": 0.1,
        "planted": 0.0,
        "log": 0,
    }
    until_best = [row for row in rows if row["epoch"] <= cell.record["fit"]["best_epoch"]]
    for part in ("fn", "fhn"):
        names = ("count", "total", "cc", "ct", "tt")
        count, total, *_ = sums = [sum(row[f"{part}_{n}"] for row in until_best) for n in names]
        assert metrics[f"{part}r"] == pytest.approx(count / total)
        assert [metrics[f"{part}_{n}"] for n in names] == sums
    assert metrics["fnr_lift"] == pytest.approx(metrics["fnr"] / metrics["fnr_expected"])
    assert {"fnr_drawn", "fhnr", "hard"} <= set(metrics) and 0 < metrics["fnr"] < 1
    fit = cell.record["fit"]
    # One negative a row; the pair and its negative are scored once each.
    assert fit["negatives"] == until_best[0]["fn_total"]
    assert fit["dots"] == 2 * fit["negatives"]


def test_without_probes_nothing_is_watched_and_the_rest_is_the_same(table, tmp_path):
    scenario = prepare(table)
    on, off = (
        cell_store.read_cell(trained_cell(spec_of(table, probe=mode), scenario, tmp_path / mode))
        for mode in ("sample", "off")
    )
    assert not train_figures(off) and "fnr" not in off.epochs()[0]
    assert np.array_equal(on.users()["top"], off.users()["top"])
    assert on.folder.name != off.folder.name


def test_planted_pairs_are_followed_and_never_ranked(table, tmp_path):
    scenario = prepare(table, plant=0.2)
    spec = spec_of(table, plant=0.2, probe="full", method="random(negatives=4)")
    cell = cell_store.read_cell(trained_cell(spec, scenario, tmp_path))
    metrics = train_figures(cell)
    assert metrics["planted_rate"] > 0 and 0 <= metrics["planted_auc"] <= 1
    assert cell.record["split"]["planted"] == len(scenario.planted) > 0
    assert any("PLANTED" in note for note in cell.record["notes"])
    arrays = cell.users()
    for user, top in zip(arrays["users"].tolist(), arrays["top"].tolist(), strict=True):
        assert not set(top) & set(scenario.planted.row(user).tolist())
    ranker = replace(spec, backbone=REFERENCE, method="most_popular", objective=None)
    assert ranker.resolve(scenario)["plant"] == 0.2 and "probe" not in ranker.resolve(scenario)
