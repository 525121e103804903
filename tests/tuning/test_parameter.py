"""Ranges of searched parameters."""

import math

import numpy as np
import pytest

from negbench.errors import UserError
from negbench.plugins.search_range import at_edge
from negbench.tuning.parameter import Parameter

GRID = np.linspace(0, 1, 2001)[:-1]


def parameter(*entry, zero=0.0):
    return Parameter.of("method", "x", entry, zero)


def test_a_log_range_is_uniform_in_the_logarithm():
    values = [parameter("log", 1e-4, 1e-1).at(point) for point in GRID]
    assert min(values) == 1e-4 and max(values) <= 1e-1
    assert np.median(values) == pytest.approx(math.sqrt(1e-4 * 1e-1), rel=0.01)


def test_values_have_three_digits_and_stay_in_the_range():
    each = parameter("log", 0.0333, 0.777)
    values = [each.at(point) for point in (*GRID, 1 - 1e-12)]
    assert all(float(f"{value:.3g}") == value for value in values)
    assert all(0.0333 <= value <= 0.777 for value in values)


def test_a_tenth_of_the_points_is_zero():
    each = parameter("log", 1e-6, 1e-1, zero=0.1)
    values = np.array([each.at(point) for point in GRID])
    assert (values == 0).mean() == pytest.approx(0.1, abs=0.001)
    assert values[values > 0].min() == 1e-6


def test_whole_numbers_are_equally_likely():
    values = [parameter("int", 1, 4).at(point) for point in GRID]
    assert np.bincount(values).tolist() == [0, 500, 500, 500, 500]
    assert all(isinstance(value, int) for value in values)


def test_a_log_range_of_whole_numbers_gives_whole_numbers():
    values = [parameter("log", 5, 800).at(point) for point in GRID]
    assert all(isinstance(value, int) for value in values)
    assert min(values) == 5 and max(values) <= 800


def test_a_list_is_drawn_evenly():
    values = [parameter("of", 2, 8, 32).at(point) for point in GRID]
    assert [values.count(value) for value in (2, 8, 32)] == [667, 667, 666]


@pytest.mark.parametrize(
    ("entry", "value", "flagged"),
    [
        (("log", 1e-4, 1e-1), 1.5e-4, True),
        (("log", 1e-4, 1e-1), 1e-2, False),
        (("log", 1e-4, 1e-1), 0.09, True),
        (("float", 0.0, 1.0), 0.95, True),
        (("float", 0.0, 1.0), 0.5, False),
        (("of", 2, 8, 32), 32, True),
        (("of", 2, 8, 32), 8, False),
        (("of", 0.1, 1.0), 1.0, False),
        (("of", "relu", "tanh", "atan"), "atan", False),
        (("of", True, False), True, False),
        (("float", 0.0, 1.0), None, False),
    ],
)
def test_a_winner_at_the_edge_of_a_range_is_flagged(entry, value, flagged):
    each = parameter(*entry)
    assert at_edge(each.kind, each.values, value, each.zero) is flagged


def test_no_l2_is_no_edge():
    each = parameter("log", 1e-6, 1e-1, zero=0.1)
    assert not at_edge(each.kind, each.values, 0.0, each.zero)


@pytest.mark.parametrize(
    "entry",
    [
        ("log", 0.1, 0.01),
        ("log", 0, 1),
        ("log", 0.1, math.inf),
        ("lin", 0, 1),
        ("log", 1),
        ("of",),
        ("float", 1, 1),
        "log",
        0.3,
        ("int", True, 4),
        ("int", 0.5, 3.5),
        (),
    ],
)
def test_a_malformed_range_is_refused(entry):
    with pytest.raises(UserError, match="range of x"):
        Parameter.of("method", "x", entry)
