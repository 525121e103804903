"""Runs of one protocol but for the objective, as one run.

`open_run` refuses tuned rows of two protocols. Rows of one sampler under two objectives are of two,
for the objective is part of the protocol of a search; all else of it may not differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from negbench.errors import UserError

from .comparability import require_comparable
from .frames import Run, open_run
from .ranked_cells import RankedCell
from .run_folders import once
from .tuned_rows import search_at_hand, tuned_of

OBJECTIVE = "objective"
SEARCHED = ("lr", "l2")
"""Settings of the training that a search chooses for each row."""
Protocols = Mapping[str, Mapping[str, Any]]


def joined(folders: Sequence[str | Path], bands: str | None = None) -> Run:
    """The folders as one run, each opened by itself.

    Raises UserError where cells of a data set differ in split, bands, exclusion, budget or tuning,
    the objective apart; NothingToReport where a folder has nothing to report.
    """
    apart = [open_run(folder, bands) for folder in once([Path(each) for each in folders])]
    rows: dict[str, tuple[RankedCell, str]] = {}
    for run in apart:
        for cell, row in zip(run.cells, run.labels, strict=True):
            rows.setdefault(f"{cell.partition} {cell.folder.name}", (cell, row))
    cells = tuple(cell for cell, _ in rows.values())
    require_comparable([_untuned(cell) for cell in cells])
    whole = Run(
        tuple(folder for run in apart for folder in run.folders),
        cells,
        tuple(row for _, row in rows.values()),
        [problem for run in apart for problem in run.problems],
        tuple(start for run in apart for start in run.starts),
        planned=sum(run.planned for run in apart),
        pending=sum(run.pending for run in apart),
        remarks=tuple(dict.fromkeys(remark for run in apart for remark in run.remarks)),
    )
    for dataset in dict.fromkeys(str(cell.spec["dataset"]) for cell, _ in whole.done):
        _require_one_tuning(whole, dataset)
        _require_one_budget(whole, dataset)
    return whole


def _untuned(cell: RankedCell) -> RankedCell:
    """The cell as if no search had chosen its settings, which is looked at apart."""
    spec = {name: value for name, value in cell.spec.items() if name != "tuned"}
    return replace(cell, record={**cell.record, "spec": spec})


def _cells(run: Run, dataset: str) -> list[RankedCell]:
    return [
        cell
        for cell, _ in run.done
        if cell.spec["dataset"] == dataset and cell.spec["backbone"] != "reference"
    ]


def _require_one_tuning(run: Run, dataset: str) -> None:
    """Refuse tuned beside untuned rows, and searches that differ in more than the objective."""
    marks = [(cell, tuned_of(cell.spec)) for cell in _cells(run, dataset)]
    tuned = [(cell, mark) for cell, mark in marks if mark]
    if not tuned:
        return
    if len(tuned) < len(marks):
        one = next(cell for cell, mark in marks if not mark)
        raise UserError(
            f"rows of one factorial must all be tuned, or none; {dataset} has tuned rows and "
            f"others, the first in {one.folder}; run all with --tuned, or none"
        )
    spaces: dict[str, set[str]] = {}
    for cell, mark in tuned:
        spaces.setdefault(cell.backbone, set()).add(str(mark.get("ranges", "")))
    if wide := [name for name, ranges in spaces.items() if len(ranges) > 1]:
        raise UserError(
            f"rows of one backbone must be tuned over the same ranges; {dataset} has "
            f"{' and '.join(sorted(spaces[wide[0]]))} on {wide[0]}; tune them with one space"
        )
    hashes = list(dict.fromkeys(str(mark.get("protocol", "")) for _, mark in tuned))
    if len(hashes) > 1:
        _require_alike(dataset, {each: _protocol(run, dataset, each) for each in hashes})


def _protocol(run: Run, dataset: str, of: str) -> Mapping[str, Any]:
    """The protocol of a search, the objective left out."""
    search = search_at_hand(run, dataset, [of])
    if search is None:
        raise UserError(
            "protocols that differ must be at hand, to see that they differ in the objective "
            f"alone; no search of {dataset} by protocol {of} is in the folders or where their "
            "--tuned points; keep the folders of `negbench tune` where they were"
        )
    return {name: value for name, value in search["protocol"].items() if name != OBJECTIVE}


def _require_alike(dataset: str, protocols: Protocols) -> None:
    (one, first), *others = protocols.items()
    for other, then in others:
        differ = [name for name in {**first, **then} if first.get(name) != then.get(name)]
        if differ:
            name = differ[0]
            raise UserError(
                "searches of one factorial may differ in the objective alone; on "
                f"{dataset} {name} is {first.get(name)} by protocol {one} and {then.get(name)} by "
                f"{other}; tune them alike"
            )


def _require_one_budget(run: Run, dataset: str) -> None:
    """Refuse trainings of other budgets; of tuned rows a search chose lr and l2."""
    cells = _cells(run, dataset)
    left_out = SEARCHED if any(tuned_of(cell.spec) for cell in cells) else ()
    names = dict.fromkeys(name for cell in cells for name in cell.spec.get("train") or {})
    for name in names:
        if name in left_out:
            continue
        values = {str((cell.spec.get("train") or {}).get(name)): cell for cell in cells}
        if len(values) > 1:
            seen = " and ".join(
                f"{value} ({cell.folder.parent.parent})" for value, cell in values.items()
            )
            raise UserError(
                f"trainings of one factorial must share their budget; {dataset} has "
                f"{name.replace('_', ' ')} {seen}; run them again with one "
                f"--{name.replace('_', '-')}, or choose it for each row by --tuned"
            )
