"""The archive of a run: whole, checkable, the same twice, and without what may not leave."""

import csv
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers.run_with_ids import pairs_of, write_run_with_ids

from negbench.cli import main
from negbench.experiment.api import open_run
from negbench.experiment.finished.run import Run
from negbench.storage import split_store
from negbench.storage.atomic_write import write_json


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of two split parts with ids; figures and the report are stubs, for they take long."""
    folder = write_run_with_ids(tmp_path / "me" / "paper")
    for cell in folder.glob("cells/*/cell.json"):
        record = json.loads(cell.read_text("utf-8"))
        write_json(cell, record | {"environment": {"negbench": "0.1.0", "python": "3.11"}})
    command = f"negbench run -d hand -o {folder}"
    options = {"datasets": ["hand"], "out": str(folder), "plugins": [str(tmp_path / "p.py")]}
    write_json(
        folder / "run.json",
        {"command": command, "started": "2026-01-01", "options": options, "experiment": options},
    )
    monkeypatch.setattr(Run, "plot", _plot)
    monkeypatch.setattr(Run, "report", _report)
    return folder


def _plot(run: Run, folder: str, formats: Any) -> list[Path]:
    (Path(folder) / "f.csv").write_text("a\n1\n", "utf-8")
    return [Path(folder) / "f.csv"]


def _report(run: Run, path: Path) -> Path:
    path.write_text(f"<p>{run.folder.absolute()}</p>", "utf-8")
    return path


def files(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as packed:
        return {name.partition("/")[2]: packed.read(name) for name in packed.namelist()}


def test_it_holds_what_claims_rest_on_and_the_hash_of_each(run: Path, tmp_path: Path) -> None:
    path, left_out = open_run(run).bundle(tmp_path / "b.zip")
    content = files(path)
    names = {"README.md", "results.csv", "references.bib", "report.html", "figures/f.csv"}
    names |= {"experiment/run.json", "experiment/settings.csv", "splits/index.csv"}
    names |= {f"tables/{n}" for n in ("main.txt", "main.csv", "paper.tex", "appendix.tex")}
    names |= {f"tables/{n}" for n in ("compare.txt", "compare.csv", "audit.txt", "audit.csv")}
    assert names <= set(content), (names - set(content), left_out)
    lines = content.pop("SHA256SUMS").decode().splitlines()
    assert {line.split("  ")[1]: line.split("  ")[0] for line in lines} == {
        name: hashlib.sha256(text).hexdigest() for name, text in content.items()
    }
    assert content["tables/main.txt"].decode().rstrip("\n") == open_run(run).table().rstrip("\n")
    readme = content["README.md"].decode()
    assert "negbench run experiment/run.json -o again/experiment" in readme
    assert "negbench 0.1.0" in readme
    assert "have to be put into this folder first: p.py." in readme


def test_it_is_the_same_twice_and_no_path_of_the_machine_leaves(run: Path, tmp_path: Path) -> None:
    first, _ = open_run(run).bundle(tmp_path / "1.zip")
    second, _ = open_run(run).bundle(tmp_path / "2.zip")
    assert first.read_bytes() == second.read_bytes()
    for name, text in files(first).items():
        for private in (str(tmp_path), str(Path.home()), "/me/"):
            assert private.encode() not in text, name
    info = json.loads(files(first)["experiment/run.json"])
    assert info["experiment"]["plugins"] == ["p.py"] and info["command"].endswith("-o paper")


def test_pairs_are_packed_by_the_ids_of_the_data(run: Path, tmp_path: Path) -> None:
    content = files(open_run(run).bundle(tmp_path / "b.zip")[0])
    for part in ("train", "valid", "test"):
        text = content[f"splits/hand-5a6/{part}.csv"].decode()
        lines = list(csv.reader(io.StringIO(text, newline="")))
        assert lines[0] == ["user", "item"]
        assert [tuple(line) for line in lines[1:]] == pairs_of(part), part
    assert b"CC0" in content["README.md"] and b"pairs packed" in content["README.md"]


def test_pairs_that_may_not_be_passed_on_are_not_packed(run: Path, tmp_path: Path) -> None:
    for cell in run.glob("cells/*/cell.json"):
        record = json.loads(cell.read_text("utf-8"))
        record["data"]["licence"] = "research, no redistribution"
        write_json(cell, record)
    path, left_out = open_run(run).bundle(tmp_path / "b.zip")
    content = files(path)
    assert [name for name in content if name.startswith("splits/")] == ["splits/index.csv"]
    assert left_out == ['pairs of hand: its terms say "no redistribution"']
    assert b'its terms say "no redistribution"' in content["README.md"]
    assert b"not packed" in content["splits/index.csv"] and b"5a6" in content["splits/index.csv"]


def test_what_the_run_does_not_keep_is_named(run: Path, tmp_path: Path) -> None:
    split_store.path_of(run, "5a6").unlink()
    (run / "run.json").unlink()
    path, left_out = open_run(run).bundle(tmp_path / "b.zip")
    assert any(sentence.startswith("pairs of hand: ") for sentence in left_out)
    readme = files(path)["README.md"].decode()
    assert "Not in this archive" in readme and "nothing can be run again" in readme


def test_the_command_writes_beside_the_run_and_never_over_a_file(run: Path) -> None:
    done = CliRunner().invoke(main, ["bundle", str(run)])
    written = run.with_name("paper-bundle.zip")
    assert done.exit_code == 0 and written.is_file() and str(written) in done.output
    before = written.read_bytes()
    done = CliRunner().invoke(main, ["bundle", str(run)])
    assert done.exit_code == 2 and "--out must be new" in done.stderr
    assert written.read_bytes() == before
    done = CliRunner().invoke(main, ["bundle", str(run), "-o", str(run / "no" / "b.zip")])
    assert done.exit_code == 2 and "in a folder that is there" in done.stderr
