"""A run of forty rows with everything that a figure draws: probes, lists, families, references."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FAMILIES = ("static", "dynamic", "contrastive", "diffusion")
REFERENCES = ("most_popular", "ease", "item_knn")
ITEMS = {
    "item_counts": np.array([3, 1, 3, 1, 8, 1, 0, 2], np.int32),
    "item_bands": np.array([1, 2, 1, 2, 0, 2, 2, 2], np.int8),
    "activity": np.array([2, 4, 6, 7], np.int32),
    "top": np.array([[4, 0], [2, 6], [1, 3], [5, 7]], np.int32),
}


def write_many_rows(write: Callable[..., Path], run: Path, methods: int = 37) -> Path:
    """`random`, then method_1, each a little better than the last; the tail is hardly reached."""
    for at in range(methods):
        name, low = f"method_{at}" if at else "random", 0.1 + 0.01 * at

        def change(record: dict[str, Any], at: int = at) -> None:
            family = FAMILIES[at % len(FAMILIES)]
            record["card"] = {**record["card"], "title": "A method", "family": family}
            record["probe"] = {"mode": "full", "exact": False, "hard": 0.1, "planted": 0, "log": 0}

        rate = 0.002 * (at + 1)
        probes = {"fnr": rate, "fnr_drawn": rate, "fnr_expected": 0.02, "fhnr": 2 * rate}
        probes |= {"fnr_lift": rate / 0.02, "hard": 0.5, "hard_watched": 1000.0}
        probes |= {"percentile_p10": 0.1, "percentile_p50": 0.3 + rate, "percentile_p90": 0.9}
        _write(write, run, name, low, change=change, probes=probes)
    for at, name in enumerate(REFERENCES):
        _write(write, run, name, 0.15 + 0.1 * at, backbone="reference")
    return run


def _write(write: Callable[..., Path], run: Path, name: str, low: float, **options: Any) -> None:
    values = {"all": [low, low + 0.1, low + 0.2, low + 0.1], "head": [low] * 4}
    values |= {"mid": [low / 2] * 4, "tail": [low / 50] * 4}
    write(run, "books", name, 0, values, arrays=ITEMS, **options)
