"""Markers of the page: every marker of the palette has a shape, and it is matplotlib's."""

import re

from negbench.analysis.figures._palette import FIXED, FIXED_REFERENCES, REFERENCE_SLOTS, SLOTS
from negbench.analysis.leaderboard.markers import shapes

ALL = {s.marker for s in (*FIXED.values(), *FIXED_REFERENCES.values(), *SLOTS, *REFERENCE_SLOTS)}
LINES = set("x1234+")


def test_every_marker_of_the_palette_has_a_shape_of_its_own() -> None:
    drawn = shapes(ALL)
    assert len({shape.path for shape in drawn.values()}) == len(ALL) > 15
    assert {marker for marker, shape in drawn.items() if not shape.filled} == LINES & ALL


def test_shapes_are_of_one_size() -> None:
    for marker, shape in shapes(ALL).items():
        numbers = [float(each) for each in re.findall(r"-?\d+\.\d+", shape.path)]
        assert 0.3 <= max(map(abs, numbers)) <= 0.71, marker


def test_a_triangle_that_points_up_does_so_where_y_counts_down() -> None:
    points = re.findall(r"(-?[\d.]+),(-?[\d.]+)", shapes("^")["^"].path)
    top = min(points, key=lambda point: float(point[1]))
    assert float(top[0]) == 0 and float(top[1]) < 0
    assert shapes("s")["s"].path.startswith("M-0.500,0.500") and "Z" in shapes("s")["s"].path
