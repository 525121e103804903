from pathlib import Path
from typing import Any

import pytest

from negbench.analysis.figures._overview_panels import PANELS, widths
from negbench.analysis.figures.overview import plots as pages
from negbench.analysis.runs.frames import open_run
from negbench.analysis.tables.main_table import main_table
from negbench.analysis.verdict.verdict import verdicts


def texts(part: Any) -> list[str]:
    return [text.get_text() for text in part.texts] + [s for p in part.subfigs for s in texts(p)]


def test_six_panels_the_verdict_and_the_protocol(probed: Path) -> None:
    run = open_run(probed)
    page = pages(run)[0]
    assert tuple(page.figure.get_size_inches()) == (8.27, 11.69)
    assert list(page.frame["panel"].unique()) == list(PANELS)
    text = " ".join(texts(page.figure))
    for sentence in verdicts(run, main_table(run))[0].sentences:
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
