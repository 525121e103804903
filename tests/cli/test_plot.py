from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from negbench.cli import show


@pytest.mark.parametrize(
    ("asked", "folders", "kinds"),
    [
        (["a"], ["a"], []),
        (["a", "bands"], ["a"], ["bands"]),
        (["a", "b", "bands", "tail"], ["a", "b"], ["bands", "tail"]),
        (["a", "bands,tail", "b"], ["a", "b"], ["bands,tail"]),
        (["missing", "b"], ["missing", "b"], []),
        (["a", "./bands"], ["a", "bands"], []),
        (["bands", "bands"], ["bands"], ["bands"]),
    ],
)
def test_words_are_folders_or_kinds(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    asked: list[str],
    folders: list[str],
    kinds: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "bands"):
        (tmp_path / name).mkdir()
    calls = []

    class Opened:
        def __init__(self, paths: list[Path], bands: str | None = None) -> None:
            self.paths, self.unfinished = paths, ""
            self.records = SimpleNamespace(damaged=())

        def plot(self, *chosen: str, formats: list[str], **_: object) -> list[Path]:
            calls.append(([str(path) for path in self.paths], list(chosen), formats))
            return [Path("x.pdf")]

    monkeypatch.setattr("negbench.experiment.finished.run.open_run", Opened)
    result = CliRunner().invoke(show.plot, [*asked, "--format", "png"])
    assert result.exit_code == 0, result.output
    flat = [kind for word in kinds for kind in word.split(",")]
    assert calls == [(folders, flat, ["png"])]


def test_all_takes_no_heed_of_kinds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    result = CliRunner().invoke(show.plot, [str(tmp_path / "no"), "--all"])
    assert result.exit_code != 0 and "must exist" in str(result.exception)
