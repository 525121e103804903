"""Labels beside points, placed one by one where they cover the fewest points and no other label."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath
from numpy.typing import NDArray

from ._style import INK

SIZE = 7
"""Of the text, in points."""
RADII = (5.0, 10.0, 17.0, 26.0, 38.0)
"""Distances from a point to its label, in points, tried from near to far."""
ANGLES = np.deg2rad([0, 180, 90, 270, 30, 150, 210, 330, 60, 120, 240, 300])
JOINED = 8.0
"""From this distance on a thin line joins a label to its point."""
Box = tuple[float, float, float, float]
"""Left, lower, right and upper edge, in points."""


@dataclass(frozen=True)
class PointLabel:
    """A label and the point that it names, in data."""

    text: str
    x: float
    y: float
    color: str


def draw_point_labels(
    ax: Axes, labels: Sequence[PointLabel], others: NDArray[np.float64] | None = None
) -> None:
    """Write the labels, the first with the first choice of a place; `others` are points [n, 2].

    Everything else must be drawn before, for places depend on the layout of the figure.
    """
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
    scale = 72 / figure.dpi
    own = np.array([(label.x, label.y) for label in labels], float).reshape(-1, 2)
    points = own if others is None else np.concatenate([own, others])
    places = scale * ax.transData.transform(points)
    frame = scale * ax.get_window_extent().get_points().ravel()
    boxes: list[Box] = []
    for label, (x, y) in zip(labels, places, strict=False):
        radius, angle, box = _best_place(label.text, (x, y), places, boxes, tuple(frame))
        boxes.append(box)
        ax.annotate(
            label.text,
            (label.x, label.y),
            xytext=((box[0] + box[2]) / 2 - x, (box[1] + box[3]) / 2 - y),
            textcoords="offset points",
            ha="center",
            va="center_baseline",
            fontsize=SIZE,
            color=INK,
            zorder=5,
            annotation_clip=False,
        ).set_in_layout(False)
        if radius >= JOINED:
            ends = np.array([[x, y], [x + radius * np.cos(angle), y + radius * np.sin(angle)]])
            line = ax.transData.inverted().transform(ends / scale)
            ax.plot(
                *line.T, color=label.color, linewidth=0.5, zorder=2.5, scalex=False, scaley=False
            )


def _best_place(
    text: str,
    point: tuple[float, float],
    points: NDArray[np.float64],
    boxes: Sequence[Box],
    frame: Sequence[float],
) -> tuple[float, float, Box]:
    """Radius, angle and box of the place that costs the least."""
    width, height = float(TextPath((0, 0), text, SIZE).get_extents().x1), 1.05 * SIZE
    best: tuple[float, float, float, Box] | None = None
    for radius, angle in product(RADII, ANGLES):
        box = _box(point, radius, float(angle), width, height)
        inside = (points[:, 0] > box[0] - 2) & (points[:, 0] < box[2] + 2)
        inside &= (points[:, 1] > box[1] - 2) & (points[:, 1] < box[3] + 2)
        outside = width * height - _shared(box, frame)
        covered = sum(_shared(box, other) for other in boxes)
        cost = radius + 12.0 * float(inside.sum()) + 2.0 * outside + 4.0 * covered
        if best is None or cost < best[0]:
            best = (cost, radius, float(angle), box)
    assert best is not None
    return best[1:]


def _box(
    point: tuple[float, float], radius: float, angle: float, width: float, height: float
) -> Box:
    """The box whose nearest edge or corner lies `radius` from the point at this angle."""
    across, up = float(np.cos(angle)), float(np.sin(angle))
    x = point[0] + radius * across + width / 2 * float(np.sign(round(across, 6)))
    y = point[1] + radius * up + height / 2 * float(np.sign(round(up, 6)))
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _shared(box: Sequence[float], other: Sequence[float]) -> float:
    """The area that two boxes share."""
    wide = min(box[2], other[2]) - max(box[0], other[0])
    high = min(box[3], other[3]) - max(box[1], other[1])
    return max(wide, 0.0) * max(high, 0.0)
