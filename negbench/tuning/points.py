"""The points of a search in the unit cube: the shared coordinates are the same for every row.

Each role has its own column, however many of them a row uses, so that two rows of one search train
trial 7 with the same learning rate, and their difference is paired by configuration.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from negbench.errors import UserError, did_you_mean
from negbench.ops.rng import derive

Array = NDArray[np.float64]
SEARCHES = ("sobol", "random", "grid")
SHARED = ("lr", "l2", "tau")
"""The columns of the shared part, in this order."""
BACKBONE = 3
"""The columns after it: so many parameters of a backbone's own."""
OWN = 2
"""The last columns: so many of a method's own."""
WIDTH = len(SHARED) + BACKBONE + OWN


def unit_points(n: int, search: str = "sobol", seed: int = 0) -> Array:
    """The points [n, WIDTH] of a search, in [0, 1).

    sobol: a scrambled Sobol sequence (Owen 1998, scipy.stats.qmc); random: independent draws; grid:
    a lattice over the learning rate and L2, in random order, with Sobol points for the other
    columns.

    Raises UserError for another search.
    """
    if search not in SEARCHES:
        raise UserError(
            f"--search must be one of {', '.join(SEARCHES)}; got {search!r}; "
            f"{did_you_mean(search, list(SEARCHES))}"
        )
    rng = np.random.default_rng(derive(seed, "tuning", search))
    if n < 1:
        return np.empty((0, WIDTH))
    if search == "random":
        return rng.random((n, WIDTH))
    sequence = qmc.Sobol(WIDTH, scramble=True, seed=np.random.default_rng(derive(seed, "sobol")))
    points: Array = sequence.random_base2(max(1, math.ceil(math.log2(n))))[:n]
    if search == "grid":
        wide = math.ceil(math.sqrt(n))
        lattice = [
            ((i + 0.5) / wide, (j + 0.5) / -(-n // wide))
            for j in range(-(-n // wide))
            for i in range(wide)
        ]
        points[:, :2] = rng.permutation(np.array(lattice))[:n]
    return points
