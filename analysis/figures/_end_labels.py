"""Labels beside the right end of lines, moved apart so that none covers another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath
from matplotlib.transforms import ScaledTranslation
from numpy.typing import ArrayLike, NDArray

from ._palette import Style
from ._style import INK

LINE = 0.125
"""Inches from label to label."""
ELBOW = (0.03, 0.14)
"""Inches right of the axes where a leader bends, and where the label begins."""

MARKER = 0.12
"""Inches of a marker with its gaps."""
SIZE = 7.5
"""Of the text, in points."""


@dataclass(frozen=True)
class EndLabel:
    """A label and the end that it names, in data; without x the end is at the right edge."""

    text: str
    y: float
    style: Style
    x: float | None = None


def spread_apart(places: ArrayLike, gap: float, low: float, high: float) -> NDArray[np.float64]:
    """Places at least `gap` apart within [low, high], nearest to the wanted ones in least squares.

    Keeps the order: an isotonic regression by pooling neighbours. Where there is no room for all,
    they stand evenly from low to high.
    """
    wanted = np.asarray(places, float)
    n = len(wanted)
    if n > 1 and (n - 1) * gap > high - low:
        gap = (high - low) / (n - 1)
    order = np.argsort(wanted, kind="stable")
    free = wanted[order] - gap * np.arange(n)
    pools: list[tuple[float, int]] = []
    for value in free:
        mean, size = float(value), 1
        while pools and pools[-1][0] > mean:
            other, count = pools.pop()
            mean, size = (mean * size + other * count) / (size + count), size + count
        pools.append((mean, size))
    level = np.repeat([mean for mean, _ in pools], [size for _, size in pools])
    spread = np.empty(n)
    spread[order] = np.clip(level, low, high - gap * max(n - 1, 0)) + gap * np.arange(n)
    return spread


def label_width(labels: Sequence[EndLabel]) -> float:
    """Inches that the labels need right of the axes."""
    texts = (TextPath((0, 0), label.text, SIZE) for label in labels if label.text)
    widest = max((text.get_extents().x1 for text in texts), default=0.0)
    return ELBOW[1] + MARKER + widest / 72 + 0.04


def draw_end_labels(ax: Axes, labels: Sequence[EndLabel]) -> None:
    """Write the labels right of the axes, each joined to its end by a thin line and a marker.

    Everything else must be drawn before, for the labels stand where the layout puts the axes.
    """
    if not labels:
        return
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    right = ax.transAxes + ScaledTranslation(ELBOW[1] + MARKER, 0, figure.dpi_scale_trans)
    look: dict[str, Any] = {"va": "center_baseline", "color": INK, "fontsize": SIZE}
    texts = [ax.text(1, 0.5, label.text, transform=right, **look) for label in labels]
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
    width, height = (side / figure.dpi for side in ax.get_window_extent().size)
    ends = [_on_axes(ax, label) for label in labels]
    heights = spread_apart([y for _, y in ends], LINE / height, 0.0, 1.0)
    bend, start = (1 + inches / width for inches in ELBOW)
    for label, text, (x, y), at in zip(labels, texts, ends, heights, strict=True):
        style = label.style
        on: dict[str, Any] = {"transform": ax.transAxes, "color": style.color, "clip_on": False}
        ax.plot([x, 1], [y, y], linewidth=0.4, alpha=0.6, zorder=1, **on)
        ax.plot([1, bend, start], [y, at, at], linewidth=0.6, **on)
        ax.plot(start + 0.04 / width, at, marker=style.marker, markersize=3.5, **on)
        text.set_y(at)


def _on_axes(ax: Axes, label: EndLabel) -> tuple[float, float]:
    """The end in shares of the axes, within them."""
    place = ax.transData.transform((ax.get_xlim()[1] if label.x is None else label.x, label.y))
    x, y = np.clip(ax.transAxes.inverted().transform(place), 0.0, 1.0)
    return float(x), float(y)
