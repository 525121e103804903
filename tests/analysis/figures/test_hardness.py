from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from negbench.analysis.figures._palette import REST, Style
from negbench.analysis.figures._style import draw_line
from negbench.analysis.figures.hardness import QUANTILES, draw_hardness
from negbench.analysis.figures.hardness import plots as levels
from negbench.analysis.runs.frames import open_run


def test_a_panel_a_row_by_rising_median(probed: Path) -> None:
    plot = levels(open_run(probed))[0]
    panels = [ax for ax in plot.figure.axes if ax.get_visible()]
    assert [ax.get_title() for ax in panels] == ["random", "popularity", "dns"]
    for ax, median in zip(panels, (0.2, 0.3, 0.8), strict=True):
        assert np.ravel(ax.lines[0].get_ydata()) == pytest.approx([median, median])
        (band,) = ax.collections
        edges = band.get_paths()[0].vertices
        assert (edges[:, 1].min(), edges[:, 1].max()) == pytest.approx((0.1, 0.9))


def test_one_epoch_is_drawn_too_and_its_axis_has_whole_numbers() -> None:
    ax = Figure().subplots()
    lines = pd.DataFrame({"epoch": [1], "q10": [0.1], "q50": [0.3], "q90": [0.9]})
    lines.columns = ["epoch", *QUANTILES]
    draw_hardness(ax, lines, Style("#123456", "o", ()))
    drawn = [line for line in ax.lines if line.get_color() == "#123456"]
    assert any(line.get_marker() == "o" for line in drawn)
    assert any(tuple(np.ravel(line.get_ydata())) == (0.1, 0.9) for line in drawn)
    low, high = ax.get_xlim()
    assert [float(at) for at in ax.get_xticks() if low <= at <= high] == [1.0]


def test_a_grey_line_of_one_point_is_a_point() -> None:
    ax = Figure().subplots()
    draw_line(ax, [1], [0.5], REST)
    draw_line(ax, [1, 2], [0.5, 0.6], REST)
    assert [line.get_marker() for line in ax.lines] == ["o", REST.marker]
