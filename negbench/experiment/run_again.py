"""Runs a folder again, or goes on with it: all that its run.json was asked for, as one plan."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from negbench.errors import UserError
from negbench.experiment.cell.spec import PlannedCell
from negbench.experiment.options.options import Options, build, merge
from negbench.experiment.plan import Plan, plan
from negbench.scenario.ranking_protocol import choices_of
from negbench.storage import cell_store, run_file

WHOLE_RUN = (*run_file.HOW, "device")
"""Options of a run as a whole: all its cells are worked through in one way, into one folder."""


def to_resume(folder: Path, jobs: str | None) -> list[Options]:
    """The options of every experiment of a run folder, to go on with it.

    Raises UserError if the folder holds no readable run.json.
    """
    given = {"out": str(folder), "overwrite": "failed"} | ({"jobs": jobs} if jobs else {})
    stored = run_file.experiments(run_file.read(folder))
    return [build(merge(each, given)) for each in stored]


def plan_of(experiments: Sequence[Options], folder: Path | None, *, of_file: bool = False) -> Plan:
    """One plan of several experiments of a run folder, or of a file, each cell once.

    Of a row and seed whose settings a later experiment changed the later cell counts, and the
    earlier one where the folder holds it already. Of a data set that is split, ranked or tuned
    otherwise since, only the later cells count: the earlier ones do not compare.

    Raises UserError for experiments of a file that cannot be one run: other folders, threads or
    devices, or two versions of one data set.
    """
    if of_file:
        _require_one_way(experiments)
    plans = [plan(each) for each in experiments]
    if len(plans) == 1 or folder is None:
        return plans[-1]
    if of_file:
        _require_one_version(plans)
    return _merged(plans, {cell.folder.name for cell in cell_store.read_cells(folder)[0]})


def _require_one_way(experiments: Sequence[Options]) -> None:
    """Raises UserError where experiments differ in what a run has once, as its folder."""
    for name in WHOLE_RUN:
        if len(asked := list(dict.fromkeys(getattr(each, name) for each in experiments))) > 1:
            words = " and ".join(repr(each) for each in asked[:2])
            raise UserError(
                f"the experiments of a file are one run, which has one {name}; got {words}; write "
                "it above the tables, or use two files"
            )


def _require_one_version(plans: Sequence[Plan]) -> None:
    """Raises UserError for a data set that two experiments read, split or rank differently."""
    first: dict[str, Mapping[str, Any]] = {}
    for planned in (each for one in plans for each in one.cells):
        name, now = str(planned.resolved["dataset"]), _version(planned)
        then = first.setdefault(name, now)
        if differ := [key for key in now if now[key] != then[key]]:
            words = ", ".join(f"{key} {then[key]} and {now[key]}" for key in differ)
            raise UserError(
                f"a run holds one version of a data set; this file asks for {name} with {words}; "
                "use two files, each with its own folder"
            )


def _version(planned: PlannedCell) -> dict[str, Any]:
    """What all cells of a data set in one folder must share to be compared."""
    own = planned.resolved
    split = f"{own['split']} ({own['split_hash']})"
    fixed = {"data": own["data"]["checksum"][:12], "split": split}
    return fixed | {n: own[n] for n in ("bands", "exclude")} | choices_of(own)


def _merged(plans: Sequence[Plan], there: Collection[str]) -> Plan:
    latest = {_row(each): each.digest for one in plans for each in one.cells}
    tuning = {each.resolved["dataset"]: _protocol(each) for one in plans for each in one.cells}
    version = {each.resolved["dataset"]: _version(each) for one in plans for each in one.cells}
    cells: dict[str, PlannedCell] = {}
    scenarios: dict[Any, Any] = {}
    for one in plans:
        kept = [x for x in one.cells if x.digest == latest[_row(x)] or x.digest in there]
        kept = [x for x in kept if _protocol(x) == tuning[x.resolved["dataset"]]]
        kept = [x for x in kept if _version(x) == version[x.resolved["dataset"]]]
        cells.update((each.digest, each) for each in kept)
        keys = {each.spec.scenario_key for each in kept}
        scenarios.update((k, v) for k, v in one.scenarios.items() if k in keys)
    skipped = dict.fromkeys(why for one in plans for why in one.skipped)
    left_out = sum(one.left_out for one in plans)
    notes = dict.fromkeys(note for one in plans for note in one.notes)
    return replace(
        plans[-1],
        cells=tuple(cells.values()),
        scenarios=scenarios,
        skipped=tuple(skipped),
        left_out=left_out,
        notes=tuple(notes),
    )


def _row(planned: PlannedCell) -> tuple[str, ...]:
    spec: Mapping[str, Any] = planned.resolved
    return (*(str(spec[name]) for name in run_file.ENTRY), planned.spec.settings)


def _protocol(planned: PlannedCell) -> str:
    """The protocol that tuned a cell; empty where none did."""
    return planned.spec.tuned.protocol if planned.spec.tuned else ""
