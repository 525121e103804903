"""A search from its options to the table of its winners."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from helpers.searches import asked, tune
from helpers.small_runs import BREAKS, SMALL

from negbench.errors import UserError
from negbench.experiment.finished.run import open_run
from negbench.experiment.progress import Progress
from negbench.plugins import registry
from negbench.storage import cell_store
from negbench.storage.search_store import TRIALS, read_searches, search_mark
from negbench.tuning.cells_to_train import cells_in_all, cells_left
from negbench.tuning.console import grid_lines
from negbench.tuning.protocol import Protocol


def winners(out):
    return {each["row"]: each["winner"] and each["winner"]["word"] for each in read_searches(out)}


def choices(out):
    """What was chosen in each row, and by which values."""
    return [(each["row"], each["finalists"], each["winner"]) for each in read_searches(out)]


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    out = tmp_path_factory.mktemp("searched")
    return tune(out), out


def test_a_search_ends_in_a_table_of_winners(searched):
    result, out = searched
    assert (result.rows, result.failed, result.failed_trials) == (4, (), 0)
    run = open_run(out)
    assert set(run.records.labels) == {"most_popular", "ease", "random", "dns"}
    tested = {(row, cell.spec["seed"]) for cell, row in run.records.done if "random" in row}
    assert tested == {("random", 100), ("random", 101)}
    assert "dns" in run.table() and "no row was tuned" not in run.table()


def test_trial_0_is_the_published_default(searched):
    _, out = searched
    for each in read_searches(out):
        assert each["trials"][0]["word"] == each["row"]
    dns = next(each for each in read_searches(out) if each["row"] == "dns")
    assert dns["trials"][0]["settings"] == {"lr": 0.01, "l2": 0.01, "candidates": 8}


def test_the_trials_are_the_cells_of_their_words(searched):
    _, out = searched
    for each in read_searches(out):
        for trial in each["trials"]:
            cell = cell_store.read_cell(out / TRIALS / "cells" / trial["cell"])
            assert cell.spec["seed"] == 0
            if each["backbone"] == "mf":
                config = {**cell.spec["backbone_config"], **cell.spec["method_config"][each["row"]]}
                assert {n: config[n] for n in trial["settings"]} == trial["settings"]


def test_the_winner_is_a_finalist_and_has_the_best_mean(searched):
    _, out = searched
    for each in read_searches(out):
        valid = {at: trial["valid"] for at, trial in enumerate(each["trials"])}
        best = sorted(valid, key=lambda at: (-valid[at], at))[: len(each["finalists"])]
        assert [finalist["trial"] for finalist in each["finalists"]] == best
        if each["backbone"] == "mf":
            means = {f["trial"]: sum(f["valid"]) / 2 for f in each["finalists"]}
            assert each["winner"]["trial"] == max(means, key=means.get)
            assert each["winner"]["valid"] == pytest.approx(max(means.values()))


def test_final_cells_keep_the_mark_of_their_search(searched):
    """What `run --tuned` gives its cells, so that the two compare."""
    _, out = searched
    marks = {each["row"]: search_mark(each) for each in read_searches(out)}
    cells, _ = cell_store.read_cells(out)
    assert {cell.spec["tuned"]["row"] for cell in cells} == set(marks)
    assert all(cell.spec["tuned"] == marks[cell.spec["tuned"]["row"]] for cell in cells)


def test_a_broken_test_part_changes_no_winner(searched, tmp_path):
    """Test values are damaged or gone in every trial and finalist: the choices stay."""
    _, out = searched
    shutil.copytree(out, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "searches")
    for path in (tmp_path / "copy" / TRIALS / "cells").glob("*/cell.json"):
        record = json.loads(path.read_text())
        for line in record["metrics"]:
            if line["split"] == "test":
                line["value"] = 1 - line["value"] if record["spec"]["seed"] == 0 else -1.0
        path.write_text(json.dumps(record))
    before = cell_names(tmp_path / "copy")
    tune(tmp_path / "copy")
    assert choices(tmp_path / "copy") == choices(out)
    assert cell_names(tmp_path / "copy") == before
    tests = [t["test"] for each in read_searches(tmp_path / "copy") for t in each["trials"]]
    assert tests != [t["test"] for each in read_searches(out) for t in each["trials"]]


def cell_names(out):
    return sorted(path.parent.name for path in out.rglob("cells/*/cell.json"))


def test_a_finished_search_trains_nothing_again(searched):
    _, out = searched
    stamps = {path: path.stat().st_mtime_ns for path in out.rglob("cell.json")}
    tune(out)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("cell.json")} == stamps


def left(out, **changes):
    """How many cells of each row are left in a folder."""
    search = asked(out, **changes)
    return {row.typed: cells_left(row, search.protocol, out) for row in search.mine}


def test_what_is_left_falls_from_all_cells_to_none(searched, tmp_path):
    _, out = searched
    search = asked(tmp_path)
    every = {row.typed: cells_in_all(row, search.protocol) for row in search.mine}
    # trials 4, finalists 2 x 2, seeds of the test 2; references: most_popular has one setting
    assert left(tmp_path) == every == {"most_popular": 2, "ease": 5, "random": 10, "dns": 10}
    assert set(left(out).values()) == {0}
    shutil.copytree(out / TRIALS, tmp_path / TRIALS)
    assert left(tmp_path) == {"most_popular": 1, "ease": 1, "random": 2, "dns": 2}
    lost = next(each for each in read_searches(out) if each["row"] == "dns")["trials"][3]["cell"]
    shutil.rmtree(tmp_path / TRIALS / "cells" / lost)
    assert left(tmp_path)["dns"] == 1 + 4 + 2  # who is a finalist is open again


def test_a_search_that_goes_on_counts_what_is_there(searched, tmp_path):
    _, out = searched
    ((*_, whole), _) = grid_lines(asked(tmp_path), "cpu", tmp_path, 0.0)
    assert whole.startswith("grid   27 cells; about ")
    shutil.copytree(out / "searches", tmp_path / "searches")
    ((*_, rest), _) = grid_lines(asked(tmp_path), "cpu", tmp_path, 0.0)
    assert rest.startswith("grid   27 cells, 21 of them there already; about ")
    ((*_, over), _) = grid_lines(asked(out), "cpu", out, 0.0)
    assert over.startswith("grid   27 cells, 27 of them there already; nothing to train")


def test_search_files_alone_are_enough_to_go_on(searched, tmp_path):
    """The cells of the trials were deleted: nothing is trained but the winners' test."""
    _, out = searched
    shutil.copytree(out / "searches", tmp_path / "searches")
    tune(tmp_path)
    assert choices(tmp_path) == choices(out)
    assert not list((tmp_path / TRIALS).rglob("cell.json"))
    assert len(list((tmp_path / "cells").iterdir())) == len(list((out / "cells").iterdir()))


