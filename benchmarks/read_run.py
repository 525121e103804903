"""Time to read a run of many cells: open it, build its data frames, render its table.

python benchmarks/read_run.py [--cells 1000] [--folder DIR]   (DIR is written once and reused)
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from negbench.storage import cell_store

USERS, EPOCHS, SEEDS = 2000, 50, 10
BANDS = ("all", "head", "mid", "tail")
METRICS = [(name, k) for name in ("recall", "ndcg", "hit", "mrr", "map") for k in (10, 20)]
WATCHED = ("fnr", "fnr_drawn", "fnr_expected", "fnr_lift", "fhnr", "hard", "gap_p50", "ess")


def cells(n: int) -> Iterator[tuple[dict[str, Any], list[dict[str, float]], dict[str, Any]]]:
    """Cells of the size that a run over real data has."""
    rng = np.random.default_rng(0)
    for at in range(n):
        method, seed = divmod(at, SEEDS)
        spec = {"dataset": "toy", "backbone": "mf", "method": f"method_{method}", "variant": ""}
        names = [(name, k, band) for name, k in METRICS for band in BANDS]
        values = {name: rng.random(USERS, np.float32) for name in names}
        rows = [
            {"split": part, "metric": m, "k": k, "band": band, "value": float(v.mean())}
            for part in ("valid", "test")
            for (m, k, band), v in values.items()
        ]
        record = {
            "status": "done",
            "spec": {**spec, "seed": seed, "exclude": "train", "train": {"epochs": EPOCHS}},
            "metrics": rows,
            "data": {"n_users": USERS, "n_items": 9000, "n_interactions": 90000, "checksum": "c"}
            | {"licence": "", "source": "", "notes": []},
            "split": {"rule": "r", "hash": "h", "order": "time", "train": 1, "valid": 1, "test": 1},
            "bands": {
                "rule": "mass",
                "names": list(BANDS[1:]),
                "items": [1] * 3,
                "test_rows": [1] * 3,
            },
            "fit": {"best_epoch": EPOCHS, "epochs": EPOCHS},
            "seconds": {"wall": dict.fromkeys(("sampling", "scoring", "update", "total"), 1.0)},
        }
        epochs = [
            {"epoch": e + 1, "wall": float(e), "loss": 0.5, "valid_ndcg@20": float(rng.random())}
            | {name: float(rng.random()) for name in WATCHED}
            for e in range(EPOCHS)
        ]
        users = {f"{m}@{k}/{band}": v for (m, k, band), v in values.items()}
        yield record, epochs, {"users": np.arange(USERS, dtype=np.int32), **users}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=None)
    args = parser.parse_args()
    folder = args.folder or Path(tempfile.mkdtemp(prefix="negbench-read-"))
    if not (folder / "cells").exists():
        for record, epochs, users in cells(args.cells):
            cell_store.write_cell(folder, record, epochs=epochs, users=users)
        cell_store.write_results(folder)
    measure(folder)


def measure(folder: Path) -> None:
    def timed(what: str, do: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = do()
        sys.stdout.write(f"{what:24}{time.perf_counter() - start:8.2f} s\n")
        return result

    def imported() -> tuple[Any, ...]:
        from negbench.analysis.measures import accuracy, convergence
        from negbench.analysis.runs import frames
        from negbench.analysis.tables import main_table

        return frames, accuracy.accuracy, convergence.convergence, main_table.render

    frames, accuracy, convergence, render = timed("import", imported)
    run = timed("open", lambda: frames.open_run(folder))
    timed("results", lambda: frames.results(run))
    timed("accuracy", lambda: accuracy(run))
    timed("convergence", lambda: convergence(run))
    timed("table", lambda: render(run))
    sys.stdout.write(f"{len(run.cells)} cells; torch imported: {'torch' in sys.modules}\n")


if __name__ == "__main__":
    main()
