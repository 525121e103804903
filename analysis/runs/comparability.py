"""Which cells may be compared: those with the same split, bands, exclusion rule and tuning.

A run that is repeated over splits is compared split by split: its cells may differ in split where
they differ in partition, if the splits repeat one rule.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

from negbench.errors import UserError
from negbench.scenario.ranking_protocol import in_words
from negbench.scenario.rule_family import same_family
from negbench.storage.cell_store import Cell

from .one_code import require_one_code
from .ranked_cells import RankedCell
from .tuned_rows import tuned_of


def require_comparable(cells: Sequence[RankedCell]) -> None:
    """Refuse cells of one data set that differ in split, bands, exclusion or tuning.

    Failed cells are skipped: they may have ended before their data were split. Raises UserError if
    two cells of one data set differ, with the values and the option that sets them; of a run
    repeated over splits, if two cells of one split do, or the splits do not repeat one rule; and
    if a plug-in that cells use is there in two versions of its code.
    """
    require_one_code(cells)
    by_data: dict[str, list[RankedCell]] = defaultdict(list)
    for cell in cells:
        if cell.done:
            by_data[cell.spec["dataset"]].append(cell)
    for dataset, group in by_data.items():
        by_split: dict[int, list[RankedCell]] = defaultdict(list)
        for cell in group:
            by_split[cell.partition].append(cell)
        for of_split in by_split.values():
            _require_one(dataset, "split", f"--split, {_DATA}", _split, of_split)
            _require_one(dataset, "tuning", "--tuned, or without it", _tuning, of_split)
        _require_one(dataset, "tuning", "--tuned, or without it", _is_tuned, group)
        _require_one_space(dataset, group)
        if len(by_split) > 1:
            _require_repeated(dataset, {at: of_split[0] for at, of_split in by_split.items()})
            _require_one(dataset, "data", _DATA, _data, group)
        for word, option, value_of in _SAME:
            _require_one(dataset, word, option, value_of, group)


def _require_repeated(dataset: str, by_split: Mapping[int, Cell]) -> None:
    """Refuse splits of one run that are one and the same, or of rules that do not repeat one."""
    for (one, first), (other, second) in combinations(sorted(by_split.items()), 2):
        rules = [str(cell.record["split"]["rule"]) for cell in (first, second)]
        hashes = [cell.record["split"]["hash"] for cell in (first, second)]
        seen = f"split-{one} of {dataset} has {rules[0]} and split-{other} has {rules[1]}"
        if not same_family(*rules):
            raise UserError(
                f"the splits of one run must repeat one rule, but {seen}; open them apart, or "
                "run them again with one --split"
            )
        if hashes[0] == hashes[1]:
            raise UserError(
                f"the splits of one run must differ, but {seen} with one hash ({hashes[0]}); "
                "open one of them"
            )


def _require_one_space(dataset: str, group: Sequence[RankedCell]) -> None:
    """Refuse tuned methods of one backbone whose shared ranges differ."""
    by_backbone: dict[str, list[Cell]] = defaultdict(list)
    for cell in group:
        by_backbone[cell.backbone].append(cell)
    for alike in by_backbone.values():
        _require_one(dataset, "search space", "negbench tune", _space, alike)


def _require_one(
    dataset: str, word: str, option: str, value_of: Callable[[Cell], Any], group: Sequence[Cell]
) -> None:
    values: dict[Any, list[Cell]] = defaultdict(list)
    for cell in group:
        values[value_of(cell)].append(cell)
    if len(values) > 1:
        seen = " and ".join(
            f"{value} ({len(alike)} cells, first {alike[0].folder})"
            for value, alike in values.items()
        )
        raise UserError(
            f"cells of one data set must share their {word} to be compared, but {dataset} has "
            f"{seen}; open them apart, or run them again with one {option}"
        )


def _split(cell: Cell) -> str:
    return f"{cell.record['split']['rule']} with hash {cell.record['split']['hash']}"


def _tuning(cell: Cell) -> str:
    tuned = tuned_of(cell.spec)
    return f"rows tuned by protocol {tuned.get('protocol')}" if tuned else "rows that are not tuned"


def _is_tuned(cell: Cell) -> str:
    return "tuned rows" if tuned_of(cell.spec) else "rows that are not tuned"


def _space(cell: Cell) -> str:
    return f"ranges {(tuned_of(cell.spec) or {}).get('ranges', '')}"


def _data(cell: Cell) -> str:
    """The data that are split, and what is added to train or hidden from it."""
    spec, data = cell.spec, cell.spec.get("data") or {}
    core, plant, noise = (data.get("k_core", 0), spec.get("plant", 0), spec.get("noise", 0))
    checksum = str(data.get("checksum", ""))[:12]
    return f"checksum {checksum}, --k-core {core}, --plant {plant}, --noise {noise}"


_DATA = "--k-core, --plant and --noise"
_SAME: tuple[tuple[str, str, Callable[[Cell], Any]], ...] = (
    ("bands", "--bands", lambda cell: cell.record["bands"]["rule"]),
    ("exclusion", "--exclude", lambda cell: cell.spec["exclude"]),
    ("ranking", "--mask, --average, --users and --ranking", lambda cell: in_words(cell.spec)),
)
