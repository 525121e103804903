"""Whether published data are what the runs give: equal up to last bits, else place by place."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from negbench.analysis.leaderboard.board import board
from negbench.analysis.leaderboard.check import differences
from negbench.errors import UserError


@pytest.fixture
def data(graded: Path) -> dict[str, Any]:
    return board([graded])


def published(tmp_path: Path, data: Any) -> Path:
    path = tmp_path / "data.json"
    path.write_text(json.dumps(data), "utf-8")
    return path


def test_the_same_data_have_no_difference_whoever_wrote_them(
    data: dict[str, Any], tmp_path: Path
) -> None:
    other = copy.deepcopy(data) | {"negbench": "9.9"}
    bands = other["blocks"][0]["rows"][0]["metrics"]["ndcg@20"]["bands"]
    bands["all"]["mean"] *= 1 + 1e-9  # as another machine may have it
    assert differences(published(tmp_path, other), data) == []


def test_another_value_is_named_by_its_row(data: dict[str, Any], tmp_path: Path) -> None:
    other = copy.deepcopy(data)
    row = other["blocks"][1]["rows"][0]
    row["metrics"]["ndcg@20"]["bands"]["tail"]["mean"] = 0.5
    (line,) = differences(published(tmp_path, other), data)
    place = f"blocks[1].rows[{row['row']}].metrics.ndcg@20.bands.tail.mean"
    assert line.startswith(f"{place}: 0.5 there, ")


def test_a_row_that_was_left_out_is_counted(data: dict[str, Any], tmp_path: Path) -> None:
    other = copy.deepcopy(data)
    del other["blocks"][0]["rows"][-1]
    lines = differences(published(tmp_path, other), data)
    assert "blocks[0].rows: 4 there, 5 by these runs" in lines


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_what_is_no_data_is_refused(data: dict[str, Any], tmp_path: Path, text: str) -> None:
    path = tmp_path / "data.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"data\.json"):
        differences(path, data)
