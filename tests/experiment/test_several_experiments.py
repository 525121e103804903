"""An experiment file with several experiments: one run folder, and a data set picks its own."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from negbench.cli import main
from negbench.errors import UserError
from negbench.experiment.options.experiment_file import of_datasets, read_experiments
from negbench.experiment.options.options import build, merge
from negbench.storage import cell_store

FILE = """
out = "both"
seeds = 1
probe = "off"
backbones = ["mf"]
[train]
epochs = 1
[[experiment]]
datasets = ["one.csv"]
methods = ["random(negatives=2)@(lr=0.01)"]
[[experiment]]
datasets = ["two.csv"]
methods = ["random(negatives=3)@(lr=0.1)", "popularity"]
"""


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, turn in (("one", 1), ("two", 3)):
        pairs = [f"{u},{(turn * u + i) % 11},{i}" for u in range(12) for i in range(8)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["user,item,time", *pairs, ""]))
    (tmp_path / "study.toml").write_text(FILE)


def run(*words):
    return CliRunner().invoke(main, ["run", "study.toml", "-q", "--no-progress", *words])


def rows():
    cells = cell_store.read_cells(Path("both"))[0]
    return sorted(
        (c.spec["dataset"], c.spec["method"], c.spec["variant"], c.spec["backbone_config"]["lr"])
        for c in cells
    )


ONE = ("one", "random", "negatives=2", 0.01)
TWO = [("two", "popularity", "", 0.05), ("two", "random", "negatives=3", 0.1)]


def test_all_experiments_are_one_run_that_can_be_gone_on_with():
    done = run()
    assert done.exit_code == 0, done.output
    seen = rows()
    assert ONE in seen and TWO[1] in seen and len(seen) == 3
    info = json.loads(Path("both/run.json").read_text())
    assert len(info["cells"]) == 3
    again = CliRunner().invoke(main, ["resume", "both", "-q", "--no-progress"])
    assert again.exit_code == 0 and rows() == seen, again.output


def test_a_data_set_picks_its_experiment_and_another_is_refused():
    done = run("-d", "one.csv")
    assert done.exit_code == 0 and rows() == [ONE], done.output
    refused = run("-d", "three.csv")
    assert refused.exit_code == 2 and "none has 'three.csv'" in refused.stderr
    assert run("datasets=two.csv", "train.epochs=1").exit_code == 0
    assert len(rows()) == 3


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("train = { lr = 0.2 }", {"epochs": 3, "lr": 0.2}),
        ("lr = 0.2", {"epochs": 3, "lr": 0.2}),
        ("[experiment.train]\nepochs = 7", {"epochs": 7, "lr": 0.1}),
        ("lr = 0.2\ntrain = { epochs = 7 }", {"epochs": 7, "lr": 0.2}),
        ("", {"epochs": 3, "lr": 0.1}),
    ],
)
@pytest.mark.parametrize(
    "common", ["[train]\nepochs = 3\nlr = 0.1", "train = { epochs = 3 }\nlr = 0.1"]
)
def test_a_setting_goes_over_that_setting_alone(common, own, expected):
    """A table's `train` once took the place of the common one, whose epochs were lost."""
    Path("two.toml").write_text(f"{common}\n[[experiment]]\n{own}\n[[experiment]]\nlr = 0.5\n")
    first, second = (build(merge(each)).train for each in read_experiments(Path("two.toml")))
    assert first == expected and second == {"epochs": 3, "lr": 0.5}


def test_a_short_form_goes_over_the_longer_word():
    Path("two.toml").write_text(
        'datasets = ["one.csv"]\n[[experiment]]\ndataset = "two.csv"\n'
        '[[experiment]]\nmethod = "dns"\n'
    )
    experiments = read_experiments(Path("two.toml"))
    assert [build(merge(each)).datasets for each in experiments] == [("two.csv",), ("one.csv",)]
    assert of_datasets(experiments, ["two.csv"]) == [experiments[0]]


@pytest.mark.parametrize("text", ["1: 2\n{}", "{}- 1: two.csv\n", "{}- train: {{yes: 1}}\n"])
def test_a_key_of_yaml_that_is_no_text_is_one_sentence(text):
    Path("study.yaml").write_text(text.format("experiment:\n- datasets: one.csv\n"))
    with pytest.raises(UserError, match=r"study.yaml: a key must be text; got (1|True); write it"):
        read_experiments(Path("study.yaml"))


@pytest.mark.parametrize(
    "datasets", ["one.csv,two.csv", ["x.csv", {"path": "two.csv"}], {"path": "two.csv"}]
)
def test_a_data_set_is_picked_however_it_is_written(datasets):
    asked = [{"Dataset": datasets}, {"datasets": 5}, {"datasets": None}]
    assert of_datasets(asked, ["two.csv"]) == asked[:1]


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ("split = 'loo'", "split = 'random'", "one with split leave_one_out .* and random"),
        ("split = 'loo'", "split = 'loo'\nmask = 'none'", "one with mask seen and none"),
        ("threads = 2", "", "which has one threads; got 2 and 1"),
        ("", "out = 'elsewhere'", "which has one out; got 'both' and 'elsewhere'"),
    ],
)
def test_experiments_that_cannot_be_one_run_are_refused(one, other, words):
    """They were trained into one folder, whose tables are then refused, or by the last's way."""
    tables = (f"[[experiment]]\ndatasets = ['one.csv']\n{each}\n" for each in (one, other))
    Path("study.toml").write_text(FILE.partition("[[experiment]]")[0] + "".join(tables))
    done = run()
    assert done.exit_code == 2 and re.search(words, done.stderr) and not Path("both").exists()


def test_of_a_data_set_that_is_split_otherwise_since_the_later_cells_are_gone_on_with():
    words = ["run", "-d", "one.csv", "-q", "-o", "out", "seeds=1", "probe=off", "epochs=1"]
    assert CliRunner().invoke(main, [*words, "-m", "random,dns", "--split", "loo"]).exit_code == 0
    words += ["-m", "random", "--split", "random", "--overwrite", "all"]
    assert CliRunner().invoke(main, words).exit_code == 0
    done = CliRunner().invoke(main, ["resume", "out", "-q"])
    assert done.exit_code == 0, done.output
    (cell,) = cell_store.read_cells(Path("out"))[0]
    assert cell.spec["split"].startswith("random") and cell.spec["method"] == "random"
