"""Methods without negatives, from `run` to every output: "-" and a note, never a rate of 0."""

import csv
import io
import json

import pytest
from click.testing import CliRunner

from negbench.cli import main

DATA = "synthetic(users=60,items=100,interactions=1200,relevant=0.4)"
SMALL = ["-d", DATA, "--epochs", 2, "-b", "mf(dim=8)", "--metrics", "ndcg@5,20", "--seeds", 2]
NOTE = "no negatives"


def call(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def run(out, methods, *more):
    result = call("run", *SMALL, "-m", methods, "-o", out, "--no-progress", *more)
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    methods = "random,directau,enmf,mawu"
    return run(tmp_path_factory.mktemp("mixed") / "run", methods, "--plant", 0.1)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    out = tmp_path_factory.mktemp("alone") / "run"
    return run(out, "directau,enmf", "--log-negatives", 50)


def lines_of(text, method):
    """The words of each line of a table that is this method's, its marks left out."""
    lines = [line.replace("^", " ").split() for line in text.splitlines()]
    return [words for words in lines if words[:1] == [method] and words[1][:1] in "0123456789-+"]


def test_records_hold_no_rate_and_no_count_of_nothing(mixed):
    for path in mixed.glob("cells/*/cell.json"):
        record = json.loads(path.read_text())
        trained = {line["metric"] for line in record["metrics"] if line["split"] == "train"}
        epochs = (path.parent / "epochs.csv").read_text().splitlines()[0].split(",")
        if record["spec"]["method"] == "random":
            assert {"fnr", "fn_count", "planted_rate"} <= trained and "hard" in epochs
        else:
            assert not trained and record["fit"]["negatives"] == 0
            assert not {"hard", "fn_total", "ranked", "distinct", "planted_total"} & {*epochs}


def test_the_table_shows_a_dash_and_says_why(mixed):
    result = call("table", mixed)
    assert result.exit_code == 0 and "nan" not in result.stdout.lower()
    assert lines_of(result.stdout, "random")[0][-2] == "%"
    for method in ("directau", "enmf", "mawu"):
        assert lines_of(result.stdout, method)[0][-2] == "-"
    text = " ".join(result.stdout.split())
    assert f'directau, enmf and mawu use {NOTE}: "-" in what is measured of negatives.' in text
    latex = call("table", mixed, "--format", "latex")
    assert latex.exit_code == 0 and NOTE in latex.stdout and "nan" not in latex.stdout.lower()


def test_the_audit_shows_dashes_and_says_why(mixed):
    result = call("audit", mixed)
    assert result.exit_code == 0 and "nan" not in result.stdout.lower()
    of_training, planted = result.stdout.split("False negatives in training")[1].split("Planted")
    for method in ("directau", "enmf", "mawu"):
        (line,) = lines_of(of_training, method)
        assert line[1:] == ["-"] * 5
        (line,) = lines_of(planted, method)
        assert line[1:] == ["-"] * 4
    assert NOTE in result.stdout
    written = call("audit", mixed, "--format", "csv").stdout
    rows = {row["row"]: row for row in csv.DictReader(io.StringIO(written))}
    assert rows["enmf"]["fnr"] == "" and rows["enmf"]["fn_count"] == ""
    assert float(rows["random"]["fnr"]) > 0


def test_figures_leave_these_rows_out_and_say_so(mixed, tmp_path):
    kinds = ("hardness", "fn-rate", "convergence", "tradeoff")
    assert call("plot", mixed, *kinds, "-o", tmp_path, "--format", "png").exit_code == 0
    for kind in ("hardness", "fn-rate"):
        (path,) = tmp_path.glob(f"{kind}-*.csv")
        assert {row["row"] for row in csv.DictReader(path.open())} == {"random"}
    for kind in ("convergence", "tradeoff"):
        (path,) = tmp_path.glob(f"{kind}-*.csv")
        assert {"directau", "enmf"} <= {row["row"] for row in csv.DictReader(path.open())}


def test_the_page_and_the_tests_hold(mixed):
    assert call("report", mixed).exit_code == 0
    page = (mixed / "report.html").read_text()
    assert page.count("directau, enmf and mawu use no negatives and are not shown.") >= 2
    compared = call("compare", mixed)
    assert compared.exit_code == 0 and "nan" not in compared.stdout.lower()
    assert len(lines_of(compared.stdout, "enmf")) == 1


def test_a_run_of_such_methods_alone_is_whole_and_names_what_it_lacks(alone, tmp_path):
    for command in ("table", "audit", "report", "compare"):
        result = call(command, alone)
        assert result.exit_code == 0 and "nan" not in result.output.lower()
    page = (alone / "report.html").read_text()
    assert page.count("its methods use no negatives") >= 2  # the reasons of what is not drawn
    for kind in ("hardness", "fn-rate"):
        result = call("plot", alone, kind, "-o", tmp_path)
        assert result.exit_code and "its methods use no negatives" in result.stderr
        assert "--probe" not in result.stderr


@pytest.mark.parametrize(
    "words,match",
    [
        (["-m", "directau", "--objective", "bpr"], "objective bpr needs negatives"),
        (["-m", "enmf(objective=softmax)"], "objective softmax needs negatives"),
        (["-m", "directau+dns"], "method dns acts on negatives"),
        (["-m", "til+enmf"], "method til acts on negatives"),
        (["-m", "popularity+mawu"], "only one method of a composition may set the sampler"),
    ],
)
def test_what_would_train_nothing_is_one_sentence(tmp_path, words, match):
    result = call("run", *SMALL, *words, "-o", tmp_path / "run")
    assert result.exit_code == 2 and match in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1 and not (tmp_path / "run").exists()


def test_beside_others_such_a_row_is_left_out_and_named():
    words = ["run", "-d", DATA, "-m", "random,directau", "--objective", "bpr", "--dry-run"]
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == 0
    assert "skip   objective bpr needs negatives, and method directau draws none" in result.output
