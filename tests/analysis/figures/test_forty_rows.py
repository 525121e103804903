"""Figures of forty rows: the best, the baseline and references are named, in one column too."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers.many_rows import REFERENCES, write_many_rows
from matplotlib.text import Text

from negbench.analysis.figures import KINDS
from negbench.analysis.figures._named_rows import ALL, BEST, choose, named_rows, with_choices
from negbench.analysis.figures._palette import REST
from negbench.analysis.figures._style import Plot, row_styles
from negbench.analysis.report.write import write_plots
from negbench.analysis.runs.frames import Run, open_run
from negbench.errors import UserError

BESTS = [f"method_{at}" for at in range(36, 36 - BEST, -1)]
NAMED = {*BESTS, "random", *REFERENCES}
KINDS_OF_MANY = ("tradeoff", "tail", "bands", "fn-rate", "hardness", "convergence", "exposure")


@pytest.fixture
def forty(tmp_path: Path, write: Any) -> Run:
    return open_run(write_many_rows(write, tmp_path / "run"))


def one(run: Run, kind: str) -> Plot:
    (plot,) = KINDS[kind](run, None)
    return plot


def texts(plot: Plot) -> list[Text]:
    """Titles, labels and legends; not the ticks, some of which lie beyond the limits."""
    texts = [*plot.figure.texts, *(text for key in plot.figure.legends for text in key.get_texts())]
    for ax in (ax for ax in plot.figure.axes if ax.get_visible()):
        texts += [*ax.texts, ax.title, ax.xaxis.label, ax.yaxis.label]
    return [text for text in texts if text.get_text()]


def test_named_are_the_best_the_baseline_references_and_those_asked_for() -> None:
    ranked = [f"m{at}" for at in range(20)]
    kinds = dict.fromkeys([*ranked, "failed", "random", "random@lr=0.1"], "method")
    kinds |= dict.fromkeys(["ease", "slim"], "reference")
    names = choose(["ease", *ranked], kinds, {"m17", "failed"})
    assert names == {*ranked[:BEST], "random", "random@lr=0.1", "ease", "slim", "m17", "failed"}
    few = dict.fromkeys(ranked[:ALL], "method")
    assert choose(ranked[:3], few, set()) == set(few)


def test_one_rule_for_all_figures_and_the_rest_in_grey(forty: Run) -> None:
    styles = row_styles(forty)
    for kind in KINDS_OF_MANY:
        plot = one(forty, kind)
        named = named_rows(forty, None, plot.frame)
        there = set(plot.frame["row"])
        assert set(named.rows) == NAMED & there
        assert named.others == len(there) - len(named.rows)
        assert {named.styles[row] for row in there - NAMED} == {REST}
        assert all(named.styles[row] == styles[row] for row in named.rows)
        assert f"grey: {named.others} other rows, in the csv by name." in plot.caption
        assert REST.color in {line.get_color() for ax in plot.figure.axes for line in ax.lines} or (
            kind == "bands"
        )


@pytest.mark.parametrize(
    ("kind", "width"), [*((kind, "column") for kind in KINDS_OF_MANY), ("convergence", "page")]
)
def test_every_text_is_on_the_page(forty: Run, kind: str, width: str) -> None:
    plot = one(with_choices(forty, width=width), kind)
    assert plot.figure.get_figwidth() == pytest.approx(3.33 if width == "column" else 7.0)
    assert plot.figure.get_figheight() < 9.5
    plot.figure.draw_without_rendering()
    page = plot.figure.bbox
    for text in texts(plot):
        box = text.get_window_extent()
        assert page.x0 - 1 <= box.x0 and box.x1 <= page.x1 + 1, text.get_text()
        assert page.y0 - 1 <= box.y0 and box.y1 <= page.y1 + 1, text.get_text()


@pytest.mark.parametrize("kind", ["tradeoff", "tail", "convergence", "fn-rate"])
def test_named_rows_have_their_label_once_a_panel_and_none_touch(forty: Run, kind: str) -> None:
    plot = one(with_choices(forty, width="column"), kind)
    plot.figure.draw_without_rendering()
    names = NAMED & set(plot.frame["row"])
    for ax in (ax for ax in plot.figure.axes if ax.get_visible()):
        labels = [text for text in ax.texts if text.get_text() in names]
        assert {text.get_text() for text in labels} == names and len(labels) == len(names)
        boxes = [text.get_window_extent().shrunk(0.95, 0.8) for text in labels]
        for at, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[at + 1 :])


def test_a_legend_has_a_line_for_each_named_row_alone(forty: Run) -> None:
    for kind in ("exposure", "hardness"):
        plot = one(forty, kind)
        (key,) = plot.figure.legends
        entries = {text.get_text() for text in key.get_texts()}
        assert NAMED & set(plot.frame["row"]) <= entries
        assert not any(text.startswith("method_") for text in entries - NAMED)


def test_titles_say_where_from_and_what(forty: Run) -> None:
    for kind in KINDS_OF_MANY:
        assert str(one(forty, kind).figure.get_suptitle()).startswith("books, mf: ")
    for kind, word in {"tradeoff": "NDCG@20 and balance", "convergence": "NDCG@20"}.items():
        assert str(one(forty, kind).figure.get_suptitle()).endswith(word)


def test_families_are_panels_and_hardness_keeps_its_csv(forty: Run) -> None:
    plot = one(forty, "hardness")
    panels = [ax for ax in plot.figure.axes if ax.get_visible()]
    assert sorted(ax.get_title() for ax in panels) == [
        "contrastive",
        "diffusion",
        "dynamic",
        "static",
    ]
    assert sum(len(ax.lines) - 1 for ax in panels) == 37  # and a line of uniform draws in each
    assert plot.frame["row"].nunique() == 37


def test_a_band_that_would_vanish_has_a_scale_of_its_own(forty: Run, folder: Path) -> None:
    plot = one(forty, "bands")
    right = [ax.get_xlim()[1] for ax in plot.figure.axes]
    assert right[3] < right[0] / 10 and "differ in scale" in plot.caption
    assert "differ in scale" in plot.figure.get_suptitle()  # type: ignore[operator]
    (books, _) = KINDS["bands"](open_run(folder), None)
    assert len({ax.get_xlim() for ax in books.figure.axes}) == 1
    assert "scale" not in books.caption


def test_epochs_are_whole(forty: Run) -> None:
    ax = one(forty, "convergence").figure.axes[1]
    assert all(float(tick).is_integer() for tick in ax.get_xticks())


def test_marks_of_the_plane_are_explained_in_the_figure(forty: Run) -> None:
    (key,) = one(forty, "tradeoff").figure.legends
    words = [text.get_text() for text in key.get_texts()]
    assert words[:2] == ["on the line: no row dominates it", "off the line"]
    solid, hollow = key.legend_handles[:2]
    assert hollow.get_markerfacecolor() == "white" != solid.get_markerfacecolor()  # type: ignore


def test_rows_asked_for_are_named(forty: Run) -> None:
    run = with_choices(forty, ["method_3"])
    plot = one(run, "convergence")
    assert "method_3" in [text.get_text() for text in plot.figure.axes[0].texts]
    assert "grey: 29 other rows" in plot.caption


def test_a_word_that_is_no_row_and_another_width_are_refused(forty: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--show must be a row of the run; got 'metod_3'"):
        write_plots(forty, tmp_path / "plots", ["bands"], show=["metod_3"])
    with pytest.raises(UserError, match="--width must be column"):
        write_plots(forty, tmp_path / "plots", ["bands"], width="poster")
    assert not (tmp_path / "plots").exists()


def test_the_csv_has_the_rows_in_grey(forty: Run, tmp_path: Path) -> None:
    written = write_plots(forty, tmp_path, ["tradeoff"], ("png",), show=["method_3"])
    frame = pd.read_csv(next(path for path in written if path.suffix == ".csv"))
    assert frame["row"].nunique() == 40
