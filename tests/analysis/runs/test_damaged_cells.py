"""Whatever lies in a run folder: one clear sentence each, and the rest goes on."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.run_on_paper import write_run_on_paper

from negbench.analysis.measures import bands, convergence, false_negatives, hardness
from negbench.analysis.measures.accuracy import accuracy
from negbench.analysis.measures.cost import cost
from negbench.analysis.report.write import page, write_plots
from negbench.analysis.runs import frames
from negbench.analysis.runs.frames import Run
from negbench.analysis.tables.footnotes import of_damage
from negbench.analysis.tables.main_table import render
from negbench.errors import NothingToReport

ANALYSES: list[Callable[[Run], Any]] = [
    accuracy,
    bands.bands,
    bands.activity,
    false_negatives.false_negatives,
    false_negatives.over_training,
    hardness.hardness,
    hardness.by_epoch,
    convergence.mean_curves,
    convergence.time_to,
    cost,
    frames.users,
    render,
]


@pytest.fixture
def hand(tmp_path: Path) -> Path:
    return write_run_on_paper(tmp_path / "run")


def damage_notes(run: Run) -> list[str]:
    return [note.text for note in of_damage(run)]


def cell_of(run: Path, method: str = "dns", seed: int = 0) -> Path:
    for folder in sorted((run / "cells").glob("[0-9a-f]*")):
        if not (folder / "cell.json").exists():
            continue
        spec = json.loads((folder / "cell.json").read_text())["spec"]
        if (spec["method"], spec["seed"]) == (method, seed):
            return folder
    raise LookupError(method)


def changed(folder: Path, change: Callable[[Any], Any]) -> None:
    path = folder / "cell.json"
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def arrays(folder: Path, **other: Any) -> None:
    with np.load(folder / "users.npz") as held:
        kept = {name: held[name] for name in held.files}
    named = {name: value for name, value in (kept | other).items() if value is not None}
    np.savez_compressed(folder / "users.npz", **named)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def spoilt(path: Path) -> None:
    """Bytes in the middle overwritten: the end still says it is a zip."""
    whole = bytearray(path.read_bytes())
    whole[40:400] = bytes(360)
    path.write_bytes(bytes(whole))


LOST: dict[str, tuple[Callable[[Path], Any], str]] = {
    "cut json": (lambda f: cut(f / "cell.json"), "is no JSON, or cut short"),
    "empty json": (lambda f: (f / "cell.json").write_text(""), "a cell must be whole"),
    "a list": (lambda f: (f / "cell.json").write_text("[1]"), "cell.json holds no record"),
    "a number": (lambda f: (f / "cell.json").write_text("3"), "cell.json holds no record"),
    "deep": (lambda f: (f / "cell.json").write_text("[" * 99999), "nested beyond reading"),
    "binary": (lambda f: (f / "cell.json").write_bytes(b"\xff\xfe\x00"), "is not text"),
    "no json": (lambda f: (f / "cell.json").unlink(), "holds no cell.json"),
    "a newer format": (lambda f: changed(f, lambda r: r.update(format=2)), "format 2 is newer"),
    "another format": (lambda f: changed(f, lambda r: r.update(format="x")), "format 'x', not 1"),
    "no spec": (lambda f: changed(f, lambda r: r.pop("spec")), "no spec or status"),
    "seed as a word": (lambda f: changed(f, lambda r: r["spec"].update(seed="1")), "has no seed"),
    "no metrics": (lambda f: changed(f, lambda r: r.pop("metrics")), "its metrics are no rows"),
    "metrics of another kind": (
        lambda f: changed(f, lambda r: r["metrics"].append({"split": "test", "value": "high"})),
        "its metrics are no rows",
    ),
    "no split": (lambda f: changed(f, lambda r: r.pop("split")), "says nothing of its split"),
    "half a split": (lambda f: changed(f, lambda r: r["split"].pop("hash")), "split.hash"),
    "bands of two lengths": (
        lambda f: changed(f, lambda r: r["bands"]["items"].pop()),
        "its bands are not lists of one length",
    ),
    "seconds as a list": (lambda f: changed(f, lambda r: r.update(seconds=[1])), "its seconds"),
    "words for counts": (
        lambda f: changed(f, lambda r: r["data"].update(n_items="many")),
        "its data.n_items is no count",
    ),
    "no exclusion": (lambda f: changed(f, lambda r: r["spec"].pop("exclude")), "no exclude"),
    "no arrays": (lambda f: (f / "users.npz").unlink(), "users.npz is missing or cut short"),
    "cut arrays": (lambda f: cut(f / "users.npz"), "users.npz is missing or cut short"),
    "a folder as record": (
        lambda f: ((f / "cell.json").unlink(), (f / "cell.json").mkdir()),
        "its cell.json is no file",
    ),
    "a pipe as record": (
        lambda f: ((f / "cell.json").unlink(), os.mkfifo(f / "cell.json")),
        "its cell.json is no file",
    ),
    "a link to itself": (
        lambda f: (shutil.rmtree(f), f.symlink_to(f)),
        "a cell must be whole",
    ),
}


@pytest.mark.parametrize("name", LOST)
def test_a_damaged_cell_is_left_out_in_one_sentence(hand: Path, name: str) -> None:
    damage, words = LOST[name]
    folder = cell_of(hand)
    damage(folder)
    run = frames.open_run(hand)
    assert len(run.cells) == 6
    (sentence,) = run.damaged
    assert words in sentence and folder.name in sentence
    assert "\n" not in sentence and "Traceback" not in sentence
    assert f"WARNING: 1 damaged cell was left out; the first: {sentence}." in damage_notes(run)


LATE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "pickles": (
        lambda f: arrays(f, users=np.array([{"a": 1}], dtype=object)),
        "it holds pickles, never read",
    ),
    "spoilt in the middle": (lambda f: spoilt(f / "users.npz"), "users.npz must be whole"),
    "no users": (lambda f: arrays(f, users=None), "it has no array `users`"),
    "users in a square": (lambda f: arrays(f, users=np.eye(2)), "it has no array `users`"),
    "words for users": (lambda f: arrays(f, users=np.array(list("abcde"))), "holds no numbers"),
    "too few values": (
        lambda f: arrays(f, **{"mrr@2/all": np.zeros(3)}),
        "mrr@2/all is of shape (3,) for 5 users",
    ),
    "junk for epochs": (lambda f: (f / "epochs.csv").write_text("PK\x03\x04\n"), "no column"),
    "binary for epochs": (lambda f: (f / "epochs.csv").write_bytes(b"\xff\xfe"), "is not text"),
    "empty epochs": (lambda f: (f / "epochs.csv").write_text(""), "no column `epoch`"),
    "epochs without epoch": (lambda f: (f / "epochs.csv").write_text("loss\n1\n"), "no column"),
    "epochs cut short": (lambda f: cut(f / "epochs.csv"), "a line is cut short"),
    "words in epochs": (
        lambda f: (f / "epochs.csv").write_text("epoch,loss\n1,good\n"),
        "could not convert",
    ),
    "a folder for epochs": (
        lambda f: ((f / "epochs.csv").unlink(), (f / "epochs.csv").mkdir()),
        "Is a directory",
    ),
}


@pytest.mark.parametrize("name", LATE)
def test_a_damaged_file_costs_that_file_alone(hand: Path, name: str) -> None:
    damage, words = LATE[name]
    folder = cell_of(hand)
    damage(folder)
    run = frames.open_run(hand)
    for analysis in (*ANALYSES, *ANALYSES[:3]):
        analysis(run)
    assert len(run.cells) == 7
    (sentence,) = run.damaged
    assert words in sentence and folder.name in sentence
    assert "\n" not in sentence
    assert f"WARNING: {sentence}." in damage_notes(run)
    # The values of the record stand: dns is .6 under both seeds.
    assert accuracy(run).set_index("row")["mean"]["dns"] == pytest.approx(0.6)


@pytest.mark.parametrize("missing", ["wall", "fnr", "valid_mrr@2", "gap_p50"])
def test_a_missing_column_is_only_not_shown(hand: Path, missing: str) -> None:
    for folder in (hand / "cells").iterdir():
        path = folder / "epochs.csv"
        if path.exists():
            path.write_text(path.read_text().replace(missing, "other", 1))
    run = frames.open_run(hand)
    for analysis in ANALYSES:
        analysis(run)
    assert run.damaged == ()


def test_strangers_in_the_folder(hand: Path) -> None:
    shutil.copytree(cell_of(hand), hand / "cells" / "a copy of it")
    (hand / "cells" / "notes.txt").write_text("mine")
    (hand / "cells" / "empty").mkdir()
    (hand / "cells" / ".DS_Store").write_text("")
    (hand / "cells" / "up").symlink_to(hand)
    (hand / "stray.pdf").write_text("")
    run = frames.open_run(hand)
    assert len(run.cells) == 7
    sentences = " ".join(run.damaged)
    assert len(run.damaged) == 3
    assert "notes.txt is not (it is a file, not the folder of a cell)" in sentences
    assert "empty is not (it holds no cell.json)" in sentences
    assert "WARNING: 3 damaged cells were left out" in render(run)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "must be JSON"),
        (b"[]", "is a list"),
        (b"\xff", "must be JSON"),
        (b"", "must be JSON"),
    ],
)
def test_a_broken_run_json(hand: Path, content: bytes, words: str) -> None:
    (hand / "run.json").write_bytes(content)
    run = frames.open_run(hand)
    (sentence,) = run.damaged
    assert sentence.startswith("run.json must be") and words in sentence
    assert len(run.cells) == 7


def test_what_no_analysis_needs_is_noted(hand: Path) -> None:
    (hand / "results.csv").unlink()
    (hand / "run.json").unlink()
    run = frames.open_run(hand)
    assert run.damaged == ()
    assert len(run.remarks) == 2
    sentence = f"Note: results.csv is missing in {hand}; the numbers here are read from its cells."
    assert sentence in damage_notes(run)
    assert "Note: results.csv is missing" in render(run)


def test_without_any_cell_there_is_nothing_to_report(hand: Path) -> None:
    for folder in (hand / "cells").iterdir():
        cut(folder / "cell.json")
    with pytest.raises(NothingToReport, match="has none .a cell must be whole"):
        frames.open_run(hand)
    shutil.rmtree(hand / "cells")
    with pytest.raises(NothingToReport, match="holds no cell"):
        frames.open_run(hand)
    (hand / "cells").write_text("")
    with pytest.raises(NothingToReport, match="holds no cell"):
        frames.open_run(hand)
    loop = hand / "loop"
    loop.symlink_to(loop)
    with pytest.raises(NothingToReport, match="a run folder must exist"):
        frames.open_run(loop)


def test_what_may_not_be_read(hand: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a user without the rights; the tests may run as one who has them all."""
    real, closed = Path.read_text, cell_of(hand)

    def read_text(path: Path, *given: Any, **named: Any) -> str:
        if path.parent == closed or path.name == "run.json":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *given, **named)

    monkeypatch.setattr(Path, "read_text", read_text)
    run = frames.open_run(hand)
    assert len(run.cells) == 6
    cell, start = run.damaged
    assert "(Permission denied); make it readable" in cell
    assert "run.json must be JSON" in start
    monkeypatch.undo()

    def listdir(_: Any) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", listdir)
    with pytest.raises(NothingToReport, match="cells must be readable"):
        frames.open_run(hand)


def test_page_and_plots_go_on_and_say_it(hand: Path, tmp_path: Path) -> None:
    spoilt(cell_of(hand, "dns", 1) / "users.npz")
    (cell_of(hand, "random", 1) / "epochs.csv").write_text("junk")
    cut(cell_of(hand, "popularity") / "cell.json")
    (hand / "run.json").write_text("{")
    text = page(frames.open_run(hand))
    starts = ("a cell must be whole", "users.npz must be", "epochs.csv must be", "run.json must")
    for sentence in starts:
        assert sentence in text, sentence
    assert write_plots(frames.open_run(hand), tmp_path / "plots", ["bands", "convergence"])
