"""Valued triplets made by hand, in the form in which `shapley` keeps them."""

from pathlib import Path
from typing import Any

import numpy as np

TYPES = {
    "user": np.int32,
    "positive": np.int32,
    "negative": np.int32,
    "value": np.float32,
    "error": np.float32,
    "hardness": np.float32,
    "epoch": np.int32,
    "false": np.bool_,
}

# user, positive, negative, value, error, hardness, epoch, false
FEW = (
    (0, 4, 1, 4.0, 0.5, 0.1, 1, False),
    (0, 4, 2, -2.0, 1.0, 0.2, 1, True),
    (0, 2, 5, 1.0, 0.25, 0.3, 2, False),
    (1, 0, 4, -1.0, 0.5, 0.4, 2, False),
    (1, 0, 7, 2.0, 0.0, 0.5, 2, True),
)


def keep(folder: Path, rows: Any = FEW) -> None:
    """Write triplets.npz into the folder of a cell."""
    columns = zip(*rows, strict=True)
    arrays = {name: np.array(c, TYPES[name]) for name, c in zip(TYPES, columns, strict=True)}
    np.savez_compressed(folder / "triplets.npz", **arrays)


def many(seed: int, n: int = 4000, n_users: int = 60, n_items: int = 8) -> list[tuple[Any, ...]]:
    """Values that rise with hardness, and lie lower for false negatives."""
    g = np.random.default_rng(seed)
    hardness = g.random(n)
    false = g.random(n) < 0.05 + 0.15 * hardness
    value = 1e-4 * (hardness - 1.2 * false + 0.5 * g.normal(size=n))
    columns = (
        g.integers(0, n_users, n),
        g.integers(0, n_items, n),
        g.integers(0, n_items, n),
        value,
        np.full(n, 2e-5),
        hardness,
        g.integers(1, 5, n),
        false,
    )
    return list(zip(*columns, strict=True))
