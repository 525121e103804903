"""The data of a run folder stay the same: cells of other data are refused before any training.

A table compares cells of one data set, split, bands and exclusion, tuned by one protocol or not at
all; a folder that mixed two of them could show none, and would hold two values for one row.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from negbench.data.download.file_cache import AT_HAND
from negbench.data.number_words import counted
from negbench.data.readers.column_roles import Columns
from negbench.errors import UserError
from negbench.experiment.cell.model_inputs import EXPOSURES, hash_of_exposures
from negbench.experiment.cell.spec import PlannedCell, ScenarioKey
from negbench.experiment.options.options import Options
from negbench.experiment.plan import Plan
from negbench.scenario.ranking_protocol import choices_of
from negbench.scenario.scenario import Scenario
from negbench.storage import cell_store
from negbench.storage.cell_store import Cell
from negbench.texts import encoders

REPLACED = "replaced"
"""The folder of a run that cells of earlier data or code, or tuned otherwise, are moved to."""
READ_BY = (
    "data_dir",
    "average",
    "ranking",
    *(each.name for each in fields(Columns)),
    *(each.name for each in fields(ScenarioKey) if each.name not in ("dataset", "columns")),
)
"""Options that change what is read, split, excluded or ranked."""
logger = logging.getLogger(__name__)


def require_same_data(options: Options, plan: Plan, out: Path, stored: Mapping[str, Any]) -> None:
    """Raises UserError, with what changed, if finished cells of the folder are of other data.

    `stored` are the options of the folder's last run. With `--overwrite all` the cells may be
    replaced, so nothing is refused.
    """
    foreign = [each for each in foreign_cells(plan, out) if each[0].done]
    if not foreign or options.overwrite == "all":
        return
    cell, scenario = foreign[0]
    name = scenario.interactions.name
    n = sum(each.spec["dataset"] == name for each, _ in foreign)
    raise UserError(
        f"a run folder holds one version of a data set, and {name} is not what "
        f"{counted(n, 'finished cell')} in {out} {'was' if n == 1 else 'were'} trained on: "
        f"{_cause(options, cell, scenario, stored)}; choose another folder with -o, or train them "
        "all again with --overwrite all"
    )


def require_same_tuning(plan: Plan, out: Path, overwrite: str) -> None:
    """Raises UserError if finished cells of a planned data set are tuned by another protocol.

    Untuned beside tuned is another one too. With `--overwrite all` the cells may be replaced.
    """
    other = [each for each in otherwise_tuned(plan, out) if each.done]
    if not other or overwrite == "all":
        return
    name, n = other[0].spec["dataset"], len(other)
    then, now = (
        f"tuned by protocol {each}" if each else "not tuned"
        for each in (_protocol(other[0].spec), _protocols(plan)[name])
    )
    raise UserError(
        "the rows of a data set must be tuned by one protocol, or all not tuned, to be compared; "
        f"{counted(n, 'finished cell')} in {out} {'is' if n == 1 else 'are'} {then}, and the rows "
        f"on {name} are now {now}; choose another folder with -o, or train them all again with "
        "--overwrite all"
    )


def otherwise_tuned(plan: Plan, out: Path) -> list[Cell]:
    """The cells of a planned data set that another protocol tuned, or none where it is tuned."""
    now = _protocols(plan)
    cells = cell_store.read_cells(out)[0]
    return [c for c in cells if now.get(c.spec["dataset"], _protocol(c.spec)) != _protocol(c.spec)]


def _protocols(plan: Plan) -> dict[str, str]:
    """The protocol that tunes the rows of each data set; empty where they are not tuned."""
    return {each.resolved["dataset"]: _protocol(each.resolved) for each in plan.cells}


def _protocol(spec: Mapping[str, Any]) -> str:
    tuned = spec.get("tuned")
    return str(tuned.get("protocol", "")) if isinstance(tuned, Mapping) else ""


def foreign_cells(plan: Plan, out: Path) -> list[tuple[Cell, Scenario]]:
    """The cells of a planned data set's name that are of other data, split or ranking."""
    planned = {each.interactions.name: each for each in plan.scenarios.values()}
    ranking = {each.resolved["dataset"]: choices_of(each.resolved) for each in plan.cells}
    cells = [each for each in cell_store.read_cells(out)[0] if each.spec["dataset"] in planned]
    there = [(cell, planned[cell.spec["dataset"]]) for cell in cells]
    reading = {scenario.interactions.name: scenario for cell, scenario in there if _texts(cell)}
    texts = {name: _hash_of_texts(each) for name, each in reading.items()}
    return [
        (cell, scenario)
        for cell, scenario in there
        if _differs(cell, scenario)
        or choices_of(cell.spec) != ranking.get(cell.spec["dataset"], choices_of(cell.spec))
        or _texts(cell) not in ("", texts.get(scenario.interactions.name))
        or _other_features(cell, scenario)
        or _other_exposures(cell, scenario)
    ]


def set_aside(plan: Plan, out: Path, overwrite: str) -> None:
    """Move cells of other data or tuning to RUN/replaced: failed ones, and with `overwrite` all."""
    others = (*(each for each, _ in foreign_cells(plan, out)), *otherwise_tuned(plan, out))
    _say(move_to_replaced([x for x in others if not x.done or overwrite == "all"], out), out)


