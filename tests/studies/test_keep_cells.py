"""studies/keep_cells.py: what it keeps gives the tables, tests and leaderboard of the whole run."""

import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.small_runs import go

from negbench.cli import main

SCRIPT = Path(__file__).resolve().parents[2] / "studies" / "keep_cells.py"


def keep(run, kept):
    return subprocess.run([sys.executable, SCRIPT, run, kept], capture_output=True, text=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    go(out, methods=["random", "dns", "dns(candidates=4)"], references=["most_popular"], seeds=2)
    return out


@pytest.fixture(scope="module")
def kept(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    done = keep(run, folder)
    assert done.returncode == 0 and done.stdout.startswith("4 rows written"), done.stderr
    return folder


@pytest.fixture(scope="module")
def unpacked(kept, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    for path in kept.glob("*.tar.xz"):
        with tarfile.open(path) as archive:
            archive.extractall(folder, filter="data")
    return folder


def test_an_archive_a_row_and_the_same_bytes_again(run, kept, tmp_path):
    names = sorted(path.name for path in kept.iterdir())
    assert [name.rpartition("-")[0].partition("-")[2] for name in names] == [
        "mf-dns",
        "mf-dns",
        "mf-random",
        "reference-most_popular",
    ]
    keep(run, tmp_path)
    assert all((tmp_path / name).read_bytes() == (kept / name).read_bytes() for name in names)


@pytest.mark.parametrize(
    "words",
    [
        ("table", "--format", "csv"),
        ("compare", "--format", "csv"),
        ("compare", "--metric", "recall@20", "--format", "csv"),
        ("audit", "--format", "csv"),
    ],
    ids=" ".join,
)
def test_what_is_read_of_it_is_as_of_the_run(run, unpacked, words):
    whole, less = (
        CliRunner().invoke(main, [words[0], str(folder), *words[1:]]) for folder in (run, unpacked)
    )
    assert whole.exit_code == less.exit_code == 0, less.output
    assert less.stdout == whole.stdout


def test_a_leaderboard_is_made_of_it(unpacked, tmp_path):
    done = CliRunner().invoke(
        main, ["leaderboard", str(unpacked), "--metrics", "ndcg@20,recall@20", "-o", str(tmp_path)]
    )
    assert done.exit_code == 0, done.output


def test_lists_and_other_metrics_are_left_out(unpacked):
    path = next(unpacked.glob("cells/*/users.npz"))
    with np.load(path) as arrays:
        assert "top" not in arrays.files and "ndcg@20/tail" in arrays.files
        assert not any(name.startswith(("map", "ndcg@10")) for name in arrays.files)
    assert not list(unpacked.glob("cells/*/ranks.npz"))
