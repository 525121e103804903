"""What a search refuses before anything is written: rows, ranges, and folders of other searches."""

import json
import shlex
import shutil
from dataclasses import replace

import pytest
from helpers.small_runs import SMALL, go

from negbench.errors import UserError
from negbench.experiment.cell.spec import PlannedCell, Tuned
from negbench.experiment.finished.run import open_run
from negbench.experiment.options.options import build, flatten
from negbench.experiment.same_data import set_aside_earlier_winners
from negbench.storage import cell_store, search_store
from negbench.storage.search_store import TRIALS, read_searches
from negbench.tuning import run_search as run_search_module
from negbench.tuning import tune_file
from negbench.tuning.protocol import Protocol
from negbench.tuning.run_search import check, prepare, run_search
from negbench.tuning.tune import parts_of, with_its_settings

QUICK = Protocol(trials=3, finalists=2, final_seeds=1, test_seeds=1)


def asked(out, **raw):
    return build(flatten({**SMALL, "overwrite": "missing", "out": str(out), **raw}))


def plan_of(out, methods="dns", own=None, **raw):
    return prepare(asked(out, methods=methods, **raw), QUICK, own or {})


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    out = tmp_path_factory.mktemp("searched")
    run_search(plan_of(out), out, bar=False)
    return out


@pytest.mark.parametrize(
    ("methods", "own", "words"),
    [
        ("dns@epochs=4", {}, "--epochs 4"),
        ("dns@(lr=0.01,patience=1)", {}, "one budget; got patience=1"),
        ("dns", {"dns": {"candidates": ("float", 2.5, 2.6)}}, "whole number"),
        ("random", {"random": {"negatives": ("of", 4, 8)}}, "number of negatives"),
        ("random", {"mf": {"dim": ("of", 4, 8)}}, "a width"),
        ("dns(candidates=8)", {"dns": {"candidates": ("of", 4, 8)}}, "typed"),
        (
            "adar",
            {"adar": {"w": ("of", 1.0), "z": ("of", 1.0), "eta": ("of", 0.1)}},
            "eta = .* is not",
        ),
    ],
)
def test_a_row_or_range_that_would_not_be_searched_as_typed_is_refused(
    tmp_path, methods, own, words
):
    with pytest.raises(UserError, match=words):
        plan_of(tmp_path, methods, own, epochs=20)


def test_ranges_of_methods_that_are_not_in_the_search_are_left_alone(tmp_path):
    own = {"dns": {"candidates": ("of", 4)}, "bsl": {"negatives": ("of", 4)}}
    assert len(plan_of(tmp_path, "random,dns", own).rows) == 2


def test_another_space_of_a_row_needs_another_folder(searched):
    own = {"dns": {"candidates": ("of", 64)}}
    with pytest.raises(UserError, match="space of dns; .* candidates was"):
        check(plan_of(searched, "random,dns", own), searched)
    check(plan_of(searched, "random", own), searched)


def test_other_shared_ranges_need_another_folder(searched):
    own = {"shared": {"lr": ("log", 1e-3, 1e-2)}}
    with pytest.raises(UserError, match="one space; .* lr was"):
        check(plan_of(searched, "random", own), searched)
    check(plan_of(searched, "random", own, backbones="lightgcn"), searched)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"starts": []}, "holds no start"),
        ({"starts": [{"options": {}, "protocol": {"depth": 3}, "ranges": {}}]}, "of this version"),
        ({"starts": [{"options": {}, "protocol": {"trials": 3}}]}, "of this version"),
    ],
)
def test_a_start_that_cannot_be_read_is_one_sentence(tmp_path, content, words):
    (tmp_path / search_store.ASKED).write_text(json.dumps(content))
    with pytest.raises(UserError, match=words):
        [tune_file.asked_of(each) for each in tune_file.starts(tmp_path)]


def test_cells_that_are_not_tuned_are_seen_before_any_trial(tmp_path):
    go(tmp_path, methods="random", seeds="0-0")
    with pytest.raises(UserError, match="1 finished cell in .* is not tuned"):
        run_search(plan_of(tmp_path), tmp_path, bar=False)
    assert not (tmp_path / TRIALS).exists()


def test_one_split_and_several_need_folders_of_their_own(searched, tmp_path):
    with pytest.raises(UserError, match="--splits is 2"):
        parts_of(asked(searched, methods="dns"), QUICK, {}, 2, searched)
    (tmp_path / "split-1").mkdir()
    with pytest.raises(UserError, match="split-1 to split-1, and --splits is 1"):
        parts_of(asked(tmp_path, methods="dns"), QUICK, {}, 1, tmp_path)


