import csv
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from negbench.analysis.runs import frames
from negbench.errors import NothingToReport, UserError
from negbench.storage import cell_store

GOOD = {"all": [0.1, 0.2]}


def test_results_are_those_of_results_csv(folder: Path) -> None:
    run = frames.open_run(folder)
    frame = frames.results(run)
    with cell_store.write_results(folder).open() as lines:
        written = list(csv.DictReader(lines))
    assert len(frame) == len(written) == 2 * (6 + 1) * 2 * 4
    ours = {
        (*(str(v) for v in row[:9]), row[9]) for row in frame[list(cell_store.COLUMNS)].to_numpy()
    }
    theirs = {(*(row[c] for c in cell_store.COLUMNS[:9]), float(row["value"])) for row in written}
    assert ours == theirs


def test_references_and_rows_are_told_apart(folder: Path) -> None:
    frame = frames.results(frames.open_run(folder))
    assert set(frame[frame["kind"] == "reference"]["row"]) == {"most_popular"}
    assert set(frame[frame["kind"] == "method"]["row"]) == {"random", "popularity", "dns"}


def test_users_leave_out_those_without_an_item_in_the_band(folder: Path) -> None:
    run = frames.open_run(folder)
    whole = frames.users(run)
    tail = frames.users(run, frames.PRIMARY, "tail")
    assert len(whole) == 14 * 4
    assert len(tail) == 12 * 3 + 2 * 4  # the reference has a tail item for all four users
    one = whole[(whole["dataset"] == "books") & (whole["row"] == "dns") & (whole["seed"] == 0)]
    assert one.sort_values("user")["value"].tolist() == pytest.approx([0.2, 0.4, 0.4, 0.6])


def test_epochs_and_cells_have_a_line_each(folder: Path) -> None:
    run = frames.open_run(folder)
    assert len(frames.epochs(run)) == 12 * 2
    cells = frames.cells(run)
    assert len(cells) == 14
    assert cells["wall_sampling"].tolist() == [1.0] * 14


def test_a_variant_is_a_row_of_its_own(tmp_path: Path, write: Any) -> None:
    for variant in ("", "candidates=8"):
        write(tmp_path, "books", "dns", 0, GOOD, variant=variant)
    assert sorted(frames.open_run(tmp_path).labels) == ["dns", "dns(candidates=8)"]


def test_a_row_under_two_settings_says_which(tmp_path: Path, write: Any) -> None:
    write(tmp_path, "books", "dns", 0, GOOD)
    write(tmp_path, "books", "dns", 0, GOOD, change=lambda r: r["spec"]["train"].update(epochs=9))
    write(tmp_path, "books", "random", 0, GOOD)
    assert sorted(frames.open_run(tmp_path).labels) == [
        "dns@epochs=2",
        "dns@epochs=9",
        "random",
    ]


def test_folders_merge_and_equal_cells_count_once(folder: Path, tmp_path: Path, write: Any) -> None:
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    write(other, "books", "mixed", 0, GOOD)
    run = frames.open_run([folder, other])
    assert len(run.cells) == 15


def test_a_frame_that_is_changed_by_one_reader_is_whole_for_the_next(folder: Path) -> None:
    run = frames.open_run(folder)
    for make in (frames.results, frames.cells, frames.epochs):
        before = make(run)
        spoilt = make(run)
        spoilt["row"] = "spoilt"
        assert make(run).equals(before)


def test_only_accuracy_on_the_test_part_is_a_metric_to_show(tmp_path: Path, write: Any) -> None:
    def audited(record: dict[str, Any]) -> None:
        row = {"split": "test", "metric": "arp", "k": 20, "band": "all", "value": 3.0}
        record["metrics"] = [row, *record["metrics"], row | {"split": "train", "metric": "fnr"}]

    write(tmp_path, "books", "dns", 0, GOOD, change=audited)
    with pytest.raises(UserError, match="known: recall@20, ndcg@20$"):
        frames.choose_metric(frames.open_run(tmp_path), "ndcg@10")


