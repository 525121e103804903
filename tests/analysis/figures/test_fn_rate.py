from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negbench.analysis.figures.fn_rate import CLOSED
from negbench.analysis.figures.fn_rate import plots as rates
from negbench.analysis.runs.frames import open_run

FOUR = {"all": [0.1] * 4}
ROWS = ("popularity", "random", "dns")  # as they are drawn, the best on top


def test_rates_of_an_older_negbench_stand_alone_over_what_uniform_draws_meet(probed: Path) -> None:
    books, films = rates(open_run(probed))
    for panel, part in zip(books.figure.axes, ("fnr", "fhnr"), strict=True):
        *lines, uniform = (x for x in panel.lines if x.get_transform() == panel.transData)
        assert np.ravel(uniform.get_ydata()) == pytest.approx([0.02, 0.02])
        for row, line in zip(ROWS, lines, strict=True):
            own = books.frame[(books.frame["row"] == row) & (books.frame["part"] == part)]
            assert np.ravel(line.get_xdata()) == pytest.approx(own["first"])
            assert np.ravel(line.get_ydata()) == pytest.approx(own["rate"])
    assert set(films.frame["row"]) == set(ROWS)
    assert "not recorded" in books.caption and "Clopper-Pearson" not in books.caption


def test_a_rate_says_whether_it_is_exact(probed: Path) -> None:
    books, films = rates(open_run(probed))
    assert "a lower bound" in books.caption and "exact" in films.caption
    assert books.figure.axes[0].get_ylabel() == "false-negative rate (lower bound)"
    assert films.figure.axes[0].get_ylabel() == "false-negative rate (exact)"


@pytest.fixture
def counted(tmp_path: Path, write: Any) -> Path:
    """`random` met none among 2 x 4,000; `dns` 40 times what uniform draws would."""

    def add(closed: float | None) -> Any:
        def change(record: dict[str, Any]) -> None:
            record["probe"] = {"mode": "sample", "exact": False}
            if closed is not None:
                line = {"split": "train", "metric": "fnr_closed", "k": 0, "band": "all"}
                record["metrics"].append(line | {"value": closed})

        return change

    for method, count, closed in (("random", 0, 0.005), ("dns", 800, None)):
        probes = {"fnr": count / 4000, "fn_count": count, "fn_total": 4000, "fnr_expected": 0.005}
        probes |= {"fn_cc": count, "fn_ct": count, "fn_tt": 4000}  # one negative a row
        write(tmp_path, "books", method, 0, FOUR, change=add(closed), probes=probes)
    return tmp_path


def test_zeros_are_drawn_as_zeros_with_their_interval_and_the_closed_form(counted: Path) -> None:
    (plot,) = rates(open_run(counted))
    (panel,) = plot.figure.axes
    random = plot.frame[plot.frame["row"] == "random"]
    # 20 are expected an epoch: both make one window, drawn level from its first to its last.
    assert random[["first", "last", "total"]].to_numpy().tolist() == [[1, 2, 8000]]
    closed = next(line for line in panel.lines if line.get_label() == CLOSED)
    assert np.ravel(closed.get_ydata()).tolist() == [0.005, 0.005]
    zero = next(line for line in panel.lines if np.ravel(line.get_ydata()).tolist() == [0, 0])
    assert np.ravel(zero.get_xdata()).tolist() == [1, 2]
    low, high = panel.get_ylim()
    assert low == 0 and high > 0.2 and panel.get_yscale() == "symlog"
    assert panel.transData.transform((1, 0))[1] == pytest.approx(panel.bbox.y0)
    bands = [path.get_paths()[0].vertices[:, 1].max() for path in panel.collections]
    assert any(abs(top - random["rate_high"].iloc[0]) < 1e-12 for top in bands)
    for words in ("Clopper-Pearson", "closed form; dashed", "at least 30"):
        assert words in plot.caption
