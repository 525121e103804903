"""The command `tuning`: its formats, its exit codes, and what it says of pending trials."""

import json

import pytest
from click.testing import CliRunner
from helpers.search_files import pending, search, three_rows, write

from negbench.cli import main


def call(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def run(tmp_path):
    return write(tmp_path / "run", three_rows())


def test_it_prints_the_tables_of_a_folder_without_cells(run):
    result = call("tuning", run)
    assert result.exit_code == 0 and result.stderr == ""
    assert "n>random" in result.stdout and "never" in result.stdout


@pytest.mark.parametrize("format_", ["text", "md", "csv", "latex", "json"])
def test_a_file_holds_what_the_screen_shows(run, tmp_path, format_):
    shown = call("tuning", run, "--format", format_).stdout
    assert call("tuning", run, "--format", format_, "-o", tmp_path / "out").stdout == ""
    assert (tmp_path / "out").read_text("utf-8") == shown


def test_several_folders_are_read_as_one(run, tmp_path):
    other = write(tmp_path / "other", [search("bpr_plus", [(0.9, 0.9)])])
    (block,) = json.loads(call("tuning", run, other, "--format", "json").stdout)["blocks"]
    assert [row["row"] for row in block["rows"]] == ["bpr_plus", "dns", "random", "ease"]


def test_csv_warns_of_pending_trials_beside_it(tmp_path):
    part = write(tmp_path / "part", [search("random", [(0.1, 0.2), pending(1)])])
    result = call("tuning", part, "--format", "csv")
    assert result.exit_code == 0 and "WARNING" not in result.stdout
    assert result.stderr.startswith("negbench: WARNING: 1 of 1 rows have trials pending")
    assert call("tuning", part).stderr == ""


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["nowhere"], 4, "a folder must hold searches"),
        ([], 2, "RUN_DIRS"),
        (["run", "--format", "pdf"], 2, "must be one of text"),
        (["run", "-o", "absent/out"], 2, "--out must be a file"),
    ],
)
def test_mistakes_are_one_sentence(run, monkeypatch, words, code, sentence):
    monkeypatch.chdir(run.parent)
    result = call("tuning", *words)
    assert result.exit_code == code and sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1 and result.stdout == ""
    assert not (run.parent / "absent").exists()


def test_a_space_that_is_typed_goes_over_that_of_the_file(tmp_path, monkeypatch):
    """It ended in a traceback: the file's own was then taken for a number of the protocol."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.toml").write_text('[tune]\ntrials = 2\nspace = "absent.toml"\n')
    (tmp_path / "own.toml").write_text("[dns]\nnothing = [1]\n")
    for words, sentence in (([], "'absent.toml'"), (["--space", "own.toml"], "got 'nothing'")):
        result = call("tune", "study.toml", "--dry-run", *words)
        assert result.exit_code == 2 and sentence in result.stderr
