"""Labels beside the right end of lines, moved apart so that none covers another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.textpath import TextPath
from numpy.typing import ArrayLike, NDArray

from ._palette import Style

INK = "#222222"
LINE = 0.135
"""Inches from label to label."""
ELBOW = (0.03, 0.14)
"""Inches right of the axes where a leader bends, and where the label begins."""

MARKER = 0.12
"""Inches of a marker with its gaps."""
SIZE = 8
"""Of the text, in points."""


@dataclass(frozen=True)
class EndLabel:
    """A label and the height, in data, of the end that it names."""

    text: str
    y: float
    style: Style


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


def draw_end_labels(ax: Axes, labels: Sequence[EndLabel], size: tuple[float, float]) -> None:
    """Write the labels right of the axes, each joined to its end by a thin line and a marker.

    `size` is that of the axes in inches; limits of the axes must be set before.
    """
    if not labels:
        return
    low, high = ax.get_ylim()
    width, height = size
    ends = [(label.y - low) / (high - low) for label in labels]
    heights = spread_apart(ends, LINE / height, 0.0, 1.0)
    bend, start = (1 + inches / width for inches in ELBOW)
    for label, end, at in zip(labels, ends, heights, strict=True):
        style = label.style
        on: dict[str, Any] = {"transform": ax.transAxes, "color": style.color, "clip_on": False}
        ax.plot([1, bend, start], [end, at, at], linewidth=0.6, **on)
        ax.plot(start + 0.04 / width, at, marker=style.marker, markersize=3.5, **on)
        x = start + MARKER / width
        where: dict[str, Any] = {"va": "center_baseline", "transform": ax.transAxes}
        ax.text(x, at, label.text, color=INK, fontsize=SIZE, **where)
