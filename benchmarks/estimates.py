"""How near the estimates come: likely and real CPU seconds of each pairing of a finished run.

    python benchmarks/estimates.py RUN ...            a table: likely, bound, truth, and their ratio
    python benchmarks/estimates.py RUN ... --epochs   best epochs, as `typical_epochs` keeps them

An estimate is made as for a new folder, so it knows nothing of the cells that it is held against.
The runs are on the CPU with one thread, and on a machine like this one under a like load: beside
other work CPU seconds grow too, as caches and cores are shared (to twice as many, in our case).
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import fmean

from negbench.experiment.cell.spec import PlannedCell
from negbench.experiment.estimate.finished_cells import Key, begins, key_of
from negbench.experiment.estimate.grid import estimate
from negbench.experiment.options.options import build
from negbench.experiment.plan import plan
from negbench.storage import cell_store, run_file
from negbench.storage.cell_store import Cell


def main() -> None:
    """Print the table of all runs together."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--epochs", action="store_true")
    given = parser.parse_args()
    if given.epochs:
        print_best_epochs(given.runs)
    else:
        print_table(given.runs)


def finished(run: Path) -> Iterator[tuple[PlannedCell, list[Cell]]]:
    """Each pairing of a run with its finished cells."""
    done: dict[Key, list[Cell]] = defaultdict(list)
    for cell in cell_store.read_cells(run)[0]:
        if cell.done and cell.spec["backbone"] != "reference":
            done[key_of(cell.spec)].append(cell)
    seen = set()
    for asked in run_file.experiments(run_file.read(run)):
        for planned in plan(build(asked)).cells:
            key = key_of(planned.resolved)
            if key in done and key not in seen:
                seen.add(key)
                yield planned, done[key]


def print_table(runs: Iterable[Path]) -> None:
    """One line a pairing, and how many of them are within a factor 2."""
    names = f"{'data set':12} {'backbone':10} {'method':14}"
    print(f"{names} epochs  (real)  likely    truth  likely/truth")
    ratios = []
    for run in runs:
        for planned, cells in finished(run):
            scenario = planned.spec.scenario_key.prepare()
            scenarios = {planned.spec.scenario_key: scenario}
            known = estimate([planned], scenarios, Path("no such run"), device="cpu").known
            for each in known.values():
                truth = fmean(cell.record["seconds"]["cpu"]["total"] for cell in cells)
                real = fmean(cell.record["fit"]["epochs"] for cell in cells)
                ratios.append(each.likely / truth)
                print(
                    f"{each.dataset:12} {each.backbone:10} {each.method:14} {each.epochs:6} "
                    f"{real:7.0f} {each.likely:7.1f} {truth:8.1f} {ratios[-1]:13.2f}",
                    flush=True,
                )
    near = sum(0.5 <= ratio <= 2 for ratio in ratios)
    print(f"within a factor 2: {near} of {len(ratios)} pairings")


def print_best_epochs(runs: Iterable[Path]) -> None:
    """Mean best epochs, counted from the first of a method's own phase, by method and place."""
    best: dict[str, dict[tuple[str, str], float]] = defaultdict(dict)
    for run in runs:
        for planned, cells in finished(run):
            own = fmean(cell.record["fit"]["best_epoch"] for cell in cells)
            where = str(planned.resolved["dataset"]), planned.spec.backbone
            best[planned.spec.method][where] = max(1.0, own - begins(planned.spec) + 1)
    places = sorted({where for each in best.values() for where in each})
    print(f"{'':16}{' '.join(' '.join(where) for where in places)}")
    for method, known in sorted(best.items()):
        print(
            f"{method:16}" + " ".join(f"{known[w]:5.0f}" if w in known else "    -" for w in places)
        )


if __name__ == "__main__":
    main()
