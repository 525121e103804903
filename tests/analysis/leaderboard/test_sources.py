"""Runs of a leaderboard: what their hash is of, how one is added, and what is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.graded_run import write_graded

from negbench.analysis.leaderboard.board import board
from negbench.analysis.leaderboard.check import differences
from negbench.analysis.leaderboard.page import data_text
from negbench.analysis.leaderboard.sources import read_source
from negbench.analysis.runs.frames import open_run
from negbench.errors import UserError


def edit(cell: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    record = json.loads((cell / "cell.json").read_text("utf-8"))
    change(record)
    (cell / "cell.json").write_text(json.dumps(record), "utf-8")


def cell_of(run: Path, method: str, seed: int = 0) -> Path:
    for path in sorted(run.glob("cells/*/cell.json")):
        spec = json.loads(path.read_text("utf-8"))["spec"]
        if (spec["method"], spec["seed"]) == (method, seed):
            return path.parent
    raise AssertionError(method)


def hash_of(run: Path) -> str:
    return read_source(run, open_run(run)).hash


@pytest.fixture
def study(tmp_path: Path, write: Any) -> Path:
    return write_graded(write, tmp_path / "study", {"random": 0.1, "dns": 0.2})


@pytest.fixture
def mine(tmp_path: Path, write: Any) -> Path:
    return write_graded(write, tmp_path / "mine", {"mixed": 0.3})


def test_the_hash_is_of_the_results_and_not_of_seconds_or_places(
    study: Path, tmp_path: Path
) -> None:
    before = hash_of(study)
    assert len(before) == 64
    moved = shutil.copytree(study, tmp_path / "moved")
    edit(cell_of(moved, "dns"), lambda r: r["seconds"]["cpu"].update(update=99.0))
    edit(cell_of(moved, "dns"), lambda r: r["environment"].update(machine="another"))
    assert hash_of(moved) == before
    edit(
        cell_of(moved, "dns"),
        lambda r: r["metrics"].append(
            {"split": "valid", "metric": "ndcg", "k": 20, "band": "all", "value": 0.5}
        ),
    )
    assert hash_of(moved) != before


def test_the_hash_is_of_each_users_values_too(study: Path) -> None:
    before, path = hash_of(study), cell_of(study, "dns") / "users.npz"
    with np.load(path) as arrays:
        values = {name: arrays[name] for name in arrays.files}
    values["ndcg@20/all"] = values["ndcg@20/all"][::-1].copy()  # of the same mean
    np.savez_compressed(path, **values)
    assert hash_of(study) != before


def test_a_run_that_is_added_stands_in_the_block_as_if_it_had_been_of_it(
    study: Path, mine: Path, tmp_path: Path
) -> None:
    data = board([study, mine])
    (block,) = data["blocks"]
    assert [(row["row"], row["sources"]) for row in block["rows"]] == [
        ("mixed", [1]), ("dns", [0]), ("random", [0]),
    ]  # fmt: skip
    assert [source["name"] for source in data["sources"]] == ["study", "mine"]
    whole = shutil.copytree(study, tmp_path / "whole")
    shutil.copytree(mine / "cells", whole / "cells", dirs_exist_ok=True)
    alone = board([whole])
    for each in (data, alone):
        each["sources"] = each["blocks"][0]["remarks"] = []
        for row in each["blocks"][0]["rows"]:
            row["sources"] = []
    path = tmp_path / "data.json"
    path.write_text(data_text(data), "utf-8")
    assert differences(path, alone) == []  # the order of the rows may change last bits


def test_cells_that_an_earlier_run_holds_are_shown_once_and_counted(
    study: Path, tmp_path: Path
) -> None:
    again = shutil.copytree(study, tmp_path / "again")
    first, second = board([study, again])["sources"]
    assert (first["shown"], second["shown"]) == (6, 0)
    assert first["cells"] == "6 cells."
    assert second["cells"] == (
        "6 cells; 6 are shown from an earlier run, which holds them too, with the same results."
    )
    line = {"split": "valid", "metric": "ndcg", "k": 20, "band": "all", "value": 0.5}
    edit(cell_of(again, "dns"), lambda r: r["metrics"].append(line))
    text = board([study, again])["sources"][1]["cells"]
    assert text.endswith("holds them too, 1 of them with other results.")


def test_an_announced_hash_must_be_that_of_a_run(study: Path, mine: Path) -> None:
    own = hash_of(mine)
    assert board([study, mine], hashes=[own[:12]])["sources"][1]["hash"] == own
    with pytest.raises(UserError, match="--hash must be that of a run given; got 0123456789ab"):
        board([study, mine], hashes=["0123456789ab"])
    with pytest.raises(UserError, match="12 digits or more; got 'abc'"):
        board([study, mine], hashes=["abc"])


def test_a_damaged_cell_is_refused(study: Path) -> None:
    path = cell_of(study, "dns") / "users.npz"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="a run on a leaderboard must be whole: .*users.npz"):
        board([study])


def test_settings_that_were_edited_are_refused(study: Path) -> None:
    edit(cell_of(study, "dns"), lambda r: r["spec"]["backbone_config"].update(dim=9))
    with pytest.raises(UserError, match="named by the hash of its settings"):
        board([study])


def test_a_record_that_says_other_than_its_users_is_refused(study: Path) -> None:
    def better(record: dict[str, Any]) -> None:
        for line in record["metrics"]:
            if (line["metric"], line["band"]) == ("ndcg", "tail"):
                line["value"] += 0.01

    edit(cell_of(study, "dns"), better)
    with pytest.raises(UserError, match="records ndcg@20 on tail as 0.20.*its users give 0.199"):
        board([study])


def test_another_split_is_refused(study: Path, tmp_path: Path, write: Any) -> None:
    def change(record: dict[str, Any]) -> None:
        record["split"] = {**record["split"], "hash": "another"}

    other = write_graded(write, tmp_path / "other", {"mixed": 0.3}, changes={"mixed": change})
    with pytest.raises(UserError, match="must share their split to be compared, but books has"):
        board([study, other])


def test_another_budget_is_refused_and_the_setting_named(
    study: Path, tmp_path: Path, write: Any
) -> None:
    def longer(record: dict[str, Any]) -> None:
        record["spec"]["train"] = {**record["spec"]["train"], "epochs": 200}

    other = write_graded(write, tmp_path / "other", {"mixed": 0.3}, changes={"mixed": longer})
    with pytest.raises(UserError, match="has epochs 200 on books with mf, where .*study has 2;"):
        board([study, other])
    assert '"epochs": "200"' in data_text(board([other]))  # alone it is one budget
