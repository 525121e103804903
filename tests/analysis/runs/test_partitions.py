"""A run repeated over splits: opened as one, each row with its trainings by split and seed."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.split_runs import METHODS, drawn, in_split, write_run

from negbench.analysis.measures.accuracy import accuracy
from negbench.analysis.measures.convergence import mean_curves
from negbench.analysis.runs import frames
from negbench.analysis.runs.over_seeds import rows_of_run
from negbench.errors import UserError
from negbench.experiment.finished.run import open_run
from negbench.experiment.finished.status import status
from negbench.storage.split_folders import split_folder

Write = Callable[..., Path]


def test_a_folder_of_split_folders_is_opened_as_one_run(tmp_path: Path, write: Write) -> None:
    run = frames.open_run(write_run(tmp_path, write))
    assert run.partitions == (1, 2, 3)
    assert len(run.cells) == 3 * (3 * 2 + 1)
    assert set(run.labels) == {*METHODS, "most_popular"}
    for frame in (frames.results(run), frames.users(run), frames.cells(run), frames.epochs(run)):
        assert set(frame["partition"]) == {1, 2, 3}


def test_typed_by_hand_the_split_folders_are_the_same_run(tmp_path: Path, write: Write) -> None:
    write_run(tmp_path, write)
    folders = [split_folder(tmp_path, number) for number in (3, 1, 2)]
    whole, by_hand = frames.open_run(tmp_path), frames.open_run([*folders, tmp_path])
    columns = ["partition", "row", "seed", "value"]
    both = [
        sorted(frames.results(r)[columns].itertuples(index=False, name=None))
        for r in (whole, by_hand)
    ]
    assert both[0] == both[1]


def test_one_split_by_itself_is_an_ordinary_run(tmp_path: Path, write: Write) -> None:
    write_run(tmp_path, write)
    run = frames.open_run(split_folder(tmp_path, 2))
    assert run.partitions == (0,) and len(run.cells) == 7
    assert "partition" not in open_run(split_folder(tmp_path, 2)).frame
    assert set(open_run(tmp_path).frame["partition"]) == {1, 2, 3}


def test_a_folder_with_cells_of_its_own_is_read_alone(folder: Path, write: Write) -> None:
    before = len(frames.open_run(folder).cells)
    write_run(folder, write)
    assert len(frames.open_run(folder).cells) == before


def test_a_split_that_is_finished_later_is_seen_by_an_open_run(
    tmp_path: Path, write: Write
) -> None:
    run = open_run(write_run(tmp_path, write, splits=(1, 2)))
    assert run.records.partitions == (1, 2)
    write_run(tmp_path, write, splits=(3,))
    assert run.records.partitions == (1, 2, 3)


def test_means_and_spreads_are_over_splits_and_seeds(tmp_path: Path, write: Write) -> None:
    run = frames.open_run(write_run(tmp_path, write))
    lines = accuracy(run).set_index("row")
    means = [drawn(number, seed, 0.36).mean() for number in (1, 2, 3) for seed in (0, 1)]
    assert lines["mean"]["dns"] == pytest.approx(np.mean(means))
    assert lines["std"]["dns"] == pytest.approx(np.std(means, ddof=1))
    assert (lines["seeds"]["dns"], lines["expected"]["dns"]) == (6, 6)
    assert (lines["seeds"]["most_popular"], lines["expected"]["most_popular"]) == (3, 3)


def test_a_row_that_lacks_one_training_of_one_split_has_no_mean(
    tmp_path: Path, write: Write
) -> None:
    write_run(tmp_path, write)
    values = {"all": drawn(1, 5, 0.3)}
    write(split_folder(tmp_path, 1), "books", "short", 0, values, change=in_split(1))
    run = frames.open_run(tmp_path)
    lines = rows_of_run(run).set_index("row")
    assert (lines["seeds"]["short"], lines["expected"]["short"]) == (1, 6)
    assert np.isnan(accuracy(run).set_index("row")["mean"]["short"])
    assert "short has 1 of 6 trainings (a split and seed each)" in open_run(tmp_path).table()


def test_a_curve_is_the_mean_over_all_trainings(tmp_path: Path, write: Write) -> None:
    curves = mean_curves(frames.open_run(write_run(tmp_path, write)))
    dns = curves[curves["row"] == "dns"].set_index("epoch")
    assert dns["seeds"].tolist() == [6, 6]
    assert dns["value"][2] == pytest.approx(0.35)  # seeds 0 and 1 reach 0.3 and 0.4


def test_rules_that_do_not_repeat_one_are_refused(tmp_path: Path, write: Write) -> None:
    def rule(number: int) -> str:
        return ("random(0.8,0.1,0.1,seed=0)", "ratio(0.8,0.1,0.1)")[number - 1]

    write_run(tmp_path, write, splits=(1, 2), rule=rule)
    with pytest.raises(UserError, match="must repeat one rule, but split-1 of books has random"):
        frames.open_run(tmp_path)


def test_two_folders_of_one_and_the_same_split_are_refused(tmp_path: Path, write: Write) -> None:
    write_run(tmp_path, write, splits=(1,))
    shutil.copytree(split_folder(tmp_path, 1), split_folder(tmp_path, 2))
    with pytest.raises(UserError, match="must differ, but split-1 of books has .* one hash .hash1"):
        frames.open_run(tmp_path)


def test_within_a_split_all_is_refused_as_in_any_run(tmp_path: Path, write: Write) -> None:
    write_run(tmp_path, write)
    values = {"all": drawn(1, 0, 0.3)}
    write(split_folder(tmp_path, 1), "books", "odd", 0, values, change=in_split(9))
    with pytest.raises(UserError, match="must share their split to be compared"):
        frames.open_run(tmp_path)


@pytest.mark.parametrize(
    ("word", "changed"),
    [
        ("data", lambda r: r["spec"].update(data={"k_core": 5})),
        ("data", lambda r: r["spec"].update(noise=0.1)),
        ("bands", lambda r: r["bands"].update(rule="count:5,50")),
        ("exclusion", lambda r: r["spec"].update(exclude="none")),
    ],
)
def test_what_else_differs_between_splits_is_refused(
    tmp_path: Path, write: Write, word: str, changed: Callable[[dict[str, Any]], Any]
) -> None:
    write_run(tmp_path, write, splits=(1, 2))

    def change(record: dict[str, Any]) -> None:
        in_split(3)(record)
        changed(record)

    values = {"all": drawn(3, 0, 0.3)}
    write(split_folder(tmp_path, 3), "books", "dns", 0, values, change=change)
    with pytest.raises(UserError, match=f"must share their {word} to be compared"):
        frames.open_run(tmp_path)


def test_beside_a_folder_of_another_name_other_splits_are_refused(
    tmp_path: Path, write: Write
) -> None:
    write_run(tmp_path / "run", write)
    shutil.copytree(split_folder(tmp_path / "run", 1), tmp_path / "plain")
    with pytest.raises(UserError, match="must share their split"):
        frames.open_run([tmp_path / "run", tmp_path / "plain"])


def test_the_status_adds_up_the_splits(tmp_path: Path, write: Write) -> None:
    write_run(tmp_path, write)

    def fail(record: dict[str, Any]) -> None:
        in_split(2)(record)
        record.update(status="failed", reason="no draw today")

    write(split_folder(tmp_path, 2), "books", "odd", 0, {"all": [0.1]}, change=fail)
    now = status(tmp_path)
    assert (now.done, now.run) == (21, str(tmp_path))
    assert now.failed == {"split-2 books mf odd/0": "no draw today"}
    assert len(now.slowest) == 3 and now.slowest[0][0].startswith("split-")