def set_aside_earlier_winners(cells: Sequence[PlannedCell], out: Path) -> None:
    """Move the cells of a tuned row to RUN/replaced that have other settings than these winners.

    Failed trials that were trained once more may change a winner; a row has one.
    """
    now = {_tuned_row(each.resolved): _settings(each.resolved) for each in cells}
    there = cell_store.read_cells(out)[0]
    usual = [(each, now.get(_tuned_row(each.spec))) for each in there if "tuned" in each.spec]
    others = [each for each, own in usual if own not in (None, _settings(each.spec))]
    _say(move_to_replaced(others, out), out)


def _tuned_row(spec: Mapping[str, Any]) -> tuple[Any, ...]:
    """Which search chose the settings of a cell."""
    names = ("dataset", "backbone", "backbone_variant", "objective")
    return (*(spec.get(name) for name in names), *(spec.get("tuned") or {}).values())


def _settings(spec: Mapping[str, Any]) -> str:
    """The hash of a cell's settings: on disk a tuple is a list, as `layers` of ddrm."""
    return cell_store.digest(
        {each: spec.get(each) for each in ("method_config", "backbone_config")}
    )


def move_to_replaced(cells: Sequence[Cell], out: Path) -> int:
    """Move cells of a folder to RUN/replaced, and return how many of them were there to move."""
    moved = 0
    for cell in cells:
        place = out / REPLACED
        place.mkdir(exist_ok=True)
        versions = (place / f"{cell.folder.name}{mark}" for mark in ("", *_numbers()))
        try:
            cell.folder.rename(next(each for each in versions if not each.exists()))
            moved += 1
        except FileNotFoundError:  # another shard of this run was as quick
            continue
    return moved


def _say(moved: int, out: Path) -> None:
    if moved:
        logger.warning(
            "%s of earlier data or tuning %s moved to %s",
            counted(moved, "cell"),
            "was" if moved == 1 else "were",
            out / REPLACED,
        )


def _numbers() -> Iterator[str]:
    return (f"-{number}" for number in range(2, 1_000_000))


def _differs(cell: Cell, scenario: Scenario) -> bool:
    """Whether a cell is of another data, split, bands or exclusion, as far as its spec says."""
    spec = cell.spec
    data = spec.get("data")
    known = data.get("checksum") if isinstance(data, Mapping) else None
    now = {
        "split_hash": scenario.split.hash,
        "bands": scenario.bands.rule,
        "exclude": scenario.exclude,
    }
    return known not in (None, scenario.interactions.checksum) or any(
        spec.get(name, value) != value for name, value in now.items()
    )


def _texts(cell: Cell) -> str:
    """The hash of the item texts that a cell's method or backbone read; empty if it read none."""
    for name in ("texts", "read"):
        entry = cell.spec.get(name)
        if isinstance(entry, Mapping) and entry.get("texts"):
            return str(entry["texts"])
    return ""


def _other_features(cell: Cell, scenario: Scenario) -> bool:
    """Whether a cell has read other columns of users or items than there are now."""
    read = cell.spec.get("features")
    now = {name: each.digest for name, each in scenario.interactions.features.items()}
    return isinstance(read, Mapping) and any(now.get(name) != read[name] for name in read)


def _other_exposures(cell: Cell, scenario: Scenario) -> bool:
    """Whether a cell has drawn from other known negatives than there are now."""
    drawn = cell.spec.get(EXPOSURES)
    return drawn is not None and drawn != hash_of_exposures(scenario)


def _hash_of_texts(scenario: Scenario) -> str:
    texts = scenario.interactions.item_texts
    return "none" if texts is None else encoders.cache_key("", texts)[:12]


def _cause(options: Options, cell: Cell, scenario: Scenario, stored: Mapping[str, Any]) -> str:
    """What changed, as a clause: options, the place of the file, or the file itself."""
    now, then = options.as_flat(), {**Options().as_flat(), **stored}
    changed = [
        f"--{name.replace('_', '-')} was {_shown(then.get(name))} and is {_shown(now.get(name))}"
        for name in READ_BY
        if stored and then.get(name) != now.get(name)
    ]
    if changed:
        return ", ".join(changed)
    data, entry = scenario.interactions, cell.record.get("data")
    record: Mapping[str, Any] = entry if isinstance(entry, Mapping) else {}
    before = record.get("source", data.source)
    if before != data.source:
        return f"it was read from {before} then and is read from {data.source} now"
    n = record.get("n_interactions")
    if _other_features(cell, scenario):
        return f"the features of users or items of {_place(scenario)} have changed since then"
    if not _differs(cell, scenario):
        shown = _other_exposures(cell, scenario)
        what = "the pairs shown in vain or rated too low" if shown else "the texts of items"
        return f"{what} in {_place(scenario)} have changed since then"
    if isinstance(n, int) and n != len(data):
        counts = f"{n:,} interactions then, {len(data):,} now"
        return f"{_place(scenario)} has changed since then ({counts})"
    return (
        f"{_place(scenario)}, or how it is read, has changed since then"
        f" (other ones of {len(data):,} interactions)"
    )


def _place(scenario: Scenario) -> str:
    """The file or folder that a data set was read from, else where it comes from."""
    data = scenario.interactions
    if data.source and Path(data.source).exists():
        return data.source
    hits = (note.removeprefix(AT_HAND) for note in data.notes if note.startswith(AT_HAND))
    return next(hits, f"the source of {data.name}" + (f" ({data.source})" if data.source else ""))


def _shown(value: Any) -> str:
    return "not given" if value in (None, "") else str(value)
