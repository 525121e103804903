"""Whether halving may be used: how well a quarter and a half of the epochs order the trials.

python benchmarks/halving_correlations.py RUN [--finalists 3] [--best 3]

RUN is the folder of a search in full (`negbench tune --fidelity full`), or any run folder whose
cells are trials. For each row: Spearman's rank correlation of the best validation value up to a
quarter and a half of the epoch cap with the end's, over all trials that finished, how many of the
best trials successive halving would have cut, and its epochs as a share of those in full. In a run
folder without searches a row is a data set, backbone and method, and its first planned cell is
taken for trial 0, which is never cut.
"""

import argparse
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from negbench.experiment.cell.spec import REFERENCE
from negbench.storage import run_file, search_store
from negbench.storage.cell_store import read_cells
from negbench.tuning.halving import (
    EPOCHS,
    Curve,
    Rung,
    best_that_are_cut,
    correlation_of_full,
    rungs,
    trained_at,
)


@dataclass(frozen=True)
class Measured:
    """A row, and the curves of its trials in their order."""

    dataset: str
    name: str
    epochs: int
    """The epoch cap."""
    curves: tuple[Curve, ...]
    pending: int
    """How many of its trials are not on disk yet."""

    @property
    def done(self) -> int:
        """How many trials finished."""
        return sum(curve.best() is not None for curve in self.curves)

    def at(self, share: float) -> float | None:
        """The correlation of this share of the epoch cap with the end."""
        return correlation_of_full(self.curves, math.ceil(self.epochs * share))

    def cut(self, steps: Sequence[Rung], best: int) -> int:
        """How many of the best trials these rungs would have cut."""
        return len(best_that_are_cut(dict(enumerate(self.curves)), steps, best))

    def cost(self, steps: Sequence[Rung]) -> float:
        """Epochs under halving, where every rung trains anew, as a share of those in full."""
        curves = dict(enumerate(self.curves))
        lengths = {trial: max(curve.valid, default=0) for trial, curve in curves.items()}
        at = zip(steps, trained_at(curves, steps), strict=True)
        halved = sum(min(step.epochs, lengths[trial]) for step, trials in at for trial in trials)
        return halved / max(1, sum(lengths.values()))


def measured(run: Path) -> Iterator[Measured]:
    """The trained rows of a folder, data set by data set.

    Raises SystemExit for a search by halving.
    """
    inside = run / search_store.TRIALS
    cells = {cell.folder.name: cell for cell in read_cells(inside if inside.is_dir() else run)[0]}
    searches = search_store.read_searches(run)
    if any(each["protocol"]["fidelity"] != "full" for each in searches):
        raise SystemExit(f"{run} must hold a search in full: halving shows selected trials alone")
    named = (
        {
            (s["dataset"], s["backbone"], s["row"]): [each["cell"] for each in s["trials"]]
            for s in searches
        }
        if searches
        else _planned(inside if inside.is_dir() else run)
    )
    for (dataset, backbone, row), digests in sorted(named.items()):
        trials = [cells[digest] for digest in digests if digest in cells]
        if backbone == REFERENCE or not trials:
            continue
        pending = len(digests) - len(trials)
        cap = max(int(cell.spec["train"]["epochs"]) for cell in trials)
        whole = [cell for cell in trials if cell.spec["train"]["epochs"] == cap]
        yield Measured(dataset, f"{backbone} {row}", cap, tuple(map(Curve.of, whole)), pending)


def _planned(run: Path) -> dict[tuple[str, str, str], list[str]]:
    """The cells of one seed by row, as they were planned."""
    named = defaultdict(list)
    planned = run_file.planned(run_file.read(run))
    first = min((int(entry["seed"]) for entry in planned), default=0)
    for entry in planned:
        if int(entry["seed"]) == first:
            variant = entry["backbone_variant"]
            backbone = f"{entry['backbone']}({variant})" if variant else str(entry["backbone"])
            named[str(entry["dataset"]), backbone, str(entry["method"])].append(str(entry["cell"]))
    return named


def table(rows: Sequence[Measured], finalists: int, best: int) -> list[str]:
    """The figures of one data set as Markdown."""
    lines = [
        f"| {rows[0].dataset} | trials | cap | rank correlation at 1/4 | at 1/2 | best {best} cut "
        "at 1/4 | at either | best one cut | epochs |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        steps = rungs(len(row.curves), row.epochs, finalists)
        cells = [row.name, f"{row.done} of {len(row.curves)}", str(row.epochs)]
        cells += [_number(row.at(share)) for share in EPOCHS]
        first = [*steps[:-1][:1], steps[-1]]
        cells += [str(row.cut(first, best)), str(row.cut(steps, best))]
        cells += ["yes" if row.cut(steps, 1) else "no", f"{row.cost(steps):.0%}"]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "", *_summary(rows, finalists, best)]


def _summary(rows: Sequence[Measured], finalists: int, best: int) -> Iterator[str]:
    for words, share in zip(("a quarter", "a half"), EPOCHS, strict=True):
        known = {row.name: value for row in rows if (value := row.at(share)) is not None}
        low = [name for name, value in known.items() if round(value, 2) < search_store.TRUSTED]
        if known:
            yield (
                f"At {words} of the cap: median {median(known.values()):.2f} over {len(known)} "
                f"rows, least {min(known.values()):.2f}; below {search_store.TRUSTED} in {len(low)}"
                f"{': ' + ', '.join(low) if low else ''}."
            )
    steps = [rungs(len(row.curves), row.epochs, finalists) for row in rows]
    pairs = list(zip(rows, steps, strict=True))
    cut = sum(row.cut(each, best) for row, each in pairs)
    winners = sum(row.cut(each, 1) for row, each in pairs)
    of = sum(min(best, row.done) for row in rows)
    cost = median(row.cost(each) for row, each in pairs)
    yield (
        f"Halving would have cut {cut} of the {of} trials that were the best {best} of their row "
        f"at the end, and the best one in {winners} of {len(rows)} rows. It would have trained "
        f"{cost:.0%} of the epochs in the median row, as every rung trains anew."
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def main() -> None:
    """Print a table for each data set."""
    parser = argparse.ArgumentParser(description="Rank correlation of rungs with the end")
    parser.add_argument("run", type=Path, help="folder of a search in full, or of its trials")
    parser.add_argument("--finalists", type=int, default=3)
    parser.add_argument("--best", type=int, default=3)
    args = parser.parse_args()
    by_dataset = defaultdict(list)
    for row in measured(args.run):
        by_dataset[row.dataset].append(row)
    for dataset, rows in by_dataset.items():
        whole = [row for row in rows if not row.pending]
        if whole:
            print("\n".join(table(whole, args.finalists, args.best)))
        for row in rows:
            if row.pending:
                print(f"Left out: {dataset} {row.name}, {row.pending} of its trials are pending.")
        print()


if __name__ == "__main__":
    main()
