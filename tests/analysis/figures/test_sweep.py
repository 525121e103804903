from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers.small_runs import go
from matplotlib.lines import Line2D
from matplotlib.text import Text

from negbench.analysis.figures import KINDS
from negbench.analysis.report.write import page, write_plots
from negbench.analysis.runs.frames import open_run
from negbench.errors import NothingToReport


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run: a product of two settings, words, a decade with zero, and a reference."""
    run = tmp_path_factory.mktemp("swept") / "run"
    methods = ["dns(candidates=[2,4,8])@lr=[0.01,0.02]", "random@l2=[0,1e-4,1e-2]"]
    methods += ["in_batch@similarity=[dot,cosine]", "popularity"]
    go(run, methods=methods, references="ease(l2=[10,100])", seeds=2)
    return run


def axes_of(run: Path) -> dict[str, Any]:
    (plot,) = KINDS["sweep"](open_run(run), None)
    return {ax.get_xlabel(): ax for ax in plot.figure.axes if ax.get_visible()}


def names(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_a_panel_a_setting_and_a_line_a_method(swept: Path) -> None:
    panels = axes_of(swept)
    assert list(panels) == ["candidates", "l2", "lr", "similarity", "l2 of ease"]
    assert names(panels["candidates"]) == ["dns@lr=0.01", "dns@lr=0.02"]
    assert names(panels["lr"]) == [f"dns(candidates={n})" for n in (2, 4, 8)]
    assert names(panels["l2"]) == ["random"] and names(panels["l2 of ease"]) == ["ease"]
    assert names(panels["similarity"]) == ["in_batch"]
    (plot,) = KINDS["sweep"](open_run(swept), None)
    lines = plot.frame[plot.frame["curve"] == "dns@lr=0.01"]
    drawn = panels["candidates"].containers[0]
    assert drawn[0].get_xdata() == pytest.approx([2, 4, 8])
    assert drawn[0].get_ydata() == pytest.approx(lines["mean"])
    low, high = drawn[2][0].get_segments()[0][:, 1]
    assert high - low == pytest.approx(2 * lines["std"].iloc[0])
    assert "whiskers: one standard deviation over seeds" in plot.caption


def test_scales_are_logarithmic_from_a_decade_on_and_words_are_not_joined(swept: Path) -> None:
    panels = axes_of(swept)
    scales = {name: ax.get_xscale() for name, ax in panels.items()}
    assert scales == {
        "candidates": "linear",
        "l2": "symlog",
        "lr": "linear",
        "similarity": "linear",
        "l2 of ease": "log",
    }
    ticks = {name: [t.get_text() for t in ax.get_xticklabels()] for name, ax in panels.items()}
    assert ticks["l2"] == ["0", "0.0001", "0.01"] and ticks["similarity"] == ["cosine", "dot"]
    assert ticks["candidates"] == ["2", "4", "8"]
    lines: dict[str, Line2D] = {name: ax.containers[0][0] for name, ax in panels.items()}
    assert lines["similarity"].get_linestyle() == "None"
    assert lines["lr"].get_linestyle() != "None"


def test_files_and_the_page_have_it(swept: Path, tmp_path: Path) -> None:
    run = open_run(swept)
    png, table = sorted(write_plots(run, tmp_path, ["sweep"], ("png",)), reverse=True)
    assert png.stat().st_size > 1000
    frame = pd.read_csv(table)
    assert {"setting", "curve", "value", "mean", "std", "seeds", "metric"} <= set(frame.columns)
    assert len(frame) == 2 * (6 + 0) + 3 + 2 + 2
    assert "against each setting in which rows of one method differ" in page(run)
    (plot,) = KINDS["sweep"](run, None)
    sizes = [text.get_fontsize() for text in plot.figure.findobj(Text) if text.get_text()]
    assert min(sizes) >= 7 and plot.caption.endswith(".")


def test_references_alone_are_a_block_of_their_own(tmp_path: Path) -> None:
    go(tmp_path / "run", methods="random", references="ease(l2=[10,100])", seeds=1)
    (plot,) = KINDS["sweep"](open_run(tmp_path / "run"), None)
    assert plot.backbone == "reference" and list(plot.frame["value"]) == [10.0, 100.0]


def test_a_run_without_a_sweep_has_none(folder: Path) -> None:
    with pytest.raises(NothingToReport, match="a plot `sweep` needs rows of one method that diff"):
        KINDS["sweep"](open_run(folder), None)
