"""The markers of figures as paths of SVG, so that a row looks the same on the page as in print."""

from collections.abc import Iterable
from dataclasses import dataclass

from matplotlib.markers import MarkerStyle
from matplotlib.path import Path as Outline

STEPS = {Outline.MOVETO: "M", Outline.LINETO: "L", Outline.CURVE3: "Q", Outline.CURVE4: "C"}


@dataclass(frozen=True)
class Shape:
    """A marker of a size of about 1 around 0."""

    path: str
    filled: bool
    """Whether it is an area; else it is drawn as lines."""


def shapes(markers: Iterable[str]) -> dict[str, Shape]:
    """The shape of each of these markers."""
    return {marker: _shape(marker) for marker in sorted(set(markers))}


def _shape(marker: str) -> Shape:
    style = MarkerStyle(marker)
    outline = style.get_path().transformed(style.get_transform())
    parts = []
    for points, code in outline.iter_segments(simplify=False):
        if code == Outline.CLOSEPOLY:
            parts.append("Z")
            continue
        pairs = zip(points[::2], points[1::2], strict=True)
        # Figures count upwards, SVG downwards.
        parts.append(STEPS[code] + " ".join(f"{x:.3f},{0 - y:.3f}" for x, y in pairs))
    return Shape("".join(parts), bool(style.is_filled()))
