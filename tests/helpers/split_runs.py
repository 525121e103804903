"""Runs repeated over splits, from figures made up so that the answers are known."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negbench.storage.split_folders import split_folder

Floats = NDArray[np.float64]
USERS = 40
METHODS = {"random": 0.30, "dns": 0.36, "mixed": 0.30}


def rule_of(number: int) -> str:
    return f"random(0.8,0.1,0.1,seed={number - 1})"


def in_split(number: int, rule: str = "") -> Callable[[dict[str, Any]], None]:
    """A change of a record: the rule, hash and sizes of its split."""

    def change(record: dict[str, Any]) -> None:
        rule_there = rule or rule_of(number)
        record["split"] |= {"rule": rule_there, "hash": f"hash{number}", "train": 80 + number}
        record["spec"] |= {"split": rule_there, "split_hash": f"hash{number}"}
        record["notes"] = [f"{number} of 40 test users have no train pair."]

    return change


def drawn(number: int, seed: int, mean: float) -> Floats:
    """A value of each user: users, splits, seeds and a residual."""
    everyone = np.random.default_rng(1).normal(0, 0.05, USERS)
    rng = np.random.default_rng([number, seed, int(1000 * mean)])
    of_split: Floats = mean + everyone + rng.normal(0, 0.004) + rng.normal(0, 0.02, USERS)
    return of_split


def write_run(
    run: Path,
    write: Callable[..., Path],
    *,
    splits: Sequence[int] = (1, 2, 3),
    seeds: Sequence[int] = (0, 1),
    rule: Callable[[int], str] = rule_of,
) -> Path:
    """A run over splits of three methods and a reference."""
    for number in splits:
        folder, change = split_folder(run, number), in_split(number, rule(number))
        for method, mean in METHODS.items():
            for seed in seeds:
                values = {"all": drawn(number, seed, mean)}
                write(folder, "books", method, seed, values, change=change)
        values = {"all": drawn(number, 0, 0.2)}
        write(folder, "books", "most_popular", 0, values, backbone="reference", change=change)
    return run
