"""A run folder small enough to be worked out on paper."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negbench.storage import cell_store
from negbench.storage.atomic_write import write_json

NAN = float("nan")
Values = Mapping[str, Sequence[float]]
Write = Callable[..., Path]

# ndcg@20 of four users: by method and seed, over all items.
BOOKS: dict[str, tuple[list[float], list[float]]] = {
    "random": ([0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.2]),  # means .25, .20; users .1 .2 .3 .3
    "popularity": ([0.1, 0.1, 0.2, 0.2], [0.1, 0.3, 0.2, 0.2]),  # .15, .20; users .1 .2 .2 .2
    "dns": ([0.2, 0.4, 0.4, 0.6], [0.4, 0.4, 0.4, 0.4]),  # .40, .40; users .3 .4 .4 .5
}
BANDS: dict[str, Values] = {
    "random": {"head": [0.3] * 4, "mid": [0.2] * 4, "tail": [0.1, 0.1, 0.1, NAN]},
    "popularity": {"head": [0.6] * 4, "mid": [0.0] * 4, "tail": [0.0, 0.0, 0.0, NAN]},
    "dns": {"head": [0.4] * 4, "mid": [0.4] * 4, "tail": [0.4, 0.4, 0.4, NAN]},
}
CARD = {
    "title": "A title with <script>alert(1)</script> and \\input{x}",
    "authors": "Doe & Roe",
    "year": 2001,
    "venue": "Journal_of_100%",
    "link": "https://example.org/paper",
    "family": "static",
    "provenance": "paper",
    "differs": "",
}


def spec(dataset: str, backbone: str, method: str, variant: str, seed: int) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "data": {},
        "backbone": backbone,
        "backbone_config": {"dim": 8},
        "method": method,
        "variant": variant,
        "method_config": {},
        "objective": None,
        "seed": seed,
        "split": "auto",
        "exclude": "train",
        "bands": "mass:1/3,2/3",
        "metrics": ["recall@20", "ndcg@20"],
        "train": {"epochs": 2, "patience": 1, "eval_every": 1},
    }


def record(asked: dict[str, Any], ndcg: Values) -> dict[str, Any]:
    return {
        "status": "done",
        "reason": "",
        "traceback": "",
        "spec": asked,
        "card": CARD,
        "data": {
            "n_users": 4,
            "n_items": 30,
            "n_interactions": 99,
            "checksum": "c",
            "licence": "CC0",
            "source": "https://example.org/data",
            "notes": ["The exposure is simulated."],
            "truth": False,
        },
        "split": {
            "rule": "ratio(0.8,0.1,0.1)",
            "hash": "7c1e09",
            "order": "time",
            "train": 80,
            "valid": 9,
            "test": 10,
        },
        "bands": {
            "rule": "mass:1/3,2/3",
            "names": ["head", "mid", "tail"],
            "items": [3, 7, 20],
            "test_rows": [5, 3, 2],
        },
        "metrics": [
            {"split": "test", "metric": metric, "k": 20, "band": band, "value": factor * mean}
            for metric, factor in (("recall", 2.0), ("ndcg", 1.0))
            for band, mean in ((b, float(np.nanmean(v))) for b, v in ndcg.items())
        ],
        "fit": {
            "best_epoch": 1,
            "epochs": 2,
            "stopped": "epochs",
            "best_valid": 0.3,
            "n_unfilled": 0,
            "parameters": 272,
        },
        "seconds": {
            clock: {
                "sampling": 1.0,
                "scoring": 2.0,
                "update": 3.0,
                "evaluation": 4.0,
                "total": 11.0,
            }
            for clock in ("wall", "cpu")
        },
        "peak_memory_mb": 100.0,
        "environment": {"negbench": "0.1.0", "torch": "2", "python": "3.11", "machine": "m"},
        "notes": [],
    }


@pytest.fixture
def write() -> Write:
    """Write one cell: change(record) may alter it before it is written.

    `probes` are added to every epoch, `arrays` to users.npz.
    """

    def one(
        run: Path,
        dataset: str,
        method: str,
        seed: int,
        ndcg: Values,
        *,
        backbone: str = "mf",
        variant: str = "",
        change: Callable[[dict[str, Any]], Any] = lambda record: None,
        probes: Mapping[str, float] | None = None,
        arrays: Mapping[str, Any] | None = None,
    ) -> Path:
        cell = record(spec(dataset, backbone, method, variant, seed), ndcg)
        change(cell)
        if cell["status"] == "failed":
            return cell_store.write_cell(run, cell)
        users: dict[str, Any] = {"users": np.arange(len(ndcg["all"]), dtype=np.int32)}
        for band, values in ndcg.items():
            users[f"ndcg@20/{band}"] = np.array(values, np.float32)
            users[f"recall@20/{band}"] = 2 * np.array(values, np.float32)
        epochs = [
            {"epoch": 1, "wall": 5.0, "cpu": 5.0, "loss": 0.7, "valid_ndcg@20": 0.2},
            {"epoch": 2, "wall": 10.0, "cpu": 10.0, "loss": 0.6, "valid_ndcg@20": 0.3 + seed / 10},
        ]
        epochs = [epoch | {"watched": 100.0, **probes} for epoch in epochs] if probes else epochs
        users |= arrays or {}
        trained = backbone != "reference"
        return cell_store.write_cell(run, cell, epochs=epochs if trained else (), users=users)

    return one


@pytest.fixture
def folder(tmp_path: Path, write: Write) -> Path:
    """Two data sets, three methods, two seeds and a reference."""
    run = tmp_path / "run"
    for dataset in ("books", "films"):
        for method, values in BOOKS.items():
            for seed in (0, 1):
                write(run, dataset, method, seed, {"all": values[seed], **BANDS[method]})
        reference = {"all": [0.2] * 4, "head": [0.5] * 4, "mid": [0.1] * 4, "tail": [0.0] * 4}
        write(run, dataset, "most_popular", 0, reference, backbone="reference")
    write_json(run / "run.json", {"command": "negbench run", "started": "2026-01-01T00:00"})
    return run


# Eight items by number; the bands by falling count: 4 | 0 2 | 7 1 3 5 6.
ITEMS = {
    "item_counts": np.array([3, 1, 3, 1, 8, 1, 0, 2], np.int32),
    "item_bands": np.array([1, 2, 1, 2, 0, 2, 2, 2], np.int8),
    "activity": np.array([2, 4, 6, 7], np.int32),
}
LISTS = {
    "random": [[4, 0], [2, 6], [1, 3], [5, -1]],
    "popularity": [[4, 2], [4, 0], [4, 2], [4, 0]],
    "dns": [[4, 1], [4, 7], [2, 5], [0, 6]],
    "most_popular": [[4, 2], [4, 2], [4, 2], [4, 2]],
}
FALSE = {"random": 0.02, "popularity": 0.03, "dns": 0.08}


@pytest.fixture
def probed(tmp_path: Path, write: Write) -> Path:
    """The run of `folder` with probes, item counts and lists; `films` have ground truth."""
    run = tmp_path / "probed"
    for dataset in ("books", "films"):
        exact = dataset == "films"

        def add_probe(record: dict[str, Any], exact: bool = exact) -> None:
            record["probe"] = {"mode": "full", "exact": exact, "hard": 0.1, "planted": 0, "log": 0}

        for method, values in BOOKS.items():
            rate = FALSE[method]
            probes = {"fnr": rate, "fnr_drawn": rate, "fnr_expected": 0.02, "fhnr": 2 * rate}
            probes |= {"fnr_lift": rate / 0.02, "hard": 10 * rate, "hard_watched": 1000 * rate}
            probes |= {"percentile_p10": 0.1, "percentile_p50": 10 * rate, "percentile_p90": 0.9}
            probes |= {"gap_p10": -2.0, "gap_p50": -1.0, "gap_p90": 0.5}
            probes |= {"path_share_1": 0.4, "path_gap_1": -2.0, "path_fnr_1": rate}
            probes |= {"path_share_2": 0.6, "path_gap_2": -1.0, "path_fnr_2": 2 * rate}
            for seed in (0, 1):
                write(
                    run,
                    dataset,
                    method,
                    seed,
                    {"all": values[seed], **BANDS[method]},
                    change=add_probe,
                    probes=probes,
                    arrays=ITEMS | {"top": np.array(LISTS[method], np.int32)},
                )
        reference = {"all": [0.2] * 4, "head": [0.5] * 4, "mid": [0.1] * 4, "tail": [0.0] * 4}
        lists = ITEMS | {"top": np.array(LISTS["most_popular"], np.int32)}
        write(run, dataset, "most_popular", 0, reference, backbone="reference", arrays=lists)
    return run
