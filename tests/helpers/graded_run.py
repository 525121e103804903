"""A run whose rows lie as far apart as a test asks: 40 users, values about a mean of each row."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Change = Callable[[dict[str, Any]], Any]
USERS = 40


def values_of(mean: float, name: str, shift: float, spread: float) -> list[float]:
    """The values of the users, whose mean is `mean` with the shift of the seed."""
    noise = np.random.default_rng(list(name.encode())).standard_normal(USERS)
    return list(mean + shift + spread * (noise - noise.mean()))


def write_graded(
    write: Callable[..., Path],
    run: Path,
    methods: Mapping[str, float | Mapping[str, float]],
    references: Mapping[str, float | Mapping[str, float]] | None = None,
    *,
    dataset: str = "books",
    seeds: Sequence[int] = (0, 1, 2),
    spread: float = 0.01,
    changes: Mapping[str, Change] | None = None,
) -> Path:
    """Write the cells: a mean a row, or one for "all" and each band, and a change of its records.

    Seeds shift a row by a tenth of `spread` to either side: the mean over seeds is the one given.
    """
    named = [(name, mean, seeds, "mf") for name, mean in methods.items()]
    named += [(name, mean, (0,), "reference") for name, mean in (references or {}).items()]
    for name, mean, held, backbone in named:
        bands = mean if isinstance(mean, Mapping) else {"all": mean, "head": mean, "tail": mean}
        for seed in held:
            shift = (seed - sum(held) / len(held)) * spread / 10
            values = {
                band: values_of(m, f"{name}/{band}", shift, spread) for band, m in bands.items()
            }
            change = (changes or {}).get(name, lambda record: None)
            write(run, dataset, name, seed, values, backbone=backbone, change=_both(change))
    return run


def rising(record: dict[str, Any]) -> None:
    """A change: the budget ended while the cell was still rising."""
    record["fit"]["capped"] = True


def warm_up(record: dict[str, Any]) -> None:
    """A change: the cell never came to the phase of its method."""
    record["fit"]["phase"] = {"name": "own phase", "begins": 9, "reached": False, "kept": False}


def _both(change: Change) -> Change:
    def two_bands(record: dict[str, Any]) -> None:
        record["bands"] = {"rule": "mass:1/2", "names": ["head", "tail"], "items": [3, 27]}
        record["bands"]["test_rows"] = [5, 5]
        record["fit"] |= {"capped": False, "phase": None}
        shown = {"split": "test", "metric": "arp", "k": 20, "band": "all", "value": 9.0}
        record["metrics"].append(shown)
        change(record)

    return two_bands
