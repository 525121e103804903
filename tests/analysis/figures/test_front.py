"""The line of the planes: references compete, and what may be chance is no reason to be on it."""

from pathlib import Path
from typing import Any

import numpy as np
from helpers.graded_run import warm_up, write_graded

from negbench.analysis.figures import KINDS
from negbench.analysis.figures._palette import FIXED_REFERENCES
from negbench.analysis.figures.tradeoff import within_noise
from negbench.analysis.runs.frames import open_run


def bands(head: float, tail: float) -> dict[str, float]:
    return {"all": (head + tail) / 2, "head": head, "tail": tail}


def front(run: Path, kind: str = "tail") -> set[str]:
    (plot,) = KINDS[kind](open_run(run), None)
    assert "references among them" in plot.caption
    return set(plot.frame.loc[plot.frame["front"], "row"])


def test_dominated_within_noise_by_hand() -> None:
    # Row 0 is told above 1 in the first measure; in the second they are not told apart.
    first = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 0]])
    level = np.zeros((3, 3), int)
    assert within_noise([first, level]).tolist() == [False, True, False]
    # If row 1 is told above 0 in the second, both are worth their place.
    assert within_noise([first, -first]).tolist() == [False, False, False]
    assert within_noise([level, level]).tolist() == [False, False, False]


def test_a_row_whose_only_merit_may_be_chance_is_off_the_line(tmp_path: Path, write: Any) -> None:
    rows = {"random": {"all": 0.3, "head": 0.3, "tail": 0.301}, "dns": bands(0.5, 0.3)}
    assert front(write_graded(write, tmp_path / "near", rows, spread=0.03)) == {"dns"}
    rows["random"] = {"all": 0.3, "head": 0.3, "tail": 0.4}
    assert front(write_graded(write, tmp_path / "far", rows, spread=0.03)) == {"dns", "random"}


def test_references_compete_for_the_line(tmp_path: Path, write: Any) -> None:
    rows = {"random": bands(0.2, 0.2), "dns": bands(0.3, 0.25)}
    assert front(write_graded(write, tmp_path, rows, {"item_knn": bands(0.5, 0.4)})) == {"item_knn"}


def test_a_reference_shows_whether_it_is_on_the_line(tmp_path: Path, write: Any) -> None:
    rows = {"random": bands(0.2, 0.2), "dns": bands(0.3, 0.25)}
    references = {"item_knn": bands(0.5, 0.4), "ease": bands(0.4, 0.3)}
    (plot,) = KINDS["tail"](open_run(write_graded(write, tmp_path, rows, references)), None)
    ax, (key,) = plot.figure.axes[0], plot.figure.legends
    assert "in a circle: a reference" in [text.get_text() for text in key.get_texts()]
    means = plot.frame.set_index("row")["mean"]
    points = [line for line in ax.lines if line.get_marker() not in ("None", "")]
    for row, inside, sign in (
        ("item_knn", FIXED_REFERENCES["item_knn"].color, "white"),
        ("ease", "white", FIXED_REFERENCES["ease"].color),
    ):
        circle, mark = (line for line in points if np.array_equal(line.get_ydata(), [means[row]]))
        assert circle.get_marker() == "o" and circle.get_markerfacecolor() == inside
        assert mark.get_marker() == FIXED_REFERENCES[row].marker and mark.get_color() == sign
    assert len(points) == 2 * len(references) + len(rows)


def test_a_row_below_most_popular_is_off_the_line(tmp_path: Path, write: Any) -> None:
    rows = {"random": bands(0.2, 0.3), "dns": bands(0.6, 0.2)}
    run = write_graded(write, tmp_path, rows, {"most_popular": bands(0.6, 0.0)})
    # random is told to be above dns on tail items, and worse than the list of popular items.
    assert front(run) == {"dns"}
    assert front(run, "tradeoff") == {"dns"}


def test_a_row_that_was_warm_up_only_is_off_and_dominates_none(tmp_path: Path, write: Any) -> None:
    rows = {"random": bands(0.2, 0.2), "ddrm": bands(0.9, 0.9)}
    assert front(write_graded(write, tmp_path, rows, changes={"ddrm": warm_up})) == {"random"}


def test_the_caption_says_where_no_row_is_on_the_line(tmp_path: Path, write: Any) -> None:
    # most_popular is a little higher and far less even; what is more even lies below it.
    rows = {"random": {"all": 0.3, "head": 0.3, "tail": 0.3}}
    popular = {"most_popular": {"all": 0.301, "head": 0.6, "tail": 0.05}}
    run = open_run(write_graded(write, tmp_path / "none", rows, popular, spread=0.05))
    (plot,) = KINDS["tradeoff"](run, None)
    assert not plot.frame["front"].any()
    assert plot.caption.endswith("Here no row is on the line.")
    clear = open_run(write_graded(write, tmp_path / "some", rows, spread=0.05))
    (plot,) = KINDS["tradeoff"](clear, None)
    assert plot.frame["front"].all() and "no row is on" not in plot.caption
