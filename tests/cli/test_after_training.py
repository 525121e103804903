"""`--metric` and `--bands` on a finished run: every output takes them, and none trains."""

import csv
import io
import json
import shutil

import pytest
from click.testing import CliRunner
from helpers.small_runs import stamps

import negbench
from negbench.cli import main

DATA = "synthetic(users=60,items=120,interactions=1200,relevant=0.4)"
CHOSEN = "Bands items:0.1 of train, chosen after training"


def call(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run that measured ndcg@5 alone, on three bands."""
    out = tmp_path_factory.mktemp("finished") / "run"
    words = ["run", "-d", DATA, "--epochs", 2, "--model", "mf(dim=8)", "-m", "random,dns"]
    words += ["--seeds", 2, "--references", "most_popular", "--metrics", "ndcg@5", "-o", out]
    assert call(*words).exit_code == 0
    return out


OTHER = ("--metric", "recall@50", "--bands", "items:0.1")


@pytest.mark.parametrize("command", ["table", "compare", "audit"])
def test_texts_take_another_metric_and_other_bands(finished, command):
    before = stamps(finished)
    done = call(command, finished, *OTHER)
    assert done.exit_code == 0, done.output
    text = " ".join(done.output.split())
    assert "Recall@50" in text
    assert f"{CHOSEN} (the run had mass:1/3,2/3): head" in text
    assert "Recall@50 was chosen after training: the run measured NDCG@5." in text
    assert "chosen after training" not in call(command, finished).output
    assert stamps(finished) == before


def test_the_table_has_the_bands_as_columns(finished):
    page = call("table", finished, *OTHER, "--format", "csv")
    line = next(csv.DictReader(io.StringIO(page.stdout)))
    names = " ".join(line)
    assert "recall@50" in names and "head" in names and "mid" not in names


def test_the_audit_has_lists_of_that_k(finished):
    page = json.loads(call("audit", finished, *OTHER, "--json").stdout)
    assert page["k"] == 50
    assert "What the lists of 50 hold" in call("audit", finished, *OTHER).stdout


def test_plots_and_the_report(finished, tmp_path):
    done = call("plot", finished, "bands", *OTHER, "--format", "svg", "-o", tmp_path / "plots")
    assert done.exit_code == 0, done.output
    assert "recall@50" in (next((tmp_path / "plots").glob("*.csv"))).read_text()
    done = call("report", finished, *OTHER, "-o", tmp_path / "report.html")
    assert done.exit_code == 0, done.output
    page = (tmp_path / "report.html").read_text()
    assert "Recall@50" in page and CHOSEN in page


def test_in_python(finished):
    run = negbench.open_run(finished, bands="items:0.1")
    assert "Recall@50" in run.table(metric="recall@50") and CHOSEN in run.table()
    assert set(run.frame.query("metric == 'ndcg'")["band"]) == {"all", "head", "tail"}
    assert CHOSEN not in negbench.open_run(finished).table()


def test_rows_of_runs_with_other_bands_are_compared_on_new_ones(finished, tmp_path):
    other = tmp_path / "other"
    words = ["run", "-d", DATA, "--epochs", 1, "--model", "mf(dim=8)", "-m", "popularity"]
    assert call(*words, "--seeds", 2, "--bands", "count:9", "-o", other).exit_code == 0
    refused = call("table", finished, other)
    assert refused.exit_code == 2 and "must share their bands" in refused.output
    both = call("table", finished, other, "--metric", "map@7", "--bands", "items:0.1")
    assert both.exit_code == 0 and "popularity" in both.output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("table", "--bands", "mass:2,3"), "lie between 0 and 1"),
        (("table", "--bands", "weight"), "band rule"),
        (("table", "--metric", "recal@5"), "unknown metric"),
        (("audit", "--metric", "recall@101"), "at most 100, the length of the lists"),
        (("table", "--metric", "ndcg@5,10"), "one metric with one list length must be given"),
        (("compare", "--metric", "recall,ndcg@5"), "one metric with one list length must be given"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(finished, tmp_path, words, sentence):
    out = tmp_path / "out.txt"
    command, *options = words
    done = call(command, finished, *options, "-o", out)
    assert done.exit_code == 2 and sentence in done.output
    assert not out.exists()


def test_a_table_at_a_k_beyond_the_lists_needs_no_lists(finished):
    done = call("table", finished, "--metric", "ndcg@110")
    assert done.exit_code == 0 and "NDCG@110" in done.output


def test_an_older_run_is_shown_as_it_was_and_says_what_it_lacks(finished, tmp_path):
    older = tmp_path / "older"
    shutil.copytree(finished, older)
    shutil.rmtree(older / "splits")
    for ranks in older.glob("cells/*/ranks.npz"):
        ranks.unlink()
    assert call("table", older).exit_code == call("audit", older).exit_code == 0
    for words in (("table", older, "--metric", "recall@50"), ("audit", older, *OTHER)):
        done = call(*words)
        assert done.exit_code == 2 and "run" in done.output and "again" in done.output


def test_one_training_counts_once_whatever_was_measured_of_it(finished, tmp_path):
    """Two cells of a seed made the deviation over seeds too small."""
    other = tmp_path / "other"
    words = ["run", "-d", DATA, "--epochs", 2, "--model", "mf(dim=8)", "-m", "random,dns"]
    words += ["--seeds", 2, "--references", "most_popular", "--metrics", "recall@7"]
    assert call(*words, "--bands", "count:9", "-o", other).exit_code == 0
    asked = ("--metric", "ndcg@5", "--bands", "items:0.1")
    for command in ("table", "audit"):
        alone = call(command, finished, *asked, "--format", "csv").stdout
        assert "ndcg@5" in alone
        assert call(command, finished, other, *asked, "--format", "csv").stdout == alone