def test_cells_alone_are_enough_to_go_on(searched, tmp_path):
    _, out = searched
    shutil.copytree(out / TRIALS, tmp_path / TRIALS)
    tune(tmp_path)
    assert choices(tmp_path) == choices(out)


def test_shards_come_to_the_same_winners(searched, tmp_path):
    _, out = searched
    for shard in ("1/3", "3/3", "2/3"):
        tune(tmp_path, shard=shard)
    assert choices(tmp_path) == choices(out)
    assert cell_names(tmp_path) == cell_names(out)


def test_two_workers_come_to_the_same_winners(searched, tmp_path):
    _, out = searched
    tune(tmp_path, jobs=2)
    assert choices(tmp_path) == choices(out)


def test_dask_comes_to_the_same_winners(searched, tmp_path):
    pytest.importorskip("distributed")
    _, out = searched
    tune(tmp_path, engine="dask", workers=2)
    assert choices(tmp_path) == choices(out)


def test_a_killed_search_goes_on_to_the_same_winners(searched, tmp_path):
    _, out = searched
    words = ["-m", "random,dns", "--references", "most_popular,ease", "--epochs", "3", "--dim", "8"]
    words += ["--trials", "4", "--finalists", "2", "--final-seeds", "2", "--test-seeds", "2"]
    command = [sys.executable, "-m", "negbench.cli", "tune", "-d", SMALL["datasets"][0], *words]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([*command, "-o", str(tmp_path / "run")], env=env)
    cells = tmp_path / "run" / TRIALS / "cells"
    deadline = time.monotonic() + 120
    while len(list(cells.glob("*/cell.json"))) < 5 and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    again = [sys.executable, "-m", "negbench.cli", "resume", str(tmp_path / "run"), "-q"]
    done = subprocess.run(again, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert choices(tmp_path / "run") == choices(out)
    assert "dns" in done.stdout


def test_an_interrupted_search_leaves_files_of_what_ended(tmp_path, monkeypatch):
    done = []

    def interrupt(self, result):
        done.append(result)
        if len(done) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "on_cell_done", interrupt)
    with pytest.raises(KeyboardInterrupt):
        tune(tmp_path, methods="random,dns", references=())
    ended = [t for each in read_searches(tmp_path) for t in each["trials"] if t["valid"]]
    assert len(ended) == 3


def test_more_rows_join_a_folder_by_the_same_protocol(searched, tmp_path):
    _, out = searched
    tune(tmp_path, methods="random", references="most_popular,ease")
    tune(tmp_path, methods="dns", references=())
    assert choices(tmp_path) == choices(out)


def test_another_protocol_needs_another_folder(searched):
    _, out = searched
    with pytest.raises(UserError, match="trials was 4 and is 5"):
        tune(out, Protocol(trials=5, finalists=2, final_seeds=2, test_seeds=2))
    with pytest.raises(UserError, match="budget.epochs was . and is 2"):
        tune(out, epochs=2)


def test_trials_that_fail_count_and_a_row_without_a_winner_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_plugins", {})
    plugin = tmp_path / "broken.py"
    plugin.write_text(BREAKS)
    result = tune(tmp_path / "run", plugins=[str(plugin)], methods="random,broken", references=())
    assert result.failed_trials == 4
    assert [label.split()[-1] for label, _ in result.failed] == ["broken"]
    assert winners(tmp_path / "run")["broken"] is None
    assert winners(tmp_path / "run")["random"] is not None


def test_a_diverged_trial_is_last(tmp_path):
    own = {"shared": {"lr": ("log", 1e-3, 1e30), "l2": ("log", 1e-6, 1e-2)}}
    tune(tmp_path, own=own, methods="random", references=())
    (search,) = read_searches(tmp_path)
    failed = [trial for trial in search["trials"] if trial["status"] == "failed"]
    assert failed and all(trial["valid"] is None and trial["reason"] for trial in failed)
    assert search["trials"][search["winner"]["trial"]]["status"] == "done"


def test_data_without_a_validation_part_cannot_be_tuned(tmp_path):
    with pytest.raises(UserError, match="validation part"):
        tune(tmp_path / "run", split="random(0.9,0,0.1)")
    assert not (tmp_path / "run").exists()


def test_the_metric_of_the_choice_is_measured(tmp_path):
    tune(tmp_path, metrics="recall@5", methods="random", references="ease")
    assert all(each["winner"]["valid"] > 0 for each in read_searches(tmp_path))
