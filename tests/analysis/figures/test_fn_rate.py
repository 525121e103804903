from pathlib import Path

import numpy as np
import pytest

from negbench.analysis.figures.fn_rate import plots as rates
from negbench.analysis.runs.frames import open_run


def test_rates_stand_on_a_log_scale_over_what_uniform_draws_meet(probed: Path) -> None:
    books, films = rates(open_run(probed))
    for panel, part in zip(books.figure.axes, ("fnr", "fhnr"), strict=True):
        assert panel.get_yscale() == "log"
        *lines, uniform = panel.lines
        assert np.ravel(uniform.get_ydata()) == pytest.approx([0.02, 0.02])
        for row, line in zip(("dns", "popularity", "random"), lines, strict=True):
            rates_of_row = books.frame[books.frame["row"] == row]
            assert np.ravel(line.get_xdata()) == pytest.approx(rates_of_row["epoch"])
            assert np.ravel(line.get_ydata()) == pytest.approx(rates_of_row[part])
    assert set(films.frame["row"]) == {"dns", "popularity", "random"}


def test_a_rate_says_whether_it_is_exact(probed: Path) -> None:
    books, films = rates(open_run(probed))
    assert "a lower bound" in books.caption and "exact" in films.caption
    assert books.figure.axes[0].get_ylabel() == "false-negative rate (lower bound)"
    assert films.figure.axes[0].get_ylabel() == "false-negative rate (exact)"
