"""`negbench compare`: one sentence for each mistake, and runs that do not compare are refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from negbench.cli import main
from negbench.experiment.finished.run import open_run
from negbench.storage import cell_store


def cell(run: Path, method: str, seed: int, **change):
    """A finished cell with forty users; `change` sets what makes runs differ."""
    rng = np.random.default_rng([seed, len(method)])
    values = rng.uniform(0, 0.2, 40) + (0.1 if method == "dns" else 0.0)
    spec = {
        "dataset": "books",
        "backbone": change.get("backbone", "mf"),
        "method": method,
        "variant": "",
        "seed": seed,
        "exclude": change.get("exclude", "train"),
    }
    record = {
        "status": "done",
        "spec": spec,
        "data": {
            "n_users": 40,
            "n_items": 30,
            "n_interactions": 99,
            "checksum": "c",
            "licence": "CC0",
            "source": "",
        },
        "split": {
            "rule": "ratio(0.8,0.1,0.1)",
            "hash": change.get("hash", "7c1e09"),
            "order": "time",
            "train": 80,
            "valid": 9,
            "test": 10,
        },
        "bands": {
            "rule": change.get("bands", "mass:1/3,2/3"),
            "names": ["head", "tail"],
            "items": [10, 20],
            "test_rows": [5, 5],
        },
        "metrics": [
            {"split": "test", "metric": "ndcg", "k": 20, "band": "all", "value": values.mean()}
        ],
    }
    users = {"users": np.arange(40), "ndcg@20/all": values.astype(np.float32)}
    cell_store.write_cell(run, record, users=users)


@pytest.fixture
def run(tmp_path):
    for method in ("random", "dns"):
        for seed in (0, 1, 2):
            cell(tmp_path / "run", method, seed)
    return tmp_path / "run"


def call(*words):
    return CliRunner().invoke(main, ["compare", *map(str, words)])


def test_the_screen_holds_rows_and_footnotes(run):
    result = call(run)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("Choice by NDCG@20: dns (untuned, as every row): no row is")
    assert "books · mf · against random" in lines
    assert any(line.startswith("dns") and "better" in line for line in lines)
    assert "Holm-corrected" in result.stdout and "hash 7c1e09" in result.stdout
    assert result.stderr == ""


def test_options_reach_the_comparison(run):
    words = ["--test", "permutation", "--correct", "bh", "--vs", "dns", "--metric", "NDCG@20"]
    page = json.loads(call(run, *words, "--format", "json").stdout)
    assert (page["test"], page["correction"], page["vs"]) == ("permutation", "bh", "dns")
    assert page["blocks"][0]["rows"][1]["verdict"] == "worse"
    page = json.loads(call(run, "--margin", "2%", "--format", "json").stdout)
    assert (page["margin"], page["test"]) == ("2%", "crossed")


def test_a_reference_may_be_compared_with(run):
    cell(run, "item_knn", 0, backbone="reference")
    result = call(run, "--vs", "item_knn")
    assert result.exit_code == 0, result.output
    assert "books · mf · against item_knn" in result.stdout.splitlines()
    assert "item_knn (ref.)" in result.stdout and "baseline" in result.stdout
    assert "item_knn" in open_run(run).compare(vs="item_knn")


def test_out_writes_a_file(run, tmp_path):
    result = call(run, "--format", "csv", "-o", tmp_path / "c.csv")
    assert result.exit_code == 0 and result.stdout == ""
    assert (tmp_path / "c.csv").read_text("utf-8") == open_run(run).compare("csv")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--test", "wilcoxn"], "did you mean wilcoxon?"),
        (["--correct", "hol"], "did you mean holm?"),
        (["--seeds-as", "blocks"], "the test counts users and seeds"),
        (["--margin", "2"], "as 2%"),
        (["--format", "jsn"], "did you mean json?"),
        (["--vs", "rando"], "did you mean random?"),
        (["--metric", "ndcg@7"], "known: ndcg@20"),
        (["--tset", "wilcoxon"], "did you mean --test"),
    ],
)
def test_a_mistake_is_one_sentence_and_code_2(run, words, message):
    result = call(run, *words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1 and message in result.stderr


def test_an_out_that_cannot_be_is_refused_first(run, tmp_path):
    result = call(run, "-o", tmp_path / "no" / "c.csv")
    assert result.exit_code == 2 and "--out must be a file" in result.stderr


def test_a_folder_without_results_is_code_4(tmp_path):
    assert call(tmp_path).exit_code == 4
    assert call(tmp_path / "nowhere").exit_code == 4


def test_two_folders_are_read_as_one(run, tmp_path):
    for seed in (0, 1, 2):
        cell(tmp_path / "more", "mixed", seed)
    result = call(run, tmp_path / "more")
    assert result.exit_code == 0 and "(2 comparisons each)" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hash": "ffffff"}, "share their split"),
        ({"bands": "items:0.2,0.8"}, "share their bands"),
        ({"exclude": "all"}, "share their exclusion"),
    ],
)
def test_runs_that_answer_different_questions_are_refused(run, tmp_path, change, message):
    cell(tmp_path / "other", "mixed", 0, **change)
    result = call(run, tmp_path / "other")
    assert result.exit_code == 2
    assert message in result.stderr and result.stderr.count("\n") == 1
    assert all(str(value) in result.stderr for value in change.values())
    assert str(tmp_path / "other") in result.stderr
