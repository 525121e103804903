from pathlib import Path

import numpy as np
import pytest
from helpers.triplet_files import FEW, keep, many
from matplotlib.text import Text

from negbench.analysis.figures import plots_of
from negbench.analysis.figures.triplets import plots as worths
from negbench.analysis.report.write import write_plots
from negbench.analysis.runs.frames import open_run
from negbench.errors import NothingToReport


def valued(probed: Path) -> Path:
    """Two methods of `books`, each with a seed or two that valued triplets."""
    for cell, row in open_run(probed).done:
        if cell.spec["dataset"] == "books" and row in ("dns", "random"):
            keep(cell.folder, many(cell.spec["seed"]))
    return probed


def test_three_panels_show_what_the_frame_says(probed: Path) -> None:
    (plot,) = worths(open_run(valued(probed)))
    assert (plot.name, plot.dataset, plot.backbone) == ("triplets-books-mf", "books", "mf")
    frame = plot.frame.set_index(["panel", "row", "group"]).sort_index()
    left, middle, right = plot.figure.axes
    assert [ax.get_xlabel() for ax in plot.figure.axes] == [
        "score of negative minus positive",
        "band of the negative",
        "value (1e-4)",
    ]
    drawn = np.asarray(left.containers[0][0].get_ydata())  # type: ignore[index]
    assert drawn == pytest.approx(frame.loc[("hardness", "dns"), "mean"].to_numpy())
    assert [label.get_text() for label in middle.get_xticklabels()] == ["head", "mid", "tail"]
    words = [label.get_text() for label in right.get_yticklabels()]
    assert words == ["dns false", "dns other", "random false", "random other"]
    assert len(right.patches) == 4
    auc = frame.loc[("truth", "dns", "false"), "auc"]
    assert auc > 0.8 and f"AUC {auc:.2f}" in {text.get_text() for text in right.texts}


def test_size_type_and_caption(probed: Path) -> None:
    (plot,) = worths(open_run(valued(probed)))
    assert plot.figure.get_size_inches()[0] == 7.0
    sizes = [t.get_fontsize() for t in plot.figure.findobj(Text) if t.get_text()]
    assert min(sizes) >= 7
    assert plot.caption.endswith(".") and "not known to be false" in plot.caption


def test_few_triplets_of_one_user_are_drawn_too(probed: Path) -> None:
    for cell, row in open_run(probed).done:
        if row == "dns" and cell.spec["seed"] == 0:
            keep(cell.folder, FEW[:1])
    plots = worths(open_run(probed))
    assert [plot.dataset for plot in plots] == ["books", "films"]
    assert plots[0].frame["low"].isna().all()
    plots[0].figure.canvas.draw()


def test_files_are_written_with_the_numbers_beside(probed: Path, tmp_path: Path) -> None:
    paths = write_plots(open_run(valued(probed)), tmp_path / "p", ["triplets"], ("png",))
    assert {path.name for path in paths} == {"triplets-books-mf.png", "triplets-books-mf.csv"}


def test_a_run_without_values_says_what_to_do(probed: Path) -> None:
    with pytest.raises(NothingToReport, match="run it with -m shapley"):
        list(plots_of(open_run(probed), ["triplets"]))
