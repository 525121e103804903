"""`negbench recommend`: one page in four forms, and a sentence for each mistake."""

import csv
import io
import json

import numpy as np
import pytest
from click.testing import CliRunner

from negbench.cli import main
from negbench.experiment.finished.run import open_run
from negbench.storage import cell_store

NAMED = {"checksum": "c", "licence": "CC0", "source": ""}
MEANS = {"random": 0.1, "dns": 0.2, "popularity": 0.12, "mixed": 0.15, "most_popular": 0.05}


def cell(run, dataset, method, seed):
    """A finished cell of two hundred users about the mean of its method."""
    noise = np.random.default_rng([seed, len(method), len(dataset)]).normal(0, 0.01, 200)
    values = MEANS[method] + noise
    reference = method == "most_popular"
    spec = {"dataset": dataset, "backbone": "reference" if reference else "mf", "method": method}
    users = {"users": np.arange(200)}
    users |= {f"ndcg@20/{b}": values.astype(np.float32) for b in ("all", "head", "mid", "tail")}
    record = {
        "status": "done",
        "spec": spec | {"variant": "", "seed": seed, "exclude": "train"},
        "data": {"n_users": 200, "n_items": 30, "n_interactions": 99} | NAMED,
        "split": {"rule": "r", "hash": dataset, "order": "time", "train": 8, "valid": 1, "test": 1},
        "bands": {
            "rule": "mass:1/3,2/3",
            "names": ["head", "mid", "tail"],
            "items": [5, 5, 20],
            "test_rows": [5, 5, 5],
        },
        "metrics": [
            {"split": "test", "metric": "ndcg", "k": 20, "band": band, "value": values.mean()}
            for band in ("all", "head", "mid", "tail")
        ],
        "seconds": {"cpu": {"update": 1.0, "total": 30.0}, "wall": {"update": 1.0, "total": 30.0}},
    }
    cell_store.write_cell(run, record, users=users)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    for dataset in ("books", "films"):
        for method in MEANS:
            for seed in (0,) if method == "most_popular" else (0, 1, 2):
                cell(folder, dataset, method, seed)
    return folder


def call(*words):
    return CliRunner().invoke(main, ["recommend", *map(str, words)])


def test_the_page_fits_a_screen(run):
    result = call(run)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert len(lines) <= 30 and max(map(len, lines)) <= 100
    assert lines[0] == "Which row to choose, by NDCG@20 over 2 blocks: books · mf and films · mf"
    assert lines[1].startswith("Choice by NDCG@20: dns (untuned, as every row): no row is")
    for start in ("Choice for head items", "Choice for tail items", "Cheap: dns", "Rule: chosen"):
        assert any(line.startswith(start) for line in lines)
    assert result.stderr == ""


def test_the_forms_agree(run):
    page = json.loads(call(run, "--format", "json").stdout)
    assert [choice["row"] for choice in page["choices"]] == ["dns"] * 4
    assert page["rule"] in call(run, "--format", "md").stdout.replace("\\", "").replace("&lt;", "<")
    rows = list(csv.DictReader(io.StringIO(call(run, "--format", "csv").stdout)))
    assert len(rows) == 3 * len(MEANS) == len(page["rows"])
    best = next(row for row in rows if row["band"] == "all" and row["row"] == "dns")
    assert best["chosen"] == "all;cheap" and best["unbeaten"] == best["above_base"] == "2"
    assert open_run(run).recommend("csv") == call(run, "--format", "csv").stdout


def test_another_row_to_be_above_and_another_metric(run):
    page = json.loads(call(run, "--vs", "mixed", "--format", "json").stdout)
    assert page["vs"] == "mixed" and page["choices"][0]["row"] == "dns"
    assert call(run, "--metric", "NDCG@20").exit_code == 0


def test_the_choice_stands_on_top_of_a_comparison(run):
    compare = ["compare", str(run)]
    result = CliRunner().invoke(main, compare)
    assert result.stdout.startswith("Choice by NDCG@20: dns (untuned, as every row): no row is")
    assert "books · mf · against random" in result.stdout
    result = CliRunner().invoke(main, [*compare, "--format", "md"])
    assert result.stdout.startswith("Choice by NDCG@20: dns")
    for words in (["--format", "json"], ["--test", "wilcoxon"]):
        assert "Choice by" not in CliRunner().invoke(main, [*compare, *words]).stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--format", "jsn"], "did you mean json?"),
        (["--vs", "rando"], "did you mean random?"),
        (["--metric", "ndcg@7"], "known: ndcg@20"),
        (["-o", "nowhere/x"], "--out must be a file"),
    ],
)
def test_a_mistake_is_one_sentence_and_code_2(run, words, message):
    result = call(run, *words)
    assert result.exit_code == 2 and result.stdout == ""
    assert result.stderr.count("\n") == 1 and message in result.stderr


def test_out_writes_a_file_and_nothing_to_report_is_code_4(run, tmp_path):
    result = call(run, "-o", tmp_path / "page.txt")
    assert result.exit_code == 0 and result.stdout == ""
    assert (tmp_path / "page.txt").read_text("utf-8") == open_run(run).recommend()
    assert call(tmp_path / "nowhere").exit_code == 4
