"""Figure `ranks`: the place of each row in its block, and how far that place is to be trusted."""

from typing import Any

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..number_format import metric_label
from ..runs import frames
from ..runs.frames import ROW, MetricLike, Run
from ..statistics.significance import significance
from ..statistics.test_procedure import ALPHA, DEFAULT
from ._legend import draw_legend, legend_height, mark
from ._named_rows import NamedRows, named_rows
from ._palette import REST, Style
from ._style import (
    ONE,
    RC_PARAMS,
    Plot,
    nothing_to_plot,
    short_names,
    title_of,
    titled_figure,
    width_of,
)

PLACE = 13

COLUMNS = ["n_users", "n_seeds", "mean", "rank", "rank_low", "rank_high", "best", "p_best", "tied"]
COLUMNS += ["covers"]
SHADE = "#EFEFEF"
CROWDED = 20
"""With more rows than these they stand closer, in smaller type."""
GREY = Style("#A8A8A8", ".")
"""A row that is not named, over the shade."""


def plots(run: Run, metric: MetricLike = None) -> list[Plot]:
    """A bar a row from its lowest to its highest rank; the rows tied with the best are shaded.

    Raises NothingToReport if no method has every seed finished.
    """
    chosen = frames.choose_metric(run, metric)
    tests = significance(run, chosen)
    if tests.empty:
        raise nothing_to_plot(
            "ranks", "a method with every seed finished", "run it to the end first"
        )
    label = metric_label(chosen)
    plots = []
    for where, block in tests.groupby(["dataset", "backbone"]):
        dataset, backbone = map(str, where)
        caption = (
            f"Rank by {label}, references among the rows, 1 the best; bars: the ranks that the "
            f"tests of all pairs leave open; shaded: the best and the rows not told apart from it "
            f"at {ALPHA}. {_upper(DEFAULT.words_for(block)[0])}, Holm-corrected "
            "over all pairs."
        )
        ordered = block[block["rank"].notna()].sort_values(["rank", "row"], ignore_index=True)
        named = named_rows(run, chosen, ordered)
        title = title_of(dataset, backbone, f"rank by {label}")
        figure = draw(ordered, named, title, width_of(run, ONE))
        kept = ordered[[*ROW, "metric", *COLUMNS]]
        plots.append(Plot(f"ranks-{dataset}-{backbone}", dataset, backbone, caption, figure, kept))
    return plots


def draw(block: pd.DataFrame, named: NamedRows, title: str, width: float) -> Figure:
    """The figure of one block, whose lines stand by rank."""
    key = mark("tied with the best", color=SHADE, linewidth=7) if block["tied"].any() else []
    key += mark("ranks left open by the tests", color="#999999", linewidth=4, alpha=0.5)
    step = 0.18 if len(block) <= CROWDED else 0.135
    with mpl.rc_context(RC_PARAMS):
        height = 0.55 + step * len(block) + legend_height(key, width)
        figure = titled_figure(width, height, title)
        panel(figure.subplots(), block, named, "rank")
        draw_legend(figure, key, width)
    return figure


def panel(ax: Axes, block: pd.DataFrame, named: NamedRows, label: str) -> None:
    """The same into axes of another figure; `block` may lack rows."""
    last = int(max(block["rank_high"].max(), block["rank"].max()))
    for at, line in enumerate(block.to_dict("records")):
        if line["tied"]:
            ax.axhspan(at - 0.5, at + 0.5, color=SHADE, linewidth=0, zorder=0)
        _interval(ax, at, line, named.styles[line["row"]])
    ax.set_yticks(range(len(block)), short_names(block["row"]))
    ax.set_ylim(len(block) - 0.5, -0.5)
    ax.set_xlim(0.5, last + 0.5)
    ax.set_xticks(range(1, last + 1, 1 + last // 12))
    ax.set_xlabel(label)
    ax.tick_params(axis="y", length=0)
    if len(block) > CROWDED:
        ax.tick_params(axis="y", labelsize=7)
    ax.grid(axis="x")
    sns.despine(ax=ax, left=True)


def _upper(words: str) -> str:
    return words[:1].upper() + words[1:]


def _interval(ax: Axes, at: int, line: dict[Any, Any], style: Style) -> None:
    style = GREY if style is REST else style
    ends = [line["rank_low"], line["rank_high"]]
    ax.plot(ends, [at, at], color=style.color, linewidth=4, alpha=0.35, solid_capstyle="round")
    ax.plot(line["rank"], at, color=style.color, marker=style.marker, markersize=5, clip_on=False)