def test_a_run_without_results_is_exit_4(tmp_path: Path, write: Any) -> None:
    with pytest.raises(NothingToReport, match="does not"):
        frames.open_run(tmp_path / "nowhere")
    with pytest.raises(NothingToReport, match="holds no cell"):
        frames.open_run(tmp_path)
    write(
        tmp_path, "b", "dns", 0, GOOD, change=lambda r: r.update(status="failed", reason="Too big.")
    )
    with pytest.raises(NothingToReport, match=r"failed, the first with: Too big\.") as caught:
        frames.open_run(tmp_path)
    assert caught.value.exit_code == 4


def change_split(record: dict[str, Any]) -> None:
    record["split"]["hash"] = "ffff00"


def change_bands(record: dict[str, Any]) -> None:
    record["bands"]["rule"] = "items:0.2,0.8"


def change_exclusion(record: dict[str, Any]) -> None:
    record["spec"]["exclude"] = "all"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (change_split, ("split", "7c1e09", "ffff00", "books", "--split")),
        (change_bands, ("bands", "mass:1/3,2/3", "items:0.2,0.8", "books", "--bands")),
        (change_exclusion, ("exclusion", "train", "all", "books", "--exclude")),
    ],
)
def test_cells_that_answer_different_questions_are_refused(
    folder: Path, write: Any, change: Any, words: tuple[str, ...]
) -> None:
    write(folder, "books", "mixed", 0, GOOD, change=change)
    with pytest.raises(UserError) as caught:
        frames.open_run(folder)
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_data_sets_may_differ_among_themselves(folder: Path, write: Any) -> None:
    write(folder, "music", "random", 0, GOOD, change=change_split)
    assert len(frames.open_run(folder).cells) == 15


def test_a_damaged_cell_stops_nothing(folder: Path) -> None:
    cut = sorted((folder / "cells").iterdir())[0]
    (cut / "cell.json").write_text('{"format": 1, "spec"')
    run = frames.open_run(folder)
    assert len(run.cells) == 13
    assert len(run.damaged) == 1
    assert cut.name in run.damaged[0]


def test_a_metric_that_was_not_measured_is_refused_with_those_that_were(folder: Path) -> None:
    run = frames.open_run(folder)
    assert frames.choose_metric(run) == ("ndcg", 20)
    assert frames.choose_metric(run, "Recall@20") == ("recall", 20)
    for wrong in (50, ["ndcg@10"]):
        with pytest.raises(UserError, match="a metric must be a text, as ndcg@20"):
            frames.choose_metric(run, wrong)
    with pytest.raises(UserError, match="recall@20, ndcg@20"):
        frames.choose_metric(run, "ndcg@10")


def test_opening_three_hundred_cells_is_quick(tmp_path: Path, write: Any) -> None:
    for at in range(30):
        for seed in range(10):
            write(tmp_path, "books", f"method_{at}", seed, {"all": [0.1] * 50})
    start = time.perf_counter()
    frame = frames.results(frames.open_run(tmp_path))
    assert time.perf_counter() - start < 3
    assert len(frame) == 600


@pytest.mark.parametrize(
    ("do", "heavy"),
    [
        ("frames.results(run); main_table.render(run)", "torch scipy.stats matplotlib seaborn"),
        ("from negbench.analysis.report import write; write.page(run)", "torch negbench.methods."),
    ],
)
def test_reading_a_run_imports_nothing_heavy(folder: Path, do: str, heavy: str) -> None:
    program = (
        "import sys; from negbench.analysis.runs import frames;"
        "from negbench.analysis.tables import main_table;"
        f"run = frames.open_run({str(folder)!r}); {do};"
        f"bad = [m for m in sys.modules for h in {heavy.split()!r}"
        " if m == h or h.endswith('.') and m.startswith(h)];"
        "sys.exit(f'imported {bad}' if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
