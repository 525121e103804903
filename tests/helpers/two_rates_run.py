"""A run whose rows were trained at two learning rates: 40 users, a mean a row."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .graded_run import values_of

LOW, HIGH = 0.001, 0.03
MEANS: Mapping[tuple[str, float | None], float] = {
    ("random", LOW): 0.2,
    ("random", HIGH): 0.3,
    ("dns", LOW): 0.25,
    ("dns", HIGH): 0.3005,  # far above random at the low rate, and as random at the high one
}
"""The mean of each method and rate; the rate is None where none was given."""
REFERENCE = 0.1


def write_two_rates(
    write: Callable[..., Path],
    run: Path,
    means: Mapping[tuple[str, float | None], float] = MEANS,
    *,
    seconds: Mapping[tuple[str, float | None], float] | None = None,
    failed: tuple[str, float | None] | None = None,
    seeds: int = 3,
) -> Path:
    """Write these cells and the reference most_popular; one row may fail under its last seed.

    `seconds` are those of sampling in a cell, 1 where not given.
    """
    for (method, lr), mean in means.items():
        for seed in range(seeds):

            def change(
                record: dict[str, Any],
                key: tuple[str, float | None] = (method, lr),
                last: bool = seed == seeds - 1,
            ) -> None:
                if key[1] is not None:
                    record["spec"]["train"]["lr"] = key[1]
                record["seconds"]["wall"]["sampling"] = (seconds or {}).get(key, 1.0)
                if last and key == failed:
                    record |= {"status": "failed", "reason": "no memory"}

            values = values_of(mean, f"{method}{lr}", (seed - 1) / 1000, 0.01)
            bands = {"all": values, "head": values, "tail": values}
            write(run, "books", method, seed, bands, change=change)
    values = values_of(REFERENCE, "most_popular", 0.0, 0.01)
    bands = {"all": values, "head": values, "tail": values}
    write(run, "books", "most_popular", 0, bands, backbone="reference")
    return run
