"""A run small enough for paper: 5 users, 6 items, lists of 2, one test item a user.

Items        0    1    2    3    4    5
train count  4    3    2    1    1    1
band        head mid  mid  tail tail tail
User         0    1    2    3    4
train items  1    2    2    3    4
test item    0    1    2    3    4        so user 0 is head, 1 and 2 are mid, 3 and 4 are tail

The value of a list is mrr@2: 1 if the test item is first, 1/2 if it is second, else 0.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from negbench.storage import cell_store
from negbench.storage.atomic_write import write_json

COUNTS, BANDS, ACTIVITY = (4, 3, 2, 1, 1, 1), (0, 1, 1, 2, 2, 2), (1, 2, 2, 3, 4)
NAMES = ("head", "mid", "tail")

# What each method shows to the five users, by seed.
TOPS: Mapping[str, Sequence[Sequence[tuple[int, int]]]] = {
    "random": (
        ((0, 5), (0, 1), (1, 3), (3, 0), (5, 0)),
        ((1, 0), (0, 2), (2, 0), (0, 3), (0, 5)),
    ),
    "dns": (
        ((0, 1), (1, 0), (2, 1), (0, 1), (1, 0)),
        ((0, 1), (1, 0), (1, 2), (0, 1), (0, 4)),
    ),
    "popularity": (
        ((1, 0), (0, 1), (0, 1), (0, 1), (0, 1)),
        ((0, 1), (1, 0), (0, 1), (0, 1), (0, 1)),
    ),
    "most_popular": (((0, 1), (0, 1), (0, 1), (0, 1), (0, 1)),),
}
# What those lists are worth, read off by eye.
MRR: Mapping[str, Sequence[Sequence[float]]] = {
    "random": ((1, 0.5, 0, 1, 0), (0.5, 0, 1, 0.5, 0)),
    "dns": ((1, 1, 1, 0, 0), (1, 1, 0.5, 0, 0.5)),
    "popularity": ((0.5, 0.5, 0, 0, 0), (1, 1, 0, 0, 0)),
    "most_popular": ((1, 0.5, 0, 0, 0),),
}
# arp, coverage and gini of those lists: sums are worked out in test_run_on_paper.
AUDIT = {
    "random": ((2.6, 4 / 6, 26 / 60), (2.9, 5 / 6, 28 / 60)),
    "dns": ((3.3, 3 / 6, 38 / 60), (3.1, 4 / 6, 32 / 60)),
    "popularity": ((3.5, 2 / 6, 40 / 60), (3.5, 2 / 6, 40 / 60)),
    "most_popular": ((3.5, 2 / 6, 40 / 60),),
}
# fnr, fnr_drawn, fnr_expected, fnr_lift, fhnr, hard over the epochs to the best, by seed.
RATES = ("fnr", "fnr_drawn", "fnr_expected", "fnr_lift", "fhnr", "hard")
TRAIN: Mapping[str, Sequence[Sequence[float | None]]] = {
    "random": ((0.10, 0.10, 0.10, 1.0, 0.2, 0.1), (0.12, 0.12, 0.10, 1.2, 0.4, 0.1)),
    "dns": ((0.30, 0.10, 0.10, 3.0, 0.50, 0.5), (0.20, 0.12, 0.10, 2.0, 0.25, 0.7)),
    "popularity": ((0.15, 0.15, 0.10, 1.5, None, 0.0), (0.15, 0.15, 0.10, 1.5, 0.2, 0.3)),
}
# By method and seed an epoch each: valid_mrr@2, wall, fnr, gap_p50, neg_head.
EPOCHS: Mapping[str, Sequence[Sequence[tuple[float, ...]]]] = {
    "random": (
        ((0.20, 1.0, 0.1, -4, 0.1), (0.30, 2.0, 0.1, -4, 0.1)),
        ((0.10, 1.2, 0.1, -4, 0.1), (0.10, 2.4, 0.1, -4, 0.3), (0.40, 3.6, 0.1, -4, 0.2)),
    ),
    "dns": (
        ((0.40, 2.0, 0.2, -1, 0.4), (0.58, 4.0, 0.4, -2, 0.5), (0.60, 6.0, 0.9, -3, 0.6)),
        ((0.50, 3.0, 0.4, -1, 0.4), (0.40, 6.0, 0.2, -5, 0.9)),
    ),
    "popularity": (((0.20, 1.0, 0.1, -3, 0.3),), ((0.20, 1.0, 0.2, -3, 0.4),)),
}
# sampling, scoring, update, wall seconds of the whole training; epochs; best; dots; memory.
PAID = {
    "random": ((0.5, 0.5, 1.0, 2, 2, 24, 100), (1.0, 1.0, 1.0, 3, 3, 24, 100)),
    "dns": ((3.0, 1.5, 1.5, 3, 3, 60, 140), (4.0, 1.0, 1.0, 2, 1, 60, 160)),
    "popularity": ((0.5, 0.2, 0.3, 1, 1, 24, 100), (0.5, 0.2, 0.3, 1, 1, 24, 100)),
}


def write_run_on_paper(run: Path, exact: bool = True) -> Path:
    """The run folder: three methods under two seeds, and a reference."""
    for method, values in MRR.items():
        for seed in range(len(values)):
            _write(run, method, seed, exact)
    cell_store.write_results(run)
    write_json(run / "run.json", {"command": "negbench run", "started": "2026-01-01"})
    return run


def _write(run: Path, method: str, seed: int, exact: bool) -> None:
    mrr = np.array(MRR[method][seed], np.float32)
    bands = np.array(BANDS)[:5]  # the test item of user u is item u
    values = {"mrr@2/all": mrr}
    values |= {f"mrr@2/{n}": np.where(bands == b, mrr, np.nan) for b, n in enumerate(NAMES)}
    arrays = {
        "users": np.arange(5, dtype=np.int32),
        "top": np.array(TOPS[method][seed], np.int32),
        "activity": np.array(ACTIVITY, np.int32),
        "item_counts": np.array(COUNTS, np.int32),
        "item_bands": np.array(BANDS, np.int8),
        **values,
    }
    record = _record(method, seed, exact)
    record["metrics"] = [
        {"split": "test", "metric": "mrr", "k": 2, "band": name.rpartition("/")[2], "value": value}
        for name, value in ((name, float(np.nanmean(v))) for name, v in values.items())
    ]
    record["metrics"] += [
        {"split": "test", "metric": name, "k": 2, "band": "all", "value": value}
        for name, value in zip(("arp", "coverage", "gini"), AUDIT[method][seed], strict=True)
    ]
    epochs = []
    if method in TRAIN:
        record["metrics"] += [
            {"split": "train", "metric": name, "k": 0, "band": "all", "value": value}
            for name, value in zip(RATES, TRAIN[method][seed], strict=True)
        ]
        names = ("valid_mrr@2", "wall", "fnr", "gap_p50", "neg_head")
        epochs = [
            {"epoch": at, **dict(zip(names, line, strict=True))}
            for at, line in enumerate(EPOCHS[method][seed], 1)
        ]
    cell_store.write_cell(run, record, epochs=epochs, users=arrays)


def _record(method: str, seed: int, exact: bool) -> dict[str, Any]:
    reference = method not in TRAIN
    record: dict[str, Any] = {
        "status": "done",
        "reason": "",
        "spec": {
            "dataset": "hand",
            "backbone": "reference" if reference else "mf",
            "method": method,
            "variant": "",
            "seed": seed,
            "exclude": "train",
            "train": {},
        },
        "card": {"title": method},
        "data": {"n_users": 5, "n_items": 6, "n_interactions": 17, "checksum": "c"}
        | {"licence": "CC0", "source": "", "notes": []},
        "split": {"rule": "paper", "hash": "5a6", "order": "time", "train": 12, "valid": 0}
        | {"test": 5},
        "bands": {"rule": "mass:1/3,2/3", "names": list(NAMES), "items": [1, 2, 3]}
        | {"test_rows": [1, 2, 2]},
        "fit": {},
        "seconds": {},
        "environment": {},
    }
    if not reference:
        sampling, scoring, update, epochs, best, dots, memory = PAID[method][seed]
        record["probe"] = {"mode": "full", "exact": exact, "hard": 0.1, "planted": 0.0, "log": 0}
        record["fit"] = {"epochs": epochs, "best_epoch": best, "negatives": 12, "dots": dots}
        record["fit"] |= {"capped": False, "phase": None}
        parts = {"sampling": sampling, "scoring": scoring, "update": update, "total": 9.0}
        record["seconds"] = {"wall": parts}
        record["peak_memory_mb"] = memory
    return record
