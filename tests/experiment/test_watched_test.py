"""The test metric of each epoch is logged and read by nothing: training, choice and cost stay."""

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from helpers.every_method_cell import BACKBONES, METHODS, asked, bits
from helpers.small_runs import DATA, go, trained_cell

from negbench.analysis.runs.frames import open_run
from negbench.cli import main
from negbench.evaluation.finite_scores import NotFinite
from negbench.experiment.cell import watched_test
from negbench.experiment.cell.run import prepare_fit
from negbench.experiment.cell.spec import REFERENCE, CellSpec
from negbench.experiment.finished.run import open_run as opened
from negbench.experiment.options.command_line import command_line
from negbench.experiment.options.options import build, flatten
from negbench.storage import cell_store
from negbench.training.config import TrainConfig
from negbench.training.timing import Clock

NAME = "test_ndcg@20"
TRAIN = TrainConfig(epochs=4, patience=2, dim=8, batch_size=256, lr=0.2)


def cell_of(out, method="dns", backbone="mf", watch=True, train=TRAIN, **settings):
    spec = CellSpec(
        DATA, backbone, method, log_negatives=50, watch_test=watch, train=train, **settings
    )
    return trained_cell(spec, spec.scenario_key.prepare(), out)


def without_test(kept):
    """The bits of a watched cell as an unwatched one has them."""
    spec = {name: value for name, value in kept["spec"].items() if name != "watch_test"}
    epochs = [{n: v for n, v in row.items() if n != NAME} for row in kept["epochs"]]
    return {**kept, "spec": spec, "epochs": epochs}


@pytest.mark.parametrize("name", METHODS)
def test_every_method_trains_the_same_bits_watched_or_not(tmp_path, name):
    train = TrainConfig(epochs=3, patience=2, dim=8, batch_size=256, lr=0.2)
    plain, watched = (
        bits(cell_of(tmp_path / str(watch), asked(name), BACKBONES[name], watch, train))
        for watch in (False, True)
    )
    assert all(0 <= row[NAME] <= 1 for row in watched["epochs"])
    assert len({row[NAME] for row in watched["epochs"]}) > 1
    watched = without_test(watched)
    assert [what for what in plain if plain[what] != watched[what]] == []


@pytest.mark.parametrize("backbone", ["lightgcn", "sasrec", "gru4rec"])
def test_other_backbones_do_too(tmp_path, backbone):
    plain, watched = (
        bits(cell_of(tmp_path / str(watch), "random", backbone, watch)) for watch in (False, True)
    )
    assert plain == without_test(watched)


@pytest.mark.parametrize("perverse", [lambda n: 100.0 - n, lambda n: float(n), lambda n: 0.0])
def test_a_perverse_test_curve_changes_no_best_epoch_and_no_end(tmp_path, monkeypatch, perverse):
    train = TrainConfig(epochs=40, patience=3, dim=8, batch_size=256, lr=0.2)
    plain = bits(cell_of(tmp_path / "plain", watch=False, train=train))
    values = iter(range(1000))
    monkeypatch.setattr(watched_test, "metric_at", lambda *a, **k: perverse(next(values)))
    watched = bits(cell_of(tmp_path / "watched", train=train))
    logged = [row[NAME] for row in watched["epochs"]]
    assert logged == [perverse(n) for n in range(len(logged))] and len(logged) > 3
    assert plain["fit"]["stopped"] == "patience"
    watched = without_test(watched)
    assert [what for what in plain if plain[what] != watched[what]] == []


def test_the_value_is_the_metric_of_the_test_part_at_that_epoch(tmp_path):
    cell = cell_store.read_cell(cell_of(tmp_path))
    kept = next(r for r in cell.epochs() if r["epoch"] == cell.record["fit"]["best_epoch"])
    values = cell.users()["ndcg@20/all"]
    assert kept[NAME] == pytest.approx(float(np.mean(values)), rel=1e-5)


def test_only_validated_epochs_have_one_and_the_metric_is_that_of_early_stopping(tmp_path):
    train = TrainConfig(epochs=5, eval_every=2, select="ndcg@5", dim=8, batch_size=256)
    rows = cell_store.read_cell(cell_of(tmp_path, train=train)).epochs()
    assert [row["epoch"] for row in rows if "test_ndcg@5" in row] == [2, 4, 5]
    assert all(("valid_ndcg@5" in row) == ("test_ndcg@5" in row) for row in rows)


def test_scores_that_cannot_be_ranked_on_test_leave_the_value_out(tmp_path, monkeypatch):
    def refuse(*args, **settings):
        raise NotFinite("no number")

    monkeypatch.setattr(watched_test, "metric_at", refuse)
    cell = cell_store.read_cell(cell_of(tmp_path))
    assert cell.done and all(NAME not in row for row in cell.epochs())


