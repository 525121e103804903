"""The figures of a search: curves, shares, points; where they stand and what they say."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.search_files import L2, LR, M, pending, search, three_rows, trial, write
from matplotlib.text import Text

from negbench.analysis.figures import KINDS, plots_of
from negbench.analysis.figures._end_labels import spread_apart
from negbench.analysis.figures._named_rows import BEST
from negbench.analysis.figures._search_blocks import page_of_run
from negbench.analysis.figures._style import Plot, row_styles
from negbench.analysis.report.write import write_plots
from negbench.analysis.runs.frames import Run, open_run
from negbench.analysis.tuning.expected_score import expected_scores
from negbench.errors import NothingToReport

TUNING = ("tuning", "tuning-shares", "tuning-points")


def searched(folder: Path, *rows: Any) -> Run:
    """The run of `folder` with these searches."""
    return open_run(write(folder, rows or three_rows()))


def one(run: Run, kind: str) -> Plot:
    (plot,) = KINDS[kind](run, None)
    return plot


def many(n: int) -> list[dict[str, Any]]:
    """So many methods beside `random`, each a little better than the last, with 8 trials."""
    rows = []
    for at, name in enumerate(["random", *(f"method_{at}" for at in range(n))]):
        values = [(v / 100, (v + at) / 100) for v in (3, 1, 4, 1.5, 9, 2, 6, 5)]
        rows.append(search(name, values, winner=4))
    return rows


@pytest.mark.parametrize("kind", TUNING)
def test_a_run_without_searches_has_none_of_them(folder: Path, kind: str) -> None:
    run = open_run(folder)
    with pytest.raises(NothingToReport, match="needs searches of settings; this run has none; `ne"):
        list(plots_of(run, [kind]))
    assert not any(plot.name.startswith("tuning") for plot in plots_of(run))


def test_a_line_a_row_against_trials_and_against_cost(folder: Path) -> None:
    plot = one(searched(folder), "tuning")
    assert (plot.name, plot.dataset, plot.backbone) == ("tuning-books-mf", "books", "mf")
    trials, cost = plot.figure.axes
    wanted = expected_scores([0.1, 0.2, 0.3, 0.25], [0.2, 0.2, 0.25, 0.3])
    curve = next(line for line in trials.lines if np.allclose(np.ravel(line.get_ydata()), wanted))
    assert list(np.ravel(curve.get_xdata())) == [1, 2, 3, 4]
    paid = next(line for line in cost.lines if np.allclose(np.ravel(line.get_ydata()), wanted))
    assert list(np.ravel(paid.get_xdata())) == [60, 120, 180, 240]
    assert trials.get_ylim() == cost.get_ylim()
    frame = plot.frame[plot.frame["row"] == "random"]
    assert frame["expected"].to_numpy() == pytest.approx(wanted)
    assert (frame["low"] <= frame["expected"]).all() and (frame["expected"] <= frame["high"]).all()


@pytest.mark.parametrize("kind", ["tuning", "tuning-points"])
def test_nothing_is_smaller_than_seven_points_and_the_title_says_where_from(
    folder: Path, kind: str
) -> None:
    figure = one(searched(folder), kind).figure
    assert min(t.get_fontsize() for t in figure.findobj(Text) if t.get_text()) >= 7
    title = figure.get_suptitle() or figure.texts[0].get_text()
    assert title.startswith("books, mf: ")


def test_references_stand_beside_methods_and_one_value_is_level(folder: Path) -> None:
    popular = search("most_popular", [(0.1, 0.15)], backbone="reference", space=(), winner=0)
    plot = one(searched(folder, *three_rows(), popular), "tuning")
    for ax in plot.figure.axes:
        level = [line for line in ax.lines if list(np.ravel(line.get_ydata())) == [0.15, 0.15]]
        assert [list(np.ravel(line.get_xdata())) for line in level] == [[0, 1]]
    names = [text.get_text() for text in plot.figure.axes[1].texts]
    assert sorted(names) == ["dns", "ease", "most_popular", "random"]
    assert "Level: most_popular, without a parameter that was searched." in plot.caption


def test_the_best_random_and_references_are_named_of_many_rows(folder: Path) -> None:
    plot = one(searched(folder, *many(28), three_rows()[2]), "tuning")
    names = [text.get_text() for text in plot.figure.axes[1].texts]
    best = [f"method_{at}" for at in range(28 - BEST, 28)]
    assert sorted(names) == sorted([*best, "random", "ease"])
    assert f"Named: the {BEST} methods that end highest, random, references and" in plot.caption
    assert "grey: 22 other methods." in plot.caption
    assert plot.frame["row"].nunique() == 30  # the csv has all of them


def test_names_do_not_touch_nor_leave_the_page(folder: Path) -> None:
    level = [search(f"m{at}", [(0.1, 0.3 + at / 1e5)] * 2, winner=0) for at in range(BEST)]
    plot = one(searched(folder, *level, *three_rows()), "tuning")
    plot.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in plot.figure.axes[1].texts]
    page = plot.figure.bbox
    assert len(boxes) == BEST + 3  # nine rows are few enough to be named all
    assert all(page.x0 <= box.x0 and box.x1 <= page.x1 for box in boxes)
    assert all(page.y0 <= box.y0 and box.y1 <= page.y1 for box in boxes)
    for at, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[at + 1 :])


@pytest.mark.parametrize("seconds", [(20.0, 21.0), (0.1, 900.0)])
def test_costs_are_labelled_whatever_their_range(folder: Path, seconds: tuple[float, ...]) -> None:
    rows = []
    for name, each in zip(("random", "dns"), seconds, strict=True):
        trials = [trial(at, 0.1 * at, 0.2, row=name, cpu_seconds=each) for at in range(3)]
        rows.append(search(name, trials, winner=2))
    plot = one(searched(folder, *rows), "tuning")
    plot.figure.draw_without_rendering()
    cost = plot.figure.axes[1]
    low, high = cost.get_xlim()
    ticks = zip(cost.get_xticks(), cost.get_xticklabels(), strict=True)
    assert sum(low <= at <= high and bool(text.get_text()) for at, text in ticks) >= 2
    label = plot.figure.axes[0].yaxis.label.get_window_extent()
    assert label.x0 >= plot.figure.bbox.x0


def test_captions_are_true_alone(folder: Path) -> None:
    caption = one(searched(folder), "tuning").caption
    for sentence in (
        "Expected test NDCG@20 on books with mf of the best by validation among n trials",
        "Test values of one seed; selection by validation only.",
        "a bootstrap over trials",
        "along a vertical line rows compare at equal cost",
        "A failed trial counts in the last place",  # dns has one
        f"Protocol {three_rows()[0]['hash']}.",
    ):
        assert sentence in caption
    assert "pending" not in caption and "Left out" not in caption


def test_what_is_missing_is_in_the_caption(folder: Path) -> None:
    waiting = search("dns", [(0.1, 0.2), (0.2, 0.3), pending(2), pending(3)])
    failed = search("bsl", [(None, None)] * 4)
    cut = search("psl", [(0.1, 0.2), trial(1, 0.1, None, status="cut")])
    plot = one(searched(folder, waiting, failed, cut), "tuning")
    assert set(plot.frame["row"]) == {"dns"}
    assert [text.get_text() for text in plot.figure.axes[1].texts] == ["dns, 2 of 4"]
    assert "2 of 10 trials pending: this may change." in plot.caption
    assert "Left out: psl (halving cut some trials" in plot.caption
    assert "bsl (no trial finished)." in plot.caption


def test_no_curve_at_all_is_refused_in_one_sentence(folder: Path) -> None:
    run = searched(folder, search("dns", [(None, None), pending(1)]))
    for kind in TUNING:
        with pytest.raises(NothingToReport, match=f"a plot `{kind}` needs a search"):
            list(plots_of(run, [kind]))


def test_rows_of_two_protocols_never_share_a_figure(folder: Path) -> None:
    other = search("dns", [(0.1, 0.2)] * 4, protocol={"points_seed": 1}, winner=0)
    plots = KINDS["tuning"](searched(folder, three_rows()[0], other), None)
    assert [set(plot.frame["protocol"]) for plot in plots] == [
        {each} for each in sorted({other["hash"], three_rows()[0]["hash"]})
    ]
    assert len({plot.name for plot in plots}) == 2
    assert all(next(iter(plot.frame["protocol"])) in plot.name for plot in plots)


def test_nor_do_rows_of_other_shared_ranges(folder: Path) -> None:
    other = search("dns", [(0.1, 0.2)] * 4, ranges={"lr": "log [1, 2]"}, ranges_hash="cafe")
    plots = KINDS["tuning"](searched(folder, three_rows()[0], other), None)
    assert [set(plot.frame["row"]) for plot in plots] == [{"random"}, {"dns"}]
    names = [plot.name.removeprefix(f"tuning-books-mf-{other['hash']}-") for plot in plots]
    assert names == [three_rows()[0]["ranges_hash"], "cafe"]


def test_several_folders_are_one_figure(folder: Path, tmp_path: Path) -> None:
    random, dns, ease = three_rows()
    write(folder, [random])
    write(tmp_path / "other", [dns, ease])
    plot = one(open_run([folder, tmp_path / "other"]), "tuning")
    assert set(plot.frame["row"]) == {"random", "dns", "ease"}


def test_a_row_has_its_colour_of_the_other_figures(folder: Path) -> None:
    run = searched(folder)
    styles = row_styles(run)
    axes = one(run, "tuning").figure.axes
    colors = {line.get_color() for line in axes[0].lines}
    assert {styles["dns"].color, styles["random"].color} <= colors


def test_notes_on_the_runs_own_cells_are_not_on_its_searches(folder: Path) -> None:
    run = replace(searched(folder), planned=9, pending=4)
    assert "4 of 9 cells pending" in KINDS["bands"](run, None)[0].caption
    for kind in ("tuning", "tuning-points"):
        assert "cells" not in one(run, kind).caption


def test_shares_are_stacked_to_one_with_the_rest(folder: Path) -> None:
    rng = np.random.default_rng(0)
    rows = []
    for name in ("random", "dns"):
        trials = []
        for at in range(16):
            settings = {"lr": 10 ** rng.uniform(-4, -1), "l2": 10 ** rng.uniform(-8, -2)}
            settings["candidates"] = int(rng.choice([2, 4, 8, 16]))
            value = np.log10(settings["lr"]) / 10 + 1
            trials.append(trial(at, value, value, settings, row=name))
        rows.append(search(name, trials, space=(LR, L2, M), winner=0))
    few = search("bsl", [(0.1, 0.2), (0.2, 0.3)], winner=1)
    plot = one(searched(folder, *rows, few), "tuning-shares")
    sums = plot.frame.groupby("row")["share"].sum()
    assert sums.to_dict() == {"random": pytest.approx(1), "dns": pytest.approx(1)}
    top = plot.frame.sort_values("share").groupby("row")["parameter"].last()
    assert set(top) == {"lr"}
    (ax,) = plot.figure.axes
    assert {label.get_text() for label in ax.get_yticklabels()} == {"random", "dns"}
    ends = [bar.get_x() + bar.get_width() for bar in ax.patches]  # type: ignore[attr-defined]
    assert sorted(ends)[-2:] == pytest.approx([1, 1])  # each row's bar is whole
    assert "Left out: bsl (fewer than 8 trials" in plot.caption


def test_points_mark_the_winner_and_what_failed(folder: Path) -> None:
    plot = one(searched(folder), "tuning-points")
    panels = [ax for ax in plot.figure.axes if ax.get_visible()]
    assert [ax.get_title(loc="left") for ax in panels] == ["dns", "", "random", ""]
    assert [ax.get_xlabel() for ax in panels] == ["lr", "l2"] * 2
    marks = [[line.get_marker() for line in ax.lines] for ax in panels]
    assert marks[0] == ["s", "o", "x", "*"] and marks[2] == ["s", "o", "*", "o"]
    lr = [float(np.ravel(line.get_xdata())[0]) for line in panels[0].lines]
    assert lr == pytest.approx([1 / 3, 0.492, 2 / 3, 0.985], abs=1e-3)
    assert np.ravel(panels[1].lines[0].get_xdata())[0] < 0  # L2 of 0 stands left of its range
    frame = plot.frame[plot.frame["row"] == "dns"]
    assert list(frame["winner"]) == [False, False, False, True]
    assert list(frame["lr"]) == [1e-3, 3e-3, 1e-2, 9e-2]


def test_files_lie_beside_their_csv(folder: Path, tmp_path: Path) -> None:
    written = write_plots(searched(folder), tmp_path / "plots", ["tuning", "tuning-points"])
    assert [path.name for path in written] == [
        f"tuning{part}-books-mf.{end}" for part in ("", "-points") for end in ("pdf", "png", "csv")
    ]


def test_searches_are_read_once_a_run(folder: Path) -> None:
    run = searched(folder)
    assert page_of_run(run) is page_of_run(run)
    assert page_of_run(open_run(folder)) is not page_of_run(run)


def test_spread_places_keep_their_order_their_gap_and_their_bounds() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        wanted = rng.uniform(-0.2, 1.2, 8)
        spread = spread_apart(wanted, 0.1, 0.0, 1.0)
        order = np.argsort(wanted)
        assert np.diff(spread[order]).min() >= 0.1 - 1e-12
        assert spread.min() >= 0 and spread.max() <= 1
    assert spread_apart([0.2, 0.5, 0.9], 0.1, 0, 1) == pytest.approx([0.2, 0.5, 0.9])
    assert spread_apart([0.5, 0.5], 0.2, 0, 1) == pytest.approx([0.4, 0.6])
    assert spread_apart([0.5] * 3, 0.9, 0, 1) == pytest.approx([0, 0.5, 1])
    assert len(spread_apart([], 0.1, 0, 1)) == 0
