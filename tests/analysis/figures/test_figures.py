from collections import defaultdict
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from negbench.analysis.figures import KINDS, plots_of
from negbench.analysis.figures._style import row_styles
from negbench.analysis.figures.tradeoff import pareto
from negbench.analysis.report.write import write_plots
from negbench.analysis.runs.frames import open_run
from negbench.errors import NothingToReport, UserError

WHOLE_RUN = {"heatmap": ["heatmap"], "popularity-curve": ["popularity-curve-books"]}
# cd needs eight blocks (test_figure_ranks), triplets a method that values (test_figure_triplets),
# sweep rows that differ in one setting (test_sweep), tuning and its like a search (test_tuning).
ELSEWHERE = ("cd", "triplets", "sweep", "tuning", "tuning-shares", "tuning-points")
DRAWN = [kind for kind in KINDS if kind not in ELSEWHERE]
BLOCKS = [kind for kind in DRAWN if kind not in WHOLE_RUN]


@pytest.mark.parametrize("kind", BLOCKS)
def test_one_figure_a_block_each_with_its_frame(probed: Path, kind: str) -> None:
    plots = KINDS[kind](open_run(probed), None)
    assert [plot.name for plot in plots] == [f"{kind}-books-mf", f"{kind}-films-mf"]
    for plot in plots:
        frame = plot.frame[plot.frame["panel"] != "heatmap"] if kind == "overview" else plot.frame
        assert len(frame) > 0
        assert set(frame["dataset"]) == {plot.dataset}
        assert plot.figure.get_size_inches()[0] == (
            8.27
            if kind == "overview"
            else pytest.approx(3.33 if kind in ("tradeoff", "tail", "exposure", "ranks") else 7.0)
        )


@pytest.mark.parametrize("kind", DRAWN)
def test_nothing_is_smaller_than_six_points(probed: Path, kind: str) -> None:
    plot = KINDS[kind](open_run(probed), None)[0]
    sizes = [t.get_fontsize() for t in plot.figure.findobj(Text) if t.get_text()]
    assert min(sizes) >= (6 if kind in ("overview", "hardness") else 7)
    assert plot.caption.endswith(".")


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
    by_clock, by_epoch = (
        [line for line in ax.lines if line.get_transform() == ax.transData]  # no leaders
        for ax in plot.figure.axes
    )
    assert len(by_epoch) == len(by_clock) == 3 * (2 + 1)
    assert by_epoch[2].get_ydata() == pytest.approx([0.2, 0.35])
    assert by_clock[2].get_xdata() == pytest.approx([5.0, 10.0])


@pytest.mark.parametrize(("kind", "across"), [("tradeoff", "balance"), ("tail", "tail")])
def test_a_plane_has_a_point_a_row_and_the_front(folder: Path, kind: str, across: str) -> None:
    plot = KINDS[kind](open_run(folder), None)[0]
    points = plot.figure.axes[0].containers
    assert len(points) == 4
    plane = plot.frame.set_index("row")
    assert plane["front"].to_dict() == {
        "dns": True,
        "random": False,
        "popularity": False,
        "most_popular": False,
    }
    for row, point in zip(plot.frame["row"], points, strict=True):
        place = [float(np.ravel(xy)[0]) for xy in point[0].get_data()]  # type: ignore[union-attr]
        assert place == pytest.approx([plane.loc[row, across], plane.loc[row, "mean"]])


def test_the_tail_plane_is_that_of_the_last_band(folder: Path) -> None:
    plot = KINDS["tail"](open_run(folder), None)[0]
    assert plot.frame.set_index("row")["tail"]["dns"] == pytest.approx(0.4)
    assert plot.figure.axes[0].get_xlabel() == "NDCG@20 on tail items"