def test_its_seconds_are_in_no_total_and_in_no_time_limit(tmp_path, monkeypatch):
    class Times:
        """A clock that an evaluation on test moves by an hour."""

        now = 0.0

        def perf_counter(self):
            return self.now

        process_time = perf_counter

    times = Times()

    def slow(*args, **settings):
        times.now += 3600.0
        return 0.5

    monkeypatch.setattr("negbench.training.timing.time", times)
    monkeypatch.setattr(watched_test, "metric_at", slow)
    train = TrainConfig(epochs=3, dim=8, batch_size=256, time_limit=60.0)
    cell = cell_store.read_cell(cell_of(tmp_path, train=train))
    assert cell.record["fit"]["stopped"] == "epochs"
    for clock in ("wall", "cpu"):
        seconds = cell.record["seconds"][clock]
        assert seconds[watched_test.CLOCK] == 3 * 3600.0 and seconds["total"] == 0.0
        assert [row[clock] for row in cell.epochs()] == [0.0] * 3


def test_time_counted_apart_is_kept_by_a_checkpoint():
    clock = Clock()
    with clock.apart("other"):
        pass
    again = Clock()
    again.restore(clock.state())
    assert again.wall["other"] == clock.wall["other"] > 0


def test_a_resumed_cell_keeps_the_values_of_the_epochs_before(tmp_path):
    class Killed(Exception):
        """Stands for a kill between two epochs."""

    def kill(row):
        if row["epoch"] == 3:
            raise Killed

    whole = bits(cell_of(tmp_path / "whole"))
    spec = CellSpec(DATA, "mf", "dns", log_negatives=50, watch_test=True, train=TRAIN)
    scenario = spec.scenario_key.prepare()
    with pytest.raises(Killed):
        trained_cell(spec, scenario, tmp_path / "cut", on_epoch=kill, checkpoint_every=1)
    rows = []
    cut = trained_cell(spec, scenario, tmp_path / "cut", on_epoch=rows.append, checkpoint_every=1)
    assert rows[0]["epoch"] == 3 and bits(cut) == whole


def test_the_loop_that_is_prepared_holds_no_test_part():
    spec = CellSpec(DATA, "mf", "dns", watch_test=True, train=TRAIN)
    scenario = spec.scenario_key.prepare()
    fit = prepare_fit(spec, scenario, torch.device("cpu"))
    fit.run()
    assert all("valid_ndcg@20" in row and NAME not in row for row in fit.progress.rows)


def test_the_hash_of_an_unwatched_cell_and_of_a_reference_stays():
    plain, watched, reference, its = (
        CellSpec(DATA, backbone, method, watch_test=watch)
        for backbone, method in (("mf", "dns"), (REFERENCE, "most_popular"))
        for watch in (False, True)
    )
    scenario = plain.scenario_key.prepare()
    assert "watch_test" not in plain.resolve(scenario)
    assert watched.resolve(scenario) == {**plain.resolve(scenario), "watch_test": True}
    assert reference.resolve(scenario) == its.resolve(scenario)


def test_watched_and_unwatched_cells_of_one_folder_are_one_row_and_count_once(tmp_path):
    for watch in (False, True, False):
        go(tmp_path, methods="dns,random", seeds=2, watch_test=watch)
    assert len(list((tmp_path / "cells").iterdir())) == 8
    run = open_run(tmp_path)
    assert sorted(run.labels) == ["dns", "dns", "random", "random"]
    assert all(cell.spec.get("watch_test") for cell in run.cells)
    assert "watch_test" not in opened(tmp_path).table()


@pytest.mark.parametrize("value", [True, "true", "True"])
def test_it_is_an_option_of_files_and_python(value):
    options = build(flatten({"watch-test": value}))
    assert options.watch_test is True
    assert build(flatten(options.as_flat())) == options
    assert command_line(options) == "negbench run --watch-test"
    assert build(flatten({"watch_test": "false"})).watch_test is False


def test_it_is_a_flag_of_the_command(tmp_path):
    words = ["run", "-d", DATA, "-m", "random", "--seeds", "1", "--epochs", "1", "-q"]
    result = CliRunner().invoke(main, [*words, "--watch-test", "-o", str(tmp_path)])
    assert result.exit_code == 0, result.output
    (cell,) = (tmp_path / "cells").iterdir()
    assert NAME in (cell / "epochs.csv").read_text().splitlines()[0]
    assert json.loads((tmp_path / "run.json").read_text())["options"]["watch_test"] is True
