from pathlib import Path

import numpy as np
import pytest

from negbench.analysis.figures.exposure import plots as shares
from negbench.analysis.figures.popularity_curve import band_cuts
from negbench.analysis.figures.popularity_curve import plots as falling
from negbench.analysis.measures.exposure import by_popularity, exposure, places, popularity
from negbench.analysis.runs.frames import open_run

# By falling count the items are 4 | 0 2 | 7 1 3 5 6, met 8 | 3 3 | 2 1 1 1 0 times of 19.


def test_shares_are_those_on_paper(probed: Path) -> None:
    curves = exposure(open_run(probed))
    books = curves[curves["dataset"] == "books"].set_index(["row", "n"])
    assert books["train"]["dns"].to_list() == pytest.approx(
        np.array([8, 11, 14, 16, 17, 18, 19, 19]) / 19
    )
    assert books["even"]["dns"].to_list() == pytest.approx(np.arange(1, 9) / 8)
    # Seven items were shown by random (one place was empty): each of 4 0 2 1 3 5 6 once.
    assert books["shown"]["random"].to_list() == pytest.approx(
        np.array([1, 2, 3, 3, 4, 5, 6, 7]) / 7
    )
    assert books["shown"]["popularity"].to_list() == pytest.approx([0.5, 0.75, *[1] * 6])
    assert books["shown"]["most_popular"].to_list() == pytest.approx([0.5, 0.5, *[1] * 6])


def test_counts_fall_and_bands_follow_each_other(probed: Path) -> None:
    curves = popularity(open_run(probed))
    books = curves[curves["dataset"] == "books"]
    assert books["count"].to_list() == [8, 3, 3, 2, 1, 1, 1, 0]
    assert band_cuts(books) == {"head": 1, "mid": 3, "tail": 8}


def test_places_are_few_and_hold_the_ends_and_the_cuts() -> None:
    labels = np.repeat([0, 1, 2], [777, 20_001, 79_222])
    at = places(len(labels), labels)
    assert len(at) < 310
    assert {1, 777, 20_778, 100_000} <= set(at.tolist())
    assert (np.diff(at) > 0).all()


def test_order_is_by_count_then_band_then_number() -> None:
    assert by_popularity([1, 5, 1, 1], [2, 0, 1, 2]).tolist() == [1, 2, 0, 3]


def test_the_figure_draws_what_the_frame_holds(probed: Path) -> None:
    plot = shares(open_run(probed))[0]
    ax = plot.figure.axes[0]
    assert ax.get_xscale() == "log"
    drawn = [np.ravel(line.get_ydata()) for line in ax.lines]
    for row, lines in plot.frame.groupby("row", sort=False):
        assert any(len(y) == 8 and np.allclose(y, lines["shown"]) for y in drawn), row
    cuts = [line.get_xdata()[0] for line in ax.lines if len(np.ravel(line.get_xdata())) == 2]
    assert cuts == [1, 3]


def test_the_popularity_curve_names_each_band_with_its_size(probed: Path) -> None:
    books, films = falling(open_run(probed))
    assert (books.name, films.name) == ("popularity-curve-books", "popularity-curve-films")
    labels = [text.get_text() for text in books.figure.axes[0].texts]
    assert labels == ["head\n1", "mid\n2", "tail\n5"]
    assert "mid up to item 3" in books.caption
