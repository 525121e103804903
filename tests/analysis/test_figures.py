from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from negbench.analysis.figure_tradeoff import pareto
from negbench.analysis.figures import KINDS
from negbench.analysis.frames import open_run
from negbench.analysis.report import write_plots
from negbench.errors import UserError


@pytest.mark.parametrize("kind", KINDS)
def test_one_figure_a_block_each_with_its_frame(folder: Path, kind: str) -> None:
    plots = KINDS[kind](open_run(folder), None)
    assert [plot.name for plot in plots] == [f"{kind}-books-mf", f"{kind}-films-mf"]
    for plot in plots:
        assert len(plot.frame) > 0
        assert set(plot.frame["dataset"]) == {plot.dataset}
        assert plot.figure.get_size_inches()[0] in (3.33, 7.0)


def test_bands_have_a_bar_a_row_in_every_panel(folder: Path) -> None:
    plot = KINDS["bands"](open_run(folder), None)[0]
    panels = plot.figure.axes
    assert [ax.get_title() for ax in panels] == ["all items", "head", "mid", "tail"]
    assert [len(ax.patches) for ax in panels] == [4] * 4
    names = [label.get_text() for label in panels[0].get_yticklabels()]
    assert names == ["most_popular", "popularity", "random", "dns"]
    widths = [bar.get_width() for bar in panels[1].patches]  # type: ignore[attr-defined]
    assert widths == pytest.approx([0.5, 0.6, 0.3, 0.4])


def test_convergence_has_a_line_a_seed_and_their_mean(folder: Path) -> None:
    plot = KINDS["convergence"](open_run(folder), None)[0]
    by_epoch, by_clock = plot.figure.axes
    assert len(by_epoch.lines) == len(by_clock.lines) == 3 * (2 + 1)
    assert by_epoch.lines[2].get_ydata() == pytest.approx([0.2, 0.35])
    assert by_clock.lines[2].get_xdata() == pytest.approx([5.0, 10.0])


def test_tradeoff_has_a_point_a_row_and_the_front(folder: Path) -> None:
    plot = KINDS["tradeoff"](open_run(folder), None)[0]
    assert len(plot.figure.axes[0].containers) == 4
    front = plot.frame.set_index("row")["front"]
    assert front.to_dict() == {
        "dns": True,
        "random": False,
        "popularity": False,
        "most_popular": False,
    }


def test_pareto_equals_the_naive_loop() -> None:
    points = np.random.default_rng(0).integers(0, 5, (40, 2)).astype(float)

    def beaten(x: Any) -> bool:
        return any((y >= x).all() and (y > x).any() for y in points)

    assert pareto(points).tolist() == [not beaten(x) for x in points]
    assert pareto([[1.0, 1.0], [1.0, 1.0]]).tolist() == [True, True]


def test_files_lie_beside_their_csv(folder: Path, tmp_path: Path) -> None:
    plots = tmp_path / "plots"
    written = write_plots(open_run(folder), plots, ["bands", "tradeoff"], ("pdf", "png", "svg"))
    assert len(written) == 2 * 2 * 4
    assert all(path.stat().st_size > 100 for path in written)
    assert {path.suffix for path in written} == {".pdf", ".png", ".svg", ".csv"}
    # TrueType (Type 42) fonts, as publishers ask; Type 3 would show here.
    assert b"/Type3" not in (plots / "bands-books-mf.pdf").read_bytes()


def test_the_same_run_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    run = open_run(folder)
    first = [p.read_bytes() for p in write_plots(run, tmp_path / "a", ["tradeoff"], ("svg", "pdf"))]
    again = [p.read_bytes() for p in write_plots(run, tmp_path / "b", ["tradeoff"], ("svg", "pdf"))]
    assert first == again


def test_unknown_kinds_and_formats_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean bands"):
        write_plots(open_run(folder), tmp_path, ["band"])
    with pytest.raises(UserError, match="pdf, png, svg"):
        write_plots(open_run(folder), tmp_path, ["bands"], ("gif",))


def test_drawing_changes_no_global_style(folder: Path) -> None:
    before = dict(mpl.rcParams)
    for draw in KINDS.values():
        draw(open_run(folder), None)
    assert dict(mpl.rcParams) == before
