"""Without --seeds a run takes five, or three where five would take over an hour."""

import json

import pytest
from click.testing import CliRunner
from helpers.small_runs import DATA
from helpers.small_search import write_row

import negbench
from negbench.cli import main
from negbench.experiment import console, default_seeds
from negbench.experiment.estimate.grid import GridEstimate, estimate

WORDS = ["run", "-d", DATA, "-m", "random", "--epochs", "1", "--dim", "8", "--no-progress"]


def call(*words):
    result = CliRunner().invoke(main, [*WORDS, *map(str, words)])
    assert result.exit_code == 0, result.output
    return result.output


def seeds_of(out):
    return json.loads((out / "run.json").read_text())["experiment"]["seeds"]


@pytest.fixture
def slow(monkeypatch):
    """As if the grid took two hours."""
    monkeypatch.setattr(GridEstimate, "likely_of_all", lambda self, cells: 7200.0)


def test_five_where_the_estimate_allows(tmp_path):
    shown = call("-o", tmp_path / "run")
    assert "x 5 seeds = 5 cells" in shown and "seeds  " not in shown
    assert seeds_of(tmp_path / "run") == [0, 1, 2, 3, 4]


def test_three_where_five_would_take_long_and_a_line_says_so(tmp_path, slow):
    shown = call("-o", tmp_path / "run")
    assert "seeds  3, for 5 would take about 2.0 h; --seeds 5 to have them\n" in shown
    assert "x 3 seeds = 3 cells" in shown and seeds_of(tmp_path / "run") == [0, 1, 2]


def test_asked_for_seeds_are_taken_however_long(tmp_path, slow):
    shown = call("-o", tmp_path / "run", "--seeds", "4", "--dry-run")
    assert "x 4 seeds" in shown and "seeds  " not in shown


def test_a_folder_keeps_its_seeds(tmp_path, monkeypatch):
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(GridEstimate, "likely_of_all", lambda self, cells: 7200.0)
        call("-o", out)
    shown = call("-o", out)
    line = "seeds  3 seeds (0, 1, 2), as the finished cells of this folder; --seeds 5 for 5"
    assert line in shown and "3 of them there already" in shown
    call("-o", out, "--seeds", "5")
    assert "5 of them there already" in call("-o", out, "--seeds", "5")


def test_a_folder_that_lost_its_run_json_takes_five(tmp_path):
    out = tmp_path / "run"
    call("-o", out, "--seeds", "2")
    (out / "run.json").unlink()
    assert "x 5 seeds = 5 cells, 2 of them there already" in call("-o", out)


def test_shards_do_not_depend_on_the_speed_of_their_machine(tmp_path, slow):
    assert "x 5 seeds" in call("-o", tmp_path / "run", "--shard", "1/5")


def test_no_estimate_in_time_is_taken_for_long(tmp_path, monkeypatch):
    monkeypatch.setattr(default_seeds, "estimate", lambda *a, **k: GridEstimate({}, 1, True))
    shown = call("-o", tmp_path / "run")
    assert "seeds  3, for 5 could not be estimated; --seeds 5 to have them" in shown


def test_python_takes_the_same_and_says_so_in_the_log(tmp_path, slow, caplog):
    asked = {"datasets": DATA, "methods": "random", "epochs": 1, "progress": False}
    negbench.run(**asked, out=tmp_path / "run")
    assert seeds_of(tmp_path / "run") == [0, 1, 2]
    assert "seeds  3, for 5 would take about 2.0 h" in caplog.text


def test_an_estimate_that_is_not_of_all_pairings_says_so(tmp_path, monkeypatch):
    def cut(cells, scenarios, out, **how):
        known = estimate(cells, scenarios, out, device="cpu")
        first = dict(list(known.known.items())[:1])
        return GridEstimate(first, known.pairings, True)

    words = ("-m", "dns", "--seeds", "2", "--references", "most_popular")
    whole = call("-o", tmp_path / "run", *words, "--dry-run")
    assert " if no cell stops early), 1 cell at a time; nothing was written" in whole
    assert "pairings" not in whole
    monkeypatch.setattr(console, "estimate", cut)
    shown = call("-o", tmp_path / "run", *words)
    assert "; estimate of 1 of 2 pairings: about " in shown and "if no cell stops early)" in shown
    monkeypatch.setattr(console, "estimate", lambda *a, **k: GridEstimate({}, 2, True))
    assert "; no estimate of its 2 pairings" in call("-o", tmp_path / "other", *words)
    assert "\nnothing to train; nothing was written" in call(
        "-o", tmp_path / "run", *words, "--dry-run"
    )


def test_one_seed_is_warned_of(tmp_path):
    shown = call("-o", tmp_path / "run", "--seeds", "1", "--dry-run")
    assert "note   1 seed: tests cover users alone; take 5" in shown


def test_tuned_rows_take_seeds_that_no_search_chose_by(tmp_path):
    """Seeds 0 and up served the choice."""
    out, source = tmp_path / "run", tmp_path / "tuned"
    write_row(source, "random", "random@lr=0.02")
    words = ["run", "-d", DATA, "-m", "random", "--tuned", str(source), "-o", str(out), "-q"]
    for _ in range(2):
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, done.output
        assert seeds_of(out) == [100, 101, 102, 103, 104]
        assert len(list((out / "cells").iterdir())) == 5
