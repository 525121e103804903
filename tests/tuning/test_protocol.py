"""What a search is asked for: fidelity, numbers, an experiment file's section."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.searches import tune
from helpers.small_runs import SMALL

from negbench.analysis.tuning.searches import searches
from negbench.cli import main
from negbench.errors import UserError
from negbench.experiment.options.experiment_file import read_experiments
from negbench.experiment.options.options import build, merge
from negbench.storage import cell_store
from negbench.storage.embedded_searches import read_embedded
from negbench.storage.search_store import TRIALS, protocol_hash, read_searches
from negbench.tuning.protocol import Protocol, numbers_of, section_of
from negbench.tuning.run_search import prepare
from negbench.tuning.space_file import space_of

STUDY = Path(__file__).resolve().parents[2] / "studies" / "reference.toml"


def test_halving_cuts_trials_and_never_the_default(tmp_path):
    protocol = Protocol(trials=8, fidelity="halving", finalists=2, final_seeds=1, test_seeds=1)
    tune(tmp_path, protocol, methods="random,dns", references="ease", epochs=8)
    for each in read_searches(tmp_path):
        if each["backbone"] == "reference":
            assert each["rungs"] == []
            continue
        assert [rung["epochs"] for rung in each["rungs"]] == [2]
        status = [trial["status"] for trial in each["trials"]]
        assert status[0] == "done" and status.count("cut") == 8 - status.count("done") == 5
        assert {trial["epochs"] for trial in each["trials"] if trial["status"] == "cut"} == {2}
        assert all(status[finalist["trial"]] == "done" for finalist in each["finalists"])
        cells = [cell_store.read_cell(path) for path in (tmp_path / TRIALS / "cells").iterdir()]
        cost = sum(
            cell.record["seconds"]["cpu"]["total"]
            for cell in cells
            if cell.spec["method"] == each["row"] and cell.spec["seed"] == 0
        )
        own = next(s for s in searches(tmp_path) if s.row == each["row"])
        assert sum(trial.cpu_seconds for trial in own.trials) == pytest.approx(cost)
        (rung,) = each["rungs"]
        assert rung["trials"] == list(range(8)) and -1 <= rung["correlation"] <= 1


def test_halving_does_not_judge_a_method_by_its_warm_up(tmp_path):
    protocol = Protocol(trials=8, fidelity="halving", finalists=2)
    with pytest.raises(UserError, match="first rung ends at 5"):
        tune(tmp_path / "run", protocol, methods="random,ddrm", epochs=20)
    assert not (tmp_path / "run").exists()


FILE = """
datasets = "{data}"
methods = ["dns"]
[train]
epochs = 1
dim = 8
[tune]
trials = 3
final_seeds = 1
test_seeds = 1
space = {{ dns = {{ candidates = ["of", 3, 5] }} }}
"""


def test_an_experiment_file_has_a_section_for_the_search(tmp_path):
    path, out = tmp_path / "study.toml", tmp_path / "run"
    path.write_text(FILE.format(data=SMALL["datasets"][0]))
    done = CliRunner().invoke(main, ["tune", str(path), "--trials", "2", "-o", str(out), "-q"])
    assert done.exit_code == 0, done.output
    (search,) = read_searches(out)
    assert len(search["trials"]) == 2 and search["test_seeds"] == [100]
    assert search["trials"][1]["settings"]["candidates"] in (3, 5)
    path.write_text(FILE.format(data=SMALL["datasets"][0]).replace("trials", "trails"))
    wrong = CliRunner().invoke(main, ["tune", str(path), "-o", str(tmp_path / "other")])
    assert wrong.exit_code == 2 and "did you mean trials" in wrong.stderr
    assert not (tmp_path / "other").exists()


def test_few_trials_have_no_more_finalists_than_trials():
    assert numbers_of({"trials": "2"})[0].finalists == 2
    assert numbers_of({"trials": 8})[0].finalists == 3
    with pytest.raises(UserError, match="at most --trials"):
        numbers_of({"trials": 2, "finalists": 3})


@pytest.mark.parametrize(
    "numbers",
    [
        {"trials": 0},
        {"finalists": 5, "trials": 4},
        {"search": "tpe"},
        {"fidelity": "half"},
        {"test_seeds": 0},
        {"final_seeds": 100},
    ],
)
def test_a_wrong_protocol_is_refused(numbers):
    with pytest.raises(UserError, match="must be"):
        Protocol(**numbers)


def test_the_searches_that_ship_are_of_the_protocol_that_the_reference_study_has_now():
    """A new key of the protocol would part later searches from these without a word."""
    section, experiment = section_of(read_experiments(STUDY)[0])
    own = space_of(section.pop("space"))
    protocol, _ = numbers_of(section)
    rows = prepare(build(merge(experiment)), protocol, own).rows
    now = {
        (row.scenario.interactions.name, protocol_hash(protocol.record(row.options, row.scenario)))
        for row in rows
    }
    assert now == {(each["dataset"], each["hash"]) for each in read_embedded()}
