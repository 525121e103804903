"""`negbench leaderboard`: what it writes and prints, its check, and a sentence for each mistake."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from helpers.graded_run import write_graded

from negbench.cli import main


def call(*words: object) -> Result:
    return CliRunner().invoke(main, ["leaderboard", *map(str, words)])


@pytest.fixture
def study(tmp_path: Path, write: Any) -> Path:
    return write_graded(write, tmp_path / "study", {"random": 0.1, "dns": 0.2})


def test_the_folder_has_a_page_and_the_same_data_beside_it(study: Path, tmp_path: Path) -> None:
    result = call(study, "-o", tmp_path / "board")
    assert result.exit_code == 0, result.output
    assert {path.name for path in (tmp_path / "board").iterdir()} == {"index.html", "data.json"}
    data = json.loads((tmp_path / "board" / "data.json").read_text("utf-8"))
    page = (tmp_path / "board" / "index.html").read_text("utf-8")
    inside = page.split('<script type="application/json" id="data">')[1].split("</script>")[0]
    assert json.loads(inside) == data
    first, last = result.output.strip().splitlines()
    assert first == f"{data['sources'][0]['hash'][:12]}  {study}  6 cells."
    assert last == str(tmp_path / "board" / "index.html")


def test_check_tells_whether_the_page_is_what_the_runs_give_and_writes_nothing(
    study: Path,
) -> None:
    assert call(study).exit_code == 0
    path = study / "leaderboard" / "data.json"  # the folder without -o
    result = call(study, "--check")
    assert result.exit_code == 0 and "is what these runs give" in result.output
    data = json.loads(path.read_text("utf-8"))
    data["blocks"][0]["rows"][0]["metrics"]["ndcg@20"]["bands"]["all"]["mean"] += 0.1
    path.write_text(json.dumps(data), "utf-8")
    before = path.read_bytes()
    result = call(study, "--check")
    assert result.exit_code == 1 and path.read_bytes() == before
    assert "rows[dns].metrics.ndcg@20.bands.all.mean: 0.3" in result.output
    assert "is not what these runs give" in result.output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--check"], "--check needs the data.json of a leaderboard"),
        (["--hash", "0123456789ab"], "--hash must be that of a run given"),
        (["--metrics", "ndcgg@20"], "ndcg"),
        (["-o", "no/such/folder"], "--out must be a folder, in one that is there"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_written(
    study: Path, words: list[str], sentence: str
) -> None:
    before = sorted(study.rglob("*"))
    result = call(study, *words)
    assert result.exit_code == 2 and sentence in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert sorted(study.rglob("*")) == before


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    result = call(tmp_path / "nowhere")
    assert result.exit_code in (2, 4) and "nowhere" in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_is_not_there_is_named(tmp_path):
    end = CliRunner().invoke(main, ["leaderboard", str(tmp_path / "none")])
    assert end.exit_code == 4 and "a run folder must exist" in end.stderr