def test_a_row_has_one_winner_where_trials_that_failed_change_it(searched, tmp_path):
    """The other finalist has better values now: its cells alone are the row's."""
    shutil.copytree(searched, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "searches")
    (before,) = read_searches(searched)
    other = next(f["trial"] for f in before["finalists"] if f["trial"] != before["winner"]["trial"])
    settings = before["trials"][other]["settings"]
    for path in (tmp_path / TRIALS / "cells").glob("*/cell.json"):
        record = json.loads(path.read_text())
        spec = record["spec"]
        config = {**spec["backbone_config"], **spec["method_config"]["dns"]}
        if spec["seed"] and {name: config[name] for name in settings} == settings:
            for line in record["metrics"]:
                line["value"] = 1.0
        path.write_text(json.dumps(record))
    run_search(plan_of(tmp_path), tmp_path, bar=False)
    (after,) = read_searches(tmp_path)
    assert after["winner"]["trial"] == other
    (cell,) = [cell for cell, _ in open_run(tmp_path).records.done]
    assert cell.spec["method_config"]["dns"]["candidates"] == settings["candidates"]
    assert cell.spec["backbone_config"]["lr"] == settings["lr"]
    assert len(list((tmp_path / "replaced").iterdir())) == 1


def test_winners_whose_settings_hold_a_list_are_not_trained_again(tmp_path):
    """On disk a tuple is a list: final cells of such rows were set aside at every start."""
    word = "ddrm(layers=[100,100])"
    (row,) = plan_of(tmp_path, word, epochs=21).rows
    tuned = Tuned(word, "0" * 12, 3)
    final = PlannedCell.of(replace(row.spec(word, 100), tuned=tuned), row.scenario)
    assert final.resolved["method_config"]["ddrm"]["layers"] == (100, 100)
    record = {"status": "failed", "reason": "for the test", "spec": final.resolved}
    folder = cell_store.write_cell(tmp_path, record)
    set_aside_earlier_winners([final], tmp_path)
    assert folder.is_dir() and not (tmp_path / "replaced").exists()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    started = asked(tmp_path, methods="dns")
    with pytest.raises(UserError, match="--out must be a folder that can be written"):
        tune_file.add_start(tmp_path / "file", "negbench tune", started, QUICK, {}, 1)


def test_each_shard_is_a_start_that_a_resume_goes_on_with(tmp_path):
    for shard in ("1/2", "2/2", "1/2"):
        started = asked(tmp_path, methods="random,dns", shard=shard, jobs=3)
        tune_file.add_start(tmp_path, f"tune {shard}", started, QUICK, {}, 1)
    starts = tune_file.starts(tmp_path)
    assert [each["command"] for each in starts] == ["tune 2/2", "tune 1/2"]
    assert [tune_file.asked_of(each)[0].shard for each in starts] == [(2, 2), (1, 2)]


def test_the_command_for_another_run_takes_rows_data_and_settings(tmp_path):
    line = with_its_settings(asked(tmp_path, methods="random,dns(candidates=4)", lr=0.02), tmp_path)
    words = shlex.split(line)
    assert words[:2] == ["negbench", "run"] and f"--tuned={tmp_path}" in words
    assert "--methods=random,dns(candidates=4)" in words
    assert not any(word.startswith(("--out", "--seeds", "--lr", "--overwrite")) for word in words)


def test_failed_trials_of_every_rung_are_trained_once_more(tmp_path, monkeypatch):
    """Those of halving's first rung were never found: they have fewer epochs."""
    halving = Protocol(8, fidelity="halving", finalists=1, final_seeds=1, test_seeds=1)
    search = prepare(asked(tmp_path, methods="dns", epochs=8), halving, {})
    (row,) = search.rows
    cell = row.cell(row.trials[3], epochs=2)
    record = {"status": "failed", "reason": "for the test", "spec": cell.resolved}
    cell_store.write_cell(tmp_path / TRIALS, record)
    again: list[str] = []

    def carry_out(search, cells, *_):
        again.extend(each.digest for each in cells)

    monkeypatch.setattr(run_search_module, "_carry_out", carry_out)
    run_search_module._again(search, tmp_path / TRIALS, "", False)
    assert again == [cell.digest]
