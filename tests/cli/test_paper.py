"""`table --format paper` and `appendix`, `cite` and `info --bibtex`: options, files, refusals."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from helpers.latex_tables import assert_sound, rows
from helpers.run_on_paper import write_run_on_paper

from negbench.cli import main
from negbench.experiment.api import open_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run_on_paper(tmp_path / "run")


def invoked(*words: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, words)))


def test_the_options_choose_rows_columns_names_and_label(run: Path, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("dns, \\textsc{Dns}\n", "utf-8")
    out = tmp_path / "t.tex"
    words = ["--rows", "random,dns", "--columns", "mrr@2,hand", "--names", names, "--spread"]
    done = invoked("table", run, "--format", "paper", *words, "--label", "tab:own", "-o", out)
    assert done.exit_code == 0, done.output
    text = out.read_text("utf-8")
    assert_sound(text)
    assert list(rows(text)) == ["Method", "random", "\\textsc{Dns}"]
    assert "\\label{tab:own}" in text and "\\pm" in text
    assert text.rstrip("\n") == open_run(run).paper(
        rows=["random", "dns"], columns=["mrr@2", "hand"], names=names, spread=True, label="tab:own"
    ).rstrip("\n")


def test_the_appendix_holds_the_protocol_and_every_setting(run: Path) -> None:
    done = invoked("table", run, "--format", "appendix")
    assert done.exit_code == 0
    assert_sound(done.output)
    assert "full ranking over 6 items" in done.output and "Settings: hand" in done.output
    assert {"dns", "random", "popularity"} <= set(rows(done.output))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--rows", "dns"], "--rows is an option of --format paper; got --format text"),
        (["--spread", "--format", "md"], "--spread is an option of --format paper"),
        (["--format", "appendix", "--width", "400"], "--width is an option of --format paper"),
        (["--format", "appendix", "--vs", "dns"], "--vs is no option of --format appendix"),
        (["--format", "papers"], "must be one of text, md, csv, latex, html, paper, appendix"),
        (["--format", "paper", "--rows", "dnss"], "--rows must be rows of the table"),
        (["--format", "paper", "--names", "no.txt"], "--names must be a text file"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_nothing_is_written(
    run: Path, tmp_path: Path, words: list[str], sentence: str
) -> None:
    done = invoked("table", run, *words, "-o", tmp_path / "t.tex")
    assert done.exit_code == 2 and done.stderr.startswith("negbench: ")
    assert sentence in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "t.tex").exists()


def test_compare_and_audit_are_latex_too(run: Path) -> None:
    for command in ("compare", "audit"):
        done = invoked(command, run, "--format", "latex")
        assert done.exit_code == 0, done.output
        assert_sound(done.output)


def test_cite_and_info_give_bibtex(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.bib"
    assert invoked("cite", run, "-o", out).exit_code == 0
    assert "@misc{negbench," in out.read_text("utf-8")
    done = invoked("info", "dns", "--bibtex")
    assert done.output.startswith("@inproceedings{zhang2013optimizing,")
    assert invoked("info", "negbench", "--bibtex").output.startswith("@misc{negbench,")
    done = invoked("info", "most_popular", "--bibtex")
    assert done.exit_code == 2 and "--bibtex needs a card with a paper" in done.stderr
