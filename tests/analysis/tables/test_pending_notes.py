"""A partial run says how many cells are pending, in every output."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.run_on_paper import write_run_on_paper

from negbench.analysis.figures import plots_of
from negbench.analysis.report.write import page
from negbench.analysis.runs.frames import open_run
from negbench.analysis.tables.main_table import main_table
from negbench.analysis.verdict.verdict import verdicts
from negbench.cli import main
from negbench.storage.atomic_write import write_json

SENTENCE = "3 of 10 cells pending"


def entry(cell, method, seed):
    words = {"dataset": "books", "backbone": "mf", "backbone_variant": "", "variant": ""}
    return {**words, "cell": cell, "method": method, "seed": seed}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of seven cells, audited."""
    return write_run_on_paper(tmp_path / "run")


@pytest.fixture
def partial(folder: Path) -> Path:
    """The run with a plan of three cells more."""
    names = [path.name for path in (folder / "cells").iterdir()]
    there = [entry(name, f"m{at}", at) for at, name in enumerate(names)]
    absent = [entry(f"no{seed}", "late", seed) for seed in range(3)]
    write_json(folder / "run.json", {"command": "negbench run", "cells": [*there, *absent]})
    return folder


def call(*words):
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done


def test_a_run_counts_what_its_plan_lacks(partial, folder):
    run = open_run(partial)
    assert (run.planned, run.pending) == (10, 3)
    write_json(folder / "run.json", {"command": "negbench run"})
    assert (open_run(folder).planned, open_run(folder).pending) == (0, 0)


@pytest.mark.parametrize(
    "words",
    [
        *(("table", "--format", form) for form in ("text", "md", "html", "latex", "csv")),
        *(("compare", "--format", form) for form in ("text", "md", "json", "csv")),
        *(("audit", "--format", form) for form in ("text", "md", "json", "csv")),
    ],
)
def test_tables_say_so_and_csv_beside_them(partial, words, tmp_path):
    shown, written = call(words[0], partial, *words[1:]), tmp_path / "written"
    assert SENTENCE in (shown.stderr if "csv" in words else shown.stdout)
    beside = call(words[0], partial, *words[1:], "-o", written)
    assert SENTENCE in (beside.stderr if "csv" in words else written.read_text())


def test_the_caption_of_a_table_for_a_paper_says_so(partial):
    text = call("table", partial, "--format", "latex").stdout
    assert all(SENTENCE in part for part in text.split("\\caption[")[1:])


def test_status_plots_captions_report_and_verdict_say_so(partial, monkeypatch):
    assert "3 pending" in call("status", partial).stdout
    assert len(json.loads(call("status", partial, "--json").stdout)["pending"]) == 3
    assert SENTENCE in call("plot", partial, "ranks", "--format", "png").stderr
    run = open_run(partial)
    assert all(SENTENCE in plot.caption for plot in plots_of(run, ["ranks"]))
    for verdict in verdicts(run, main_table(run)):
        assert any(SENTENCE in sentence for sentence in verdict.sentences)
    monkeypatch.setattr("negbench.analysis.report.page.KINDS", {})
    assert f"<b>{SENTENCE}" in page(run)


def test_a_whole_run_says_nothing(folder):
    for words in (("table",), ("compare",), ("audit",), ("table", "--format", "csv")):
        done = call(words[0], folder, *words[1:])
        assert "pending" not in done.stdout + done.stderr
