from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from helpers.graded_run import rising, write_graded
from helpers.many_rows import write_many_rows
from matplotlib.text import Text

from negbench.analysis.figures._overview_panels import PANELS, widths
from negbench.analysis.figures.overview import plots as pages
from negbench.analysis.runs.frames import open_run
from negbench.analysis.tables.main_table import main_table
from negbench.analysis.tables.row_phrases import said_once
from negbench.analysis.verdict.verdict import verdicts


def texts(part: Any) -> list[str]:
    return [text.get_text() for text in part.texts] + [s for p in part.subfigs for s in texts(p)]


def slots(part: Any) -> list[Any]:
    """The subfigures that have a title: the panels."""
    own = [part] if getattr(part, "_suptitle", None) else []
    return own + [slot for each in part.subfigs for slot in slots(each)]


def test_six_panels_the_verdict_and_the_protocol(probed: Path) -> None:
    run = open_run(probed)
    page = pages(run)[0]
    assert tuple(page.figure.get_size_inches()) == (8.27, 11.69)
    assert list(page.frame["panel"].unique()) == list(PANELS)
    text = " ".join(texts(page.figure))
    for sentence in said_once(verdicts(run, main_table(run))[0].sentences):
        assert sentence in text
    for word in ("ratio(0.8,0.1,0.1)", "exclude the user's train", "K = 20", "2 seeds", "Holm"):
        assert word in text
    assert "needs" not in text


def test_a_panel_without_records_says_why(folder: Path) -> None:
    page = pages(open_run(folder))[0]
    text = " ".join(texts(page.figure)).replace("\n", " ")
    assert "a plot `fn-rate` needs epochs with a false-negative rate" in text
    assert set(page.frame["panel"]) == set(PANELS)


@pytest.mark.parametrize("many", [15, 33])
def test_many_rows_stay_on_the_page(tmp_path: Path, write: Any, many: int) -> None:
    for at in range(many):
        values = {"all": [0.1, 0.2 + at / 100, 0.3]}
        values |= {band: values["all"] for band in ("head", "mid", "tail")}
        name = f"a_long_method_name_{at}" if at else "random"
        write(tmp_path, "books", name, 0, values)
    page = pages(open_run(tmp_path))[0]
    page.figure.draw_without_rendering()
    wide, high = page.figure.bbox.width, page.figure.bbox.height
    for ax in page.figure.axes:
        box = ax.get_tightbbox()
        assert box is not None
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= wide and box.y1 <= high
        assert ax.bbox.width > 40 and ax.bbox.height > 60


def test_the_area_of_a_marker_grows_with_its_seconds() -> None:
    import pandas as pd

    sizes = widths(pd.Series({"a": 4.0, "b": 1.0, "c": 0.001, "d": float("nan")}))
    assert sizes == {"a": 10.0, "b": 5.0, "c": 3.5}
    assert widths(pd.Series({"a": float("nan")})) == {}


def test_no_label_runs_into_a_title_and_no_name_into_another(tmp_path: Path, write: Any) -> None:
    page = pages(open_run(write_many_rows(write, tmp_path / "run")))[0]
    page.figure.draw_without_rendering()
    titles = [slot._suptitle.get_window_extent() for slot in slots(page.figure)]
    assert len(titles) == len(PANELS)
    for ax in page.figure.axes:
        for label in filter(Text.get_text, (ax.yaxis.label, ax.xaxis.label)):
            assert not any(label.get_window_extent().overlaps(title) for title in titles), label
        names = [text for text in ax.get_yticklabels() if text.get_text()[:1].isalpha()]
        boxes = sorted((text.get_window_extent() for text in names), key=lambda box: box.y0)
        for low, high in pairwise(boxes):
            assert low.y1 <= high.y0 + 0.35 * low.height, names


def test_what_is_true_of_all_rows_is_said_once(tmp_path: Path, write: Any) -> None:
    run = write_graded(
        write,
        tmp_path,
        {"random": 0.2, "dns": 0.3, "cml": 0.3},
        {},
        changes=dict.fromkeys(("random", "dns", "cml"), rising),
    )
    text = " ".join(texts(pages(open_run(run))[0].figure))
    assert text.count("all methods were still rising when the budget ended") == 1
