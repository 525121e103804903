from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negbench.analysis.figures import KINDS, plots_of
from negbench.analysis.figures._named_rows import with_choices
from negbench.analysis.figures.critical_difference import plots as diagram
from negbench.analysis.figures.ranks import plots as intervals
from negbench.analysis.runs.frames import open_run
from negbench.analysis.statistics.friedman import friedman
from negbench.errors import NothingToReport

METHODS = ["random", "popularity", "in_batch", "mixed", "dns", "dns_mn", "adaptive", "all_items"]


def wide(run: Path, write: Any, methods: list[str]) -> Path:
    """Eight blocks in which later methods tend to be better."""
    rng = np.random.default_rng(0)
    for dataset in "abcdefgh":
        for at, method in enumerate(methods):
            values = rng.uniform(0, 0.3, 6) + 0.02 * at
            write(run, dataset, method, 0, {"all": values, "head": values, "tail": values})
    return run


def test_ranks_have_a_bar_and_a_mark_a_row(folder: Path) -> None:
    books, films = intervals(open_run(folder))
    assert (books.name, films.name) == ("ranks-books-mf", "ranks-films-mf")
    ax = books.figure.axes[0]
    rows = ["dns", "random", "most_popular", "popularity"]  # references compete
    assert [label.get_text() for label in ax.get_yticklabels()] == rows
    assert len(ax.lines) == 2 * 4
    assert [list(np.ravel(line.get_xdata())) for line in ax.lines[1::2]] == [[1], [2], [3], [4]]
    assert ax.lines[0].get_xdata() == pytest.approx(
        books.frame.loc[0, ["rank_low", "rank_high"]].astype(float)
    )
    assert len(ax.patches) == books.frame["tied"].sum() == 4
    assert "T test with users and seeds as crossed random effects" in books.caption
    assert "Holm-corrected over all pairs" in books.caption


def test_one_seed_is_said_to_cover_users_alone(tmp_path: Path, write: Any) -> None:
    plot = intervals(open_run(wide(tmp_path / "run", write, METHODS)))[0]
    assert "covers users alone" in plot.caption and "users and seeds" not in plot.caption


def test_ranks_need_a_whole_row(tmp_path: Path, write: Any) -> None:
    write(tmp_path / "run", "books", "most_popular", 0, {"all": [0.1]}, backbone="reference")
    with pytest.raises(NothingToReport, match="a plot `ranks` needs"):
        intervals(open_run(tmp_path / "run"))


def test_the_diagram_is_refused_by_name_and_left_out_of_all(folder: Path) -> None:
    run = open_run(folder)
    with pytest.raises(NothingToReport, match="8 blocks .* has 2 blocks"):
        list(plots_of(run, ["cd"]))
    assert not any(plot.name == "cd" for plot in plots_of(run))
    assert "ranks" in KINDS


@pytest.mark.parametrize(("count", "width"), [(4, 3.33), (8, 3.33), (15, 7.0)])
def test_the_diagram_names_every_row(tmp_path: Path, write: Any, count: int, width: float) -> None:
    methods = (METHODS + [f"method_{at}" for at in range(9)])[:count]
    (plot,) = diagram(open_run(wide(tmp_path / "run", write, methods)))
    assert plot.name == "cd" and plot.figure.get_size_inches()[0] == width
    ax = plot.figure.axes[0]
    labels = [text.get_text() for text in ax.texts]
    assert sorted(labels[-count:]) == sorted(methods)
    assert any(text.startswith("CD = ") for text in labels)
    assert list(plot.frame["mean_rank"]) == sorted(plot.frame["mean_rank"])
    assert len(plot.frame) == count and plot.frame["critical"].nunique() == 1


def test_names_do_not_touch_nor_leave_the_page(tmp_path: Path, write: Any) -> None:
    (plot,) = diagram(open_run(wide(tmp_path / "run", write, [*METHODS, "adaptive_mixed"])))
    plot.figure.draw_without_rendering()
    ax = plot.figure.axes[0]
    boxes = [text.get_window_extent() for text in ax.texts]
    page = plot.figure.bbox
    assert all(page.x0 <= box.x0 and box.x1 <= page.x1 for box in boxes)
    assert all(page.y0 <= box.y0 and box.y1 <= page.y1 for box in boxes)
    for at, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[at + 1 :])


def test_more_rows_than_fit_beside_the_axis_are_a_list(tmp_path: Path, write: Any) -> None:
    methods = [*METHODS, *(f"method_{at}" for at in range(18))]
    run = open_run(wide(tmp_path / "run", write, methods))
    (plot,) = diagram(with_choices(run, width="column"))
    assert plot.figure.get_size_inches()[0] == 3.33
    plot.figure.draw_without_rendering()
    ax, rows = plot.figure.axes[0], list(plot.frame["row"])
    labels = [text for text in ax.texts if text.get_text() in methods]
    assert [text.get_text() for text in labels] == rows, "best first"
    boxes = [text.get_window_extent() for text in labels]
    page = plot.figure.bbox
    assert all(page.x0 <= box.x0 and page.y0 <= box.y0 for box in boxes)
    assert all(above.y0 > below.y1 - 2 for above, below in pairwise(boxes))
    height = {text.get_text(): text.xy[1] for text in labels}  # type: ignore[attr-defined]
    marks = [line for line in ax.lines if line.get_marker() != "None"]
    assert [float(line.get_xdata()[0]) for line in marks] == list(plot.frame["mean_rank"])  # type: ignore
    assert [float(line.get_ydata()[0]) for line in marks] == [height[row] for row in rows]  # type: ignore
    groups = friedman(run).cliques
    bars = [np.array(line.get_data()) for line in ax.lines[-len(groups) :]]
    assert len(groups) > 3
    for (across, up), group in zip(bars, groups, strict=True):
        inside = [row for row in rows if up[0] < height[row] < up[1]]
        assert across[0] == across[1] > len(rows) and inside == list(group)
        right = ax.transData.transform((across[0], 0))[0]
        assert right < page.x1


def test_two_columns_have_room_for_more_names_beside_the_axis(tmp_path: Path, write: Any) -> None:
    run = open_run(wide(tmp_path / "run", write, [*METHODS, "aobpr", "bns", "ahns"]))
    wides = {
        width: diagram(with_choices(run, width=width))[0].figure.get_size_inches()[1]
        for width in ("column", "page")
    }
    assert wides["page"] < wides["column"] < 3