def test_pareto_equals_the_naive_loop() -> None:
    points = np.random.default_rng(0).integers(0, 5, (40, 2)).astype(float)

    def beaten(x: Any) -> bool:
        return any((y >= x).all() and (y > x).any() for y in points)

    assert pareto(points).tolist() == [not beaten(x) for x in points]
    assert pareto([[1.0, 1.0], [1.0, 1.0]]).tolist() == [True, True]


def test_files_lie_beside_their_csv(probed: Path, tmp_path: Path) -> None:
    plots, run = tmp_path / "plots", open_run(probed)
    written = write_plots(run, plots, ["bands", "tradeoff"], ("pdf", "png", "svg"))
    assert len(written) == 2 * 2 * 4
    assert all(path.stat().st_size > 100 for path in written)
    assert {path.suffix for path in written} == {".pdf", ".png", ".svg", ".csv"}
    for plot in plots_of(run, ["bands", "tradeoff"]):
        table = pd.read_csv(plots / f"{plot.name}.csv", keep_default_na=True)
        assert list(table.columns) == list(plot.frame.columns)
        numbers = plot.frame.select_dtypes("number")
        np.testing.assert_allclose(table[numbers.columns], numbers)


def test_every_pdf_embeds_truetype(probed: Path, tmp_path: Path) -> None:
    for path in write_plots(open_run(probed), tmp_path, formats=("pdf",)):
        if path.suffix == ".pdf":
            held = path.read_bytes()
            # Type 42, as publishers ask: a font file in the PDF, and no Type 3.
            assert b"/Type3" not in held and b"/Type42" not in held
            assert b"/FontFile2" in held or b"/CIDFontType2" in held, path.name


def test_the_same_run_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    run = open_run(folder)
    first = [p.read_bytes() for p in write_plots(run, tmp_path / "a", ["tradeoff"], ("svg", "pdf"))]
    again = [p.read_bytes() for p in write_plots(run, tmp_path / "b", ["tradeoff"], ("svg", "pdf"))]
    assert first == again


def test_a_row_has_one_colour_in_all_figures(probed: Path) -> None:
    run = open_run(probed)
    wanted = {row: to_hex(style.color) for row, style in row_styles(run).items()}
    colors = defaultdict(set)
    for kind in ("adar-path", "exposure", "overview"):  # others label lines and points
        for figure in (plot.figure for plot in KINDS[kind](run, None)):
            held = [figure, *figure.subfigs, *(s for sub in figure.subfigs for s in _below(sub))]
            for key in (key for part in held for key in part.legends):
                for handle, text in zip(key.legend_handles, key.get_texts(), strict=True):
                    if text.get_text() in wanted:
                        colors[text.get_text()].add(to_hex(handle.get_color()))  # type: ignore
    assert colors == {row: {color} for row, color in wanted.items()}


def _below(part: Any) -> list[Any]:
    return [part, *(inner for each in part.subfigs for inner in _below(each))]


def test_unknown_kinds_and_formats_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean bands"):
        write_plots(open_run(folder), tmp_path, ["band"])
    with pytest.raises(UserError, match="pdf, png, svg"):
        write_plots(open_run(folder), tmp_path, ["bands"], ("gif",))


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("fn-rate", "needs epochs with a false-negative rate; this run has none; run it with"),
        ("hardness", "needs epochs with score percentiles; this run has none; run it with"),
        ("exposure", "needs cells that kept item counts; this run has none"),
        ("popularity-curve", "needs cells that kept item counts; this run has none"),
    ],
)
def test_what_an_old_run_lacks_is_refused_by_name_and_left_out_of_all(
    folder: Path, kind: str, sentence: str
) -> None:
    run = open_run(folder)
    with pytest.raises(NothingToReport, match=sentence):
        list(plots_of(run, [kind]))
    names = [plot.name for plot in plots_of(run)]
    assert "tradeoff-books-mf" in names and "overview-films-mf" in names
    assert not any(name.startswith(kind) for name in names)


