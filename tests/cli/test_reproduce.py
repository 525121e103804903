"""The command `reproduce`: its list, a tiny block from end to end, and its exit codes."""

import json

import pytest
from click.testing import CliRunner

from negbench.cli import main
from negbench.experiment.estimate.pairing import Pairing
from negbench.reproduction import listing, targets
from negbench.reproduction.targets import block_of

DATA = "synthetic(users=40,items=60,interactions=800,relevant=0.4)"


def call(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def tiny(monkeypatch):
    block = block_of(
        {
            "name": "tiny",
            "title": "Made data",
            "dataset": DATA,
            "backbone": "mf",
            "source": "nowhere",
            "selected": "T",
            "tolerance": 0.03,
            "metrics": ["recall@20"],
            "theirs": {"mask": "train", "epochs": 2, "patience": 2},
            "settings": {"dim": 4, "batch_size": 256},
            "rows": [
                {"name": "rns", "method": "random", "values": [0.3], "settings": {"lr": 0.1}},
                {"name": "dns", "method": "dns(candidates=2)", "values": [0.4]},
                {"name": "popular", "reference": "most_popular", "values": [0.3]},
                {"name": "gone", "method": "no_such_method", "values": [0.5]},
            ],
        }
    )
    for module in (targets, listing):
        monkeypatch.setattr(module, "blocks", lambda: {"tiny": block})
    return block


def test_without_a_block_it_lists_what_was_published(tmp_path):
    result = call("reproduce", "-o", tmp_path)
    assert result.exit_code == 0 and not list(tmp_path.iterdir())
    assert "health-mf   Amazon Health, MF: losses   data ir_health   recall@20 / ndcg@20" in (
        result.stdout
    )
    rows = [line for line in result.stdout.splitlines() if line.startswith("  ")]
    assert len(rows) >= 60 and all("chosen" in line for line in rows)
    assert any(
        line.split()[:8] == "sl20 .1823 / .1390 chosen Vt upper needs".split() for line in rows
    )


def test_a_block_is_trained_compared_and_gone_on_with(tiny, tmp_path):
    words = ("reproduce", "tiny", "-o", tmp_path, "--no-progress")
    first = call(*words, "--seeds", 2)
    assert first.exit_code == 0, first.output
    assert "skip   tiny:gone: method no_such_method is not registered" in first.stdout
    assert "2 methods x 2 seeds + 1 reference = 5 cells" in first.stdout
    (theirs,) = (tmp_path / "tiny").iterdir()
    cells = sorted(path.name for path in (theirs / "cells").iterdir())
    assert theirs.name == "theirs" and len(cells) == 5
    row = next(line for line in first.stdout.splitlines() if line.startswith("rns "))
    assert "T upper" in row and "(2 seeds)" in row and "2 of 3 seeds" in row
    assert "order  recall@20 under their protocol: tau" in first.stdout

    stamps = {name: (theirs / "cells" / name).stat().st_mtime_ns for name in cells}
    again = call(*words, "--seeds", 2, "--protocol", "both", "-q")
    assert again.exit_code == 0 and again.stdout.startswith("tiny   Made data")
    assert stamps == {name: (theirs / "cells" / name).stat().st_mtime_ns for name in cells}
    assert len(list((tmp_path / "tiny" / "ours" / "cells").iterdir())) == 5
    (block,) = json.loads(call(*words, "--no-train", "--format", "json").stdout)
    by_row = {each["row"]: each for each in block["rows"]}
    assert by_row["dns"]["theirs_seeds"] == by_row["dns"]["ours_seeds"] == 2
    assert by_row["gone"]["verdict"].startswith("not run") and len(block["orders"]) == 2
    state = call("reproduce", "-o", tmp_path).stdout
    assert "theirs 2 seeds, ours 2 seeds: " in state and "4 rows in 1 block; 3 can be run" in state


def test_single_rows_and_a_dry_run(tiny, tmp_path):
    result = call("reproduce", "tiny:dns", "-o", tmp_path, "--dry-run", "--seeds", 1)
    assert result.exit_code == 0 and "1 data set x 1 backbone x 1 method" in result.stdout
    assert "nothing was written" in result.stdout and not list(tmp_path.iterdir())
    result = call("reproduce", "all", "-o", tmp_path, "--no-train", "--format", "csv")
    assert result.exit_code == 0 and result.stdout.count("\n") == 5


def test_the_exit_code_of_a_dry_run_tells_that_a_row_would_fail(tiny, tmp_path, monkeypatch):
    def fail(self):
        raise RuntimeError("no step today")

    monkeypatch.setattr(Pairing, "costs", fail)
    result = call("reproduce", "tiny:dns", "-o", tmp_path, "--dry-run", "--seeds", 1)
    assert result.exit_code == 1 and "RuntimeError: no step today" in result.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nowhere"], "blocks must be known; got 'nowhere'"),
        (["tiny:nix"], "rows of tiny must be known; got 'nix'"),
        (["tiny", "--protocol", "mine"], "--protocol must be one of theirs, ours, both"),
        (["tiny", "--format", "pdf"], "--format must be one of text, md, csv, json"),
        (["tiny", "--seeds", "x"], "seeds"),
        (["tiny:gone"], "no row of tiny can be run here: method no_such_method"),
    ],
)
def test_mistakes_are_one_sentence(tiny, tmp_path, words, sentence):
    result = call("reproduce", *words, "-o", tmp_path)
    assert result.exit_code == 2 and sentence in result.stderr and not list(tmp_path.iterdir())


def test_absent_data_are_code_3_alone_and_skipped_among_several(tiny, tmp_path, monkeypatch):
    absent = block_of(
        {
            "name": "away",
            "title": "Absent",
            "dataset": "ir_health",
            "backbone": "mf",
            "source": "nowhere",
            "selected": "V",
            "tolerance": 0.03,
            "metrics": ["recall@20"],
            "settings": {},
            "rows": [{"name": "rns", "method": "random", "values": [0.3]}],
        }
    )
    monkeypatch.setattr(targets, "blocks", lambda: {"away": absent, "tiny": tiny})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("negbench.data.download.mirrors._from_mirror", lambda *_: "no network")
    words = ("-o", tmp_path / "out", "--seeds", 1, "--no-progress")
    assert call("reproduce", "away", *words).exit_code == 3
    both = call("reproduce", "all", *words)
    assert both.exit_code == 1 and "negbench: away: no mirror gave" in both.stderr
    assert "tiny   Made data" in both.stdout
