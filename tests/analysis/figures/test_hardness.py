from pathlib import Path

import numpy as np
import pytest

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