def test_a_run_of_references_has_no_plot_and_says_why(tmp_path: Path, write: Any) -> None:
    values = {"all": [0.2], "head": [0.2], "mid": [0.2], "tail": [0.2]}
    write(tmp_path, "books", "most_popular", 0, values, backbone="reference")
    with pytest.raises(NothingToReport):
        list(plots_of(open_run(tmp_path)))


def test_a_wrong_metric_is_no_gap_of_the_run(folder: Path) -> None:
    with pytest.raises(UserError, match="must have been measured"):
        plots_of(open_run(folder), (), "recall@7")


def test_drawing_changes_no_global_style(probed: Path) -> None:
    before = dict(mpl.rcParams)
    list(plots_of(open_run(probed)))
    assert dict(mpl.rcParams) == before


def test_the_zero_of_a_band_is_no_longer_than_it_need_be(probed: Path) -> None:
    figure = KINDS["bands"](open_run(probed), None)[0].figure
    figure.draw_without_rendering()
    labels = [text.get_text() for ax in figure.axes for text in ax.get_xticklabels()]
    assert "0" in labels and not any(label.endswith("0") for label in labels if "." in label)


def test_curves_of_two_metrics_share_no_axis(folder: Path) -> None:
    for cell, row in open_run(folder).done:
        path = cell.folder / "epochs.csv"
        if row == "dns" and path.exists():
            path.write_text(path.read_text().replace("valid_ndcg@20", "valid_hit@10"))
    plots = {plot.name: plot for plot in KINDS["convergence"](open_run(folder), None)}
    rows = {name: set(plot.frame["row"]) for name, plot in plots.items() if "books" in name}
    others = {"random", "popularity"}
    assert rows == {
        "convergence-books-mf-hit@10": {"dns"},
        "convergence-books-mf-ndcg@20": others,
    }
    for name, plot in plots.items():
        label = "validation Hit@10" if "hit" in name else "validation NDCG@20"
        assert plot.figure.axes[0].get_ylabel() == label


def test_one_training_has_no_whisker(folder: Path) -> None:
    plot = KINDS["bands"](open_run(folder), None)[0]
    (bars,) = plot.figure.axes[0].containers[1].lines[2]  # type: ignore[attr-defined]
    # The reference is lowest; two seeds give the others a whisker.
    assert [len(segment) for segment in bars.get_segments()] == [0, 2, 2, 2]


def test_data_sets_whose_names_differ_in_a_sign_keep_their_figures(
    tmp_path: Path, write: Any
) -> None:
    for dataset in ("my data", "my_data"):
        for seed in (0, 1):
            write(tmp_path / "run", dataset, "random", seed, {"all": [0.1, 0.2], "head": [0.1] * 2})
    written = write_plots(open_run(tmp_path / "run"), tmp_path / "plots", ["convergence"], ["svg"])
    assert [path.name for path in written] == [
        "convergence-my_data-mf.svg",
        "convergence-my_data-mf.csv",
        "convergence-my_data-mf-2.svg",
        "convergence-my_data-mf-2.csv",
    ]
    named = {path.name: pd.read_csv(path)["dataset"].unique().tolist() for path in written[1::2]}
    assert list(named.values()) == [["my data"], ["my_data"]]


@pytest.mark.parametrize("kind", ["bands", "tail", "tradeoff"])
def test_a_block_without_a_finished_row_has_no_empty_axes(
    tmp_path: Path, write: Any, folder: Path, kind: str
) -> None:
    values = {"all": [0.1, 0.2], "head": [0.2] * 2, "mid": [0.1] * 2, "tail": [0.1] * 2}
    for run in (folder, tmp_path / "alone"):
        write(run, "songs", "random", 0, values)
        write(run, "songs", "dns", 1, values)
    plots = KINDS[kind](open_run(folder), None)
    assert [plot.dataset for plot in plots] == ["books", "films"]
    with pytest.raises(NothingToReport, match=f"a plot `{kind}` needs a row with every seed"):
        KINDS[kind](open_run(tmp_path / "alone"), None)
