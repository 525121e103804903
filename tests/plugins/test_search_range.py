"""Ranges of searched settings: the outer tenth, ends of lists, 0 as a point of its own."""

import math

import pytest

from negbench.plugins import registry
from negbench.plugins.search_range import at_edge, in_words, place

LOG = ("log", (1e-4, 1e-1))


@pytest.mark.parametrize(
    ("value", "edge"),
    [(1e-4, True), (1.9e-4, True), (2.1e-4, False), (3e-3, False), (0.04, False), (0.06, True)],
)
def test_the_outer_tenth_of_a_log_range_is_a_tenth_of_its_logarithm(value, edge):
    assert at_edge(*LOG, value) is edge


def test_places():
    assert place(*LOG, 1e-3) == pytest.approx(1 / 3)
    assert place("float", (0.0, 4.0), 1) == 0.25
    assert place("int", (1, 5), 5) == 1.0
    assert place(*LOG, 0.0) == -math.inf
    assert place(*LOG, 0.0, zero=0.1) is None
    assert place("of", (1, 2), 1) is None


def test_zero_is_an_edge_only_where_it_is_no_point_of_its_own():
    assert at_edge(*LOG, 0.0)
    assert not at_edge(*LOG, 0.0, zero=0.1)


def test_the_ends_of_an_ordered_list_are_edges():
    assert [v for v in (2, 4, 8) if at_edge("of", (4, 2, 8), v)] == [2, 8]
    assert not at_edge("of", (2, 4), 2)  # of two, each is an end
    assert not at_edge("of", ("a", "b", "c"), "a")
    assert not at_edge("of", (False, True, False), True)


def test_words():
    assert in_words(*LOG) == "log [0.0001, 0.1]"
    assert in_words("log", (1e-8, 1e-2), 0.1) == "log [1e-08, 0.01], or 0 (10%)"
    assert in_words("of", (2, 4)) == "{2, 4}"


def test_no_method_lists_a_range_that_the_training_takes_the_name_of():
    """Such a parameter keeps its published value in every search, though `info` shows its range."""
    shared = {"lr", "l2"}
    for name in registry.names("methods"):
        assert not shared & set(registry.card("methods", name).search), name
