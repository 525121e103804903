"""Trains a random tenth of a finished run again and compares bits: is the run reproducible here?

    python studies/rerun_tenth.py runs/mine
    python studies/rerun_tenth.py runs/mine --share 1 --draw 7

The cells are drawn from those that finished, trained in a temporary folder on the run's device with
its threads, and compared with what the run keeps: every metric of the record, the ranks of all
held-out pairs and the recommended lists, bit by bit. Seconds and memory are not compared. The last
line says n of n identical. Exit code 0 if all are, 1 if one is not or cannot be trained any more,
2 for a folder that is no run.

The same bits are promised on one machine, with one version of negbench and torch and the same
threads; where these differ from the record's it is told.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from negbench.errors import UserError
from negbench.experiment.cell.run import run_cell
from negbench.experiment.cell.spec import PlannedCell
from negbench.experiment.options.options import Options
from negbench.experiment.plan import plan
from negbench.experiment.run_again import to_resume
from negbench.experiment.run_grid import device_of
from negbench.plugins.row_terms import cell_words
from negbench.scenario.scenario import Scenario
from negbench.storage import split_folders
from negbench.storage.cell_store import Cell, read_cells

SHARE = 0.1
ARRAYS = ("ranks.npz", "users.npz")
"""Files of a cell that hold ranks, lists and the values of each user."""
ENVIRONMENT = ("negbench", "torch", "numpy", "python", "processor", "device", "threads", "kernels")
Planned = tuple[Options, PlannedCell, Scenario]


def drawn(folders: Sequence[Path], share: float, draw: int) -> tuple[list[tuple[Path, Cell]], int]:
    """A random share of the finished cells, at least one, and how many there are.

    Raises UserError where none is finished.
    """
    cells = [(folder, cell) for folder in folders for cell in read_cells(folder)[0] if cell.done]
    if not cells:
        raise UserError(f"a run must have a finished cell; {folders[0]} has none; run it first")
    every = sorted(cells, key=lambda each: (str(each[0]), each[1].folder.name))
    return random.Random(draw).sample(every, ceil(share * len(every))), len(every)


def planned_again(folder: Path, cell: Cell) -> Planned | None:
    """The cell as its run plans it, with its scenario; None where it is planned no more.

    Raises UserError where a part of the run that could hold it cannot be planned here.
    """
    failure = None
    for options in to_resume(folder, None):
        named = [word for word in options.datasets if word == cell.spec["dataset"]]
        for word in named or options.datasets:
            try:
                one = plan(replace(options, datasets=(word,)))
            except UserError as error:  # a method that fits another data set of the run alone
                failure = failure or error
                continue
            for planned in one.cells:
                if planned.digest == cell.folder.name:
                    return options, planned, one.scenarios[planned.spec.scenario_key]
    if failure:
        raise failure
    return None


def differences(then: Cell, now: Cell) -> list[str]:
    """What is not the same to the bit in two trainings of one cell."""
    before, after = (_metrics(cell.record) for cell in (then, now))
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    texts = [f"{len(names)} of {len(before)} metrics, the first {names[0]}"] if names else []
    for name in ARRAYS:
        paths = [cell.folder / name for cell in (then, now)]
        there = [path.is_file() for path in paths]
        if all(there):
            texts += [f"{array} of {name}" for array in _unlike(*paths)]
        elif any(there):
            texts.append(f"{name} is missing in one of them")
    return texts


def _metrics(record: Mapping[str, Any]) -> dict[str, str]:
    """Every value of a record's metrics by its name, as the hexadecimal of its bits."""
    return {
        f"{m['split']} {m['metric']}@{m['k']}/{m['band']}": float(m["value"]).hex()
        for m in record["metrics"]
    }


def _unlike(one: Path, other: Path) -> list[str]:
    with np.load(one, allow_pickle=False) as a, np.load(other, allow_pickle=False) as b:
        names = sorted({*a.files, *b.files})
        return [n for n in names if n not in a or n not in b or not _same_bits(a[n], b[n])]


def _same_bits(a: "np.ndarray", b: "np.ndarray") -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def elsewhere(then: Cell, now: Cell) -> str:
    """In what the two trainings were made by other versions or machines; empty if in nothing."""
    before, after = (dict(cell.record.get("environment") or {}) for cell in (then, now))
    pairs = [(name, before.get(name), after.get(name)) for name in ENVIRONMENT]
    return ", ".join(f"{name} {a} then, {b} now" for name, a, b in pairs if a != b)


def rerun(folder: Path, cell: Cell, out: Path) -> tuple[bool, str]:
    """Train a cell again in `out`: whether it is the same to the bit, and a line on it."""
    words = cell_words(cell.spec)
    again = planned_again(folder, cell)
    if again is None:
        why = "its data, settings or plug-ins have changed since"
        return False, f"not planned any more  {words}  ({why})"
    options, planned, scenario = again
    device = "cpu" if planned.spec.is_reference else options.device
    where = device_of(replace(options, device=device))
    path = run_cell(planned, scenario, out, device=where, threads=options.threads)
    now = next(each for each in read_cells(out)[0] if each.folder == path)
    differ, moved = differences(cell, now), elsewhere(cell, now)
    if not differ:
        return True, f"identical  {words}"
    return False, f"differs    {words}  ({'; '.join([*differ, moved] if moved else differ)})"


def main() -> int:
    """Train the cells again and say how many are identical."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--share", type=float, default=SHARE, help="of its cells  [0.1]")
    parser.add_argument("--draw", type=int, default=0, help="seed of the draw of cells  [0]")
    given = parser.parse_args()
    if not 0 < given.share <= 1:
        parser.error(f"--share must lie above 0 and be at most 1; got {given.share}")
    try:
        cells, n = drawn(split_folders.expanded([given.run]), given.share, given.draw)
        same = 0
        for folder, cell in cells:
            with tempfile.TemporaryDirectory() as out:
                identical, line = rerun(folder, cell, Path(out))
            same += identical
            print(line, flush=True)
    except UserError as error:
        print(f"rerun_tenth: {error}", file=sys.stderr)
        return 2
    print(f"{same} of {len(cells)} identical (of {n} finished cells, draw {given.draw})")
    return 0 if same == len(cells) else 1


if __name__ == "__main__":
    sys.exit(main())
