from pathlib import Path
from typing import Any

import pytest
from helpers.graded_run import warm_up, write_graded
from matplotlib.patches import Rectangle

from negbench.analysis.figures.heatmap import format_percent
from negbench.analysis.figures.heatmap import plots as distances_map
from negbench.analysis.figures.overview import plots as overview
from negbench.analysis.runs.frames import open_run
from negbench.errors import NothingToReport


def patches(plot: Any) -> list[Rectangle]:
    return [p for p in plot.figure.axes[0].patches if isinstance(p, Rectangle)]


@pytest.fixture
def clear(folder: Path, write: Any) -> Path:
    """The run of `folder` with dns far above random for every user under either seed."""
    near = {0: [0.51, 0.6, 0.7, 0.8], 1: [0.5, 0.61, 0.7, 0.6]}
    for dataset in ("books", "films"):
        for seed, values in near.items():
            write(folder, dataset, "dns", seed, {"all": values})
    return folder


def test_hatched_is_what_is_not_significant(clear: Path) -> None:
    (plot,) = distances_map(open_run(clear), None)
    frame = plot.frame.set_index(["dataset", "row"])
    # dns lies above random by .4 and twice by .41, of .225.
    assert frame["percent"]["books", "dns"] == pytest.approx(100 * 0.4025 / 0.225, rel=1e-5)
    assert frame["significant"].to_dict() == {
        (dataset, row): row == "dns"
        for dataset in ("books", "films")
        for row in ("dns", "most_popular", "popularity")
    }
    hatched = {p.get_xy() for p in patches(plot) if p.get_hatch()}
    assert hatched == {(0, 1), (1, 1), (0, 2), (1, 2)}
    assert len(patches(plot)) == 6 + len(hatched)
    assert "users and seeds as crossed random effects" in plot.caption


def test_a_warm_up_is_neither_coloured_nor_hatched(tmp_path: Path, write: Any) -> None:
    means = {"random": 0.2, "dns": 0.3, "ddrm": 0.4}
    run = open_run(write_graded(write, tmp_path, means, changes={"ddrm": warm_up}))
    (plot,) = distances_map(run, None)
    assert list(plot.frame["row"]) == ["dns"] and "or its warm-up only" in plot.caption
    (page,) = overview(run)
    panels = page.frame.groupby("panel")["row"].agg(set)
    assert "ddrm" not in panels["heatmap"] | panels["ranks"]


def test_every_cell_says_its_number(folder: Path) -> None:
    (plot,) = distances_map(open_run(folder), None)
    labels = sorted(text.get_text() for text in plot.figure.axes[0].texts)
    assert labels == sorted(format_percent(p) for p in plot.frame["percent"])
    assert "+78" in labels
    assert [format_percent(p) for p in (0.04, -0.26, 9.94, 9.96, -123.4)] == [
        "+0.0",
        "-0.3",
        "+9.9",
        "+10",
        "-123",
    ]


def test_better_is_blue_and_worse_is_red(folder: Path) -> None:
    (plot,) = distances_map(open_run(folder), None)
    colors = {p.get_xy(): p.get_facecolor() for p in patches(plot) if not p.get_hatch()}
    better, worse = colors[0, 0], colors[0, 1]
    assert better[2] > better[0] and worse[0] > worse[2]


def test_without_random_there_is_no_map(tmp_path: Path, write: Any) -> None:
    values = {"all": [0.1, 0.2], "head": [0.1, 0.2], "mid": [0.1, 0.2], "tail": [0.1, 0.2]}
    write(tmp_path, "books", "dns", 0, values)
    with pytest.raises(NothingToReport, match="`heatmap` needs finished rows of random"):
        distances_map(open_run(tmp_path), None)


def test_a_baseline_of_mean_0_is_the_reason_that_is_given(tmp_path: Path, write: Any) -> None:
    for row, value in (("random", 0.0), ("dns", 0.1)):
        write(tmp_path, "books", row, 0, dict.fromkeys(("all", "head", "tail"), [value, value]))
    with pytest.raises(NothingToReport, match="a mean of random that is not 0.*`compare`"):
        distances_map(open_run(tmp_path), None)
