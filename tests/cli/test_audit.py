"""The command `audit` on a real run."""

import csv
import io
import json

import pytest
from click.testing import CliRunner

from negbench.cli import main

DATA = "synthetic(users=60,items=100,interactions=1200,relevant=0.4)"


def call(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("finished") / "run"
    words = ["run", "-d", DATA, "--epochs", 2, "--model", "mf(dim=8)", "-m", "random,dns"]
    words += ["--seeds", 2, "--references", "most_popular", "--metrics", "ndcg@5,20", "-o", out]
    assert call(*words).exit_code == 0
    return out


def test_the_page(finished):
    result = call("audit", finished)
    assert result.exit_code == 0 and result.stderr == ""
    for word in ("What the lists of 20 hold", "PopREO", "PRU", "most_popular", "balance"):
        assert word in result.stdout
    assert "False negatives in training (exact)" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_what_must_hold_of_a_real_ranking(finished):
    rows = {
        r["row"]: r
        for r in csv.DictReader(io.StringIO(call("audit", finished, "--format", "csv").stdout))
    }
    arp = {row: float(line["arp@20"]) for row, line in rows.items()}
    assert max(arp, key=arp.get) == "most_popular"
    assert float(rows["most_popular"]["pru"]) > 0.95  # 1 but for items that are equally popular
    for line in rows.values():
        assert 0 <= float(line["gini@20"]) < 1 and 0 < float(line["coverage@20"]) <= 1
        assert float(line["upd@20"]) >= 0


def test_programs_and_files(finished, tmp_path):
    page = json.loads(call("audit", finished, "--json").stdout)
    assert page["k"] == 20 and {r["row"] for r in page["blocks"][0]["rows"]} >= {"random", "dns"}
    assert call("audit", finished, "--metric", "ndcg@5", "--format", "md", "-o", tmp_path / "a.md")
    assert "lists of 5" in (tmp_path / "a.md").read_text()


def test_several_folders_are_one(finished, tmp_path):
    other = tmp_path / "other"
    words = ["run", "-d", DATA, "--epochs", 1, "--model", "mf(dim=8)", "-m", "popularity"]
    assert call(*words, "--seeds", 2, "--metrics", "ndcg@5,20", "-o", other).exit_code == 0
    result = call("audit", finished, other, "--json")
    (block,) = json.loads(result.stdout)["blocks"]
    assert len(block["rows"]) == 4


def test_results_csv_holds_the_audit(finished):
    lines = list(csv.DictReader((finished / "results.csv").open()))
    tested = {(r["metric"], r["k"], r["band"]) for r in lines if r["split"] == "test"}
    names = {"arp", "aplt", "coverage", "gini", "entropy", "relative_arp", "upd"}
    for name in names | {"popreo", "poprsp", "dgap"}:
        assert {(name, "5", "all"), (name, "20", "all")} <= tested
    assert {("pru", "0", "all"), ("pri", "0", "all"), ("dgap", "20", "niche")} <= tested
    of_references = {r["metric"] for r in lines if r["backbone"] == "reference"}
    assert of_references >= names | {"pru", "pri"}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--format", "yaml"], 2, "got 'yaml'"),
        (["--metric", "arp@20"], 2, "unknown metric"),
        (["-o", "no/such/place.md"], 2, "--out"),
    ],
)
def test_mistakes_are_one_sentence(finished, words, code, message):
    result = call("audit", finished, *words)
    assert result.exit_code == code and message in result.stderr and result.stdout == ""
    assert len(result.stderr.splitlines()) == 1


def test_a_folder_that_is_not_there():
    assert call("audit", "nowhere").exit_code == 4
