"""Points of a search in the unit cube."""

import warnings

import numpy as np
import pytest
from scipy.stats import qmc

from negbench.errors import UserError
from negbench.tuning.points import SEARCHES, WIDTH, unit_points


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("n", [0, 1, 5, 15, 31])
def test_points_lie_in_the_cube_and_come_again(search, n):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        points = unit_points(n, search)
    assert points.shape == (n, WIDTH)
    assert ((points >= 0) & (points < 1)).all()
    assert np.array_equal(points, unit_points(n, search))


def test_another_seed_gives_other_points():
    assert not np.array_equal(unit_points(8), unit_points(8, seed=1))


def test_more_trials_keep_the_earlier_ones():
    assert np.array_equal(unit_points(31)[:15], unit_points(15))


def test_sobol_points_are_spread_better_than_random_ones():
    spread = [
        np.mean([qmc.discrepancy(unit_points(32, s, seed=i)) for i in range(5)])
        for s in SEARCHES[:2]
    ]
    assert spread[0] < 0.8 * spread[1]


def test_a_grid_has_each_pair_of_lr_and_l2_once():
    points = unit_points(16, "grid")
    lattice = {(round(4 * x - 0.5, 9), round(4 * y - 0.5, 9)) for x, y in points[:, :2]}
    assert lattice == {(float(i), float(j)) for i in range(4) for j in range(4)}
    assert np.array_equal(points[:, 2:], unit_points(16)[:, 2:])


def test_an_unknown_search_is_refused():
    with pytest.raises(UserError, match="sobol, random, grid"):
        unit_points(4, "tpe")
