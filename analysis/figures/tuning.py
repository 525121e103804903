"""Figure `tuning`: expected tuned score against the trials of a search, and against their cost."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator
from numpy.typing import ArrayLike

from ..number_format import counted, listed
from ..runs.frames import REFERENCE, MetricLike, Run
from ..tuning.expected_score import BAND, FAILED_LAST, Curve, why_none
from ..tuning.page import TuningBlock
from ..tuning.searches import Searched
from ._end_labels import LINE, EndLabel, draw_end_labels, label_width
from ._named_rows import BASELINE, BEST, choose
from ._palette import REST, Style
from ._search_blocks import left_out, place, protocol, search_blocks, search_styles, stem
from ._style import (
    ONE,
    RC_PARAMS,
    TITLE,
    TWO,
    Plot,
    counts_by_decade,
    nothing_to_plot,
    short_names,
    title_of,
    width_of,
    write_title,
)

PLACE = 16

LEVEL = (2, 1.5)
"""Dashes of a row that is one value."""
LEFT, GAP, BOTTOM, TOP = 0.7, 0.2, 0.45, 0.08 + TITLE
"""Inches around and between the two panels, the title above them."""


@dataclass(frozen=True)
class Drawn:
    """One row of the figure."""

    row: Searched
    curve: Curve
    style: Style
    named: bool
    banded: bool

    @property
    def flat(self) -> bool:
        """Whether it has no parameter that was searched, so that it is one value."""
        return not self.row.space

    @property
    def reference(self) -> bool:
        """Whether it is a reference model."""
        return self.row.reference


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """A line a row, with a band where it is named; one figure a data set, backbone and protocol.

    `metric` is unused: the curves show the metric of selection. Raises NothingToReport if no row
    has a curve.
    """
    del metric
    blocks = search_blocks(run, "tuning")
    styles = search_styles(run, blocks)
    asked, width = set(run.figures.named), width_of(run, TWO)
    rows = [_rows(block, styles, asked) for block in blocks]
    if not any(rows):
        raise nothing_to_plot(
            "tuning",
            "a search with a trial that finished and none that halving cut",
            "go on with `negbench tune`, or search with --fidelity full",
        )
    return [
        Plot(
            stem("tuning", block, blocks),
            block.dataset,
            block.backbone,
            _caption(block, of_block),
            _figure(block, of_block, width),
            pd.concat([_lines(block, each) for each in of_block], ignore_index=True),
            trials=True,
        )
        for block, of_block in zip(blocks, rows, strict=True)
        if of_block
    ]


def _rows(block: TuningBlock, styles: Mapping[str, Style], asked: Set[str]) -> list[Drawn]:
    """The rows that have a curve, the highest E_N last, so that it is drawn on top.

    Named are those with the highest E_N, as in other figures those with the best metric.
    """
    known = [(line.searched, line.curve) for line in block.lines if line.curve is not None]
    known.sort(key=lambda pair: pair[1].final)
    best = [row.row for row, _ in known[::-1] if not row.reference]
    kinds = {row.row: REFERENCE if row.reference else "method" for row, _ in known}
    names = choose(best, kinds, asked)
    references = [row.row for row, _ in known if row.reference and row.space]
    banded = {*best[:1], BASELINE, *references[-1:]}
    rows = []
    for row, each in known:
        named = row.row in names
        style = styles[row.row] if named else REST
        rows.append(Drawn(row, each, style, named, row.row in banded and bool(row.space)))
    return rows


def _lines(block: TuningBlock, each: Drawn) -> pd.DataFrame:
    """E_n of one row as lines of the csv."""
    return pd.DataFrame(
        {
            "dataset": block.dataset,
            "backbone": block.backbone,
            "row": each.row.row,
            "kind": REFERENCE if each.reference else "method",
            "protocol": block.hash,
            "metric": each.row.metric,
            "trials": each.curve.planned,
            "failed": each.curve.failed,
            "n": each.curve.n,
            "expected": each.curve.expected,
            "low": each.curve.low,
            "high": each.curve.high,
            "cpu_seconds": each.curve.cpu_seconds,
            "dots": each.curve.dots,
        }
    )


def _figure(block: TuningBlock, rows: Sequence[Drawn], width: float) -> Figure:
    labels, of_trials = _labels(rows, "cpu_seconds"), _labels(rows, "n")
    is_wide = width > (ONE + TWO) / 2
    height = max(2.6 if is_wide else 1.8, LINE * (len(labels) + 1))
    down = 1 if is_wide else 2
    tall = down * (height + BOTTOM) + TOP
    with mpl.rc_context(RC_PARAMS):
        room = width - LEFT - label_width(labels)
        wide = (room - GAP) / 2 if is_wide else room
        figure = Figure(figsize=(width, tall))
        write_title(figure, title_of(block.dataset, block.backbone, f"tuned {block.metric}"))
        below = (0.0, 0.0) if is_wide else (height + BOTTOM, 0.0)
        left = (LEFT, LEFT + wide + GAP) if is_wide else (LEFT, LEFT)
        trials, cost = (
            figure.add_axes((x / width, (y + BOTTOM) / tall, wide / width, height / tall))
            for x, y in zip(left, below, strict=True)
        )
        cost.sharey(trials)
        for each in rows:
            _draw(trials, each, each.curve.n)
            _draw(cost, each, each.curve.cpu_seconds)
        most = max(int(each.curve.n[-1]) for each in rows)
        trials.set_xscale("log")
        trials.set_xlim(1, max(most, 2))
        trials.xaxis.set_major_locator(FixedLocator(_doublings(most)))
        trials.xaxis.set_minor_locator(NullLocator())
        trials.xaxis.set_major_formatter("{x:.0f}")
        trials.set_xlabel("trials n")
        trials.set_ylabel(f"expected test {block.metric}")
        cost.set_xscale("log")
        low, high = cost.get_xlim()
        if high < 50 * low:  # decades alone might leave it with one label, or with none
            cost.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        counts_by_decade(cost.xaxis)
        cost.set_xlabel("CPU seconds of n trials")
        if is_wide:
            cost.tick_params(labelleft=False)
        else:
            cost.set_ylabel(trials.get_ylabel())
        for ax in (trials, cost):
            ax.grid()
            sns.despine(ax=ax)
        draw_end_labels(cost, labels)
        if not is_wide:
            draw_end_labels(trials, of_trials)
    return figure


def _draw(ax: Axes, each: Drawn, x: ArrayLike) -> None:
    """One row along x; a row without parameters is level, as it needs no search."""
    style, curve_of, above = each.style, each.curve, 3 if each.named else 1
    if each.flat:
        ax.axhline(curve_of.final, color=style.color, linewidth=1, dashes=LEVEL, zorder=above)
        return
    if each.banded:
        ends = (curve_of.low, curve_of.high)
        ax.fill_between(x, *ends, color=style.color, alpha=0.14, linewidth=0, zorder=above)
    (line,) = ax.plot(
        x,
        curve_of.expected,
        color=style.color,
        linewidth=1.3 if each.named else 0.7,
        marker=style.marker,
        markevery=[len(curve_of.n) - 1],
        markersize=3.5,
        zorder=above,
        clip_on=False,
    )
    if style.dashes:
        line.set_dashes(style.dashes)


def _labels(rows: Sequence[Drawn], along: str) -> list[EndLabel]:
    """The names of the rows that have one, with the number of trials where some are pending.

    `along` is the field of a curve that is drawn across: "n" or "cpu_seconds".
    """
    named = [each for each in rows if each.named]
    names = short_names([each.row.row for each in named])
    return [
        EndLabel(
            name if each.curve.complete else f"{name}, {each.curve.trials}",
            each.curve.final,
            each.style,
            None if each.flat else float(getattr(each.curve, along)[-1]),
        )
        for name, each in zip(names, named, strict=True)
    ]


def _doublings(most: int) -> list[int]:
    """1, 2, 4 ... up to the number of trials."""
    return [2**power for power in range(max(most, 2).bit_length())]


def _caption(block: TuningBlock, rows: Sequence[Drawn]) -> str:
    searched = [line.searched for line in block.lines]
    flat = [each.row.row for each in rows if each.flat]
    sentences = [
        f"Expected test {block.metric} on {place(block)} of the best by validation among n trials "
        "that are drawn at random from a row's search: left against n, right against the CPU "
        "seconds that n of its trials take on average. Test values of one seed; selection by "
        "validation only.",
        _bands(rows),
        "Right: along a vertical line rows compare at equal cost; where a row's line has ended, "
        "all its trials together cost less.",
        _colours(rows),
        f"Level: {listed(flat)}, without a parameter that was searched." if flat else "",
        FAILED_LAST if any(each.curve.failed for each in rows) else "",
        left_out({row.row: why for row in searched if (why := why_none(row))}),
        protocol(block),
    ]
    return " ".join(filter(None, sentences))


def _bands(rows: Sequence[Drawn]) -> str:
    banded = [each.row.row for each in rows if each.banded]
    return f"{BAND} Here those of {listed(banded)}." if banded else ""


def _colours(rows: Sequence[Drawn]) -> str:
    methods = [each for each in rows if not each.reference]
    others = [each for each in methods if not each.named]
    if not others:
        return ""
    return (
        f"Named: the {BEST} methods that end highest, {BASELINE}, references and rows of --show; "
        "grey: "
        f"{counted(len(others), 'other method')}."
    )
