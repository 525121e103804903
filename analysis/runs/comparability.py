"""Which cells may be compared: those with the same split, bands and exclusion rule."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from negbench.errors import UserError
from negbench.storage.cell_store import Cell


def require_comparable(cells: Sequence[Cell]) -> None:
    """Refuse cells of one data set that differ in split, bands or exclusion.

    Failed cells are skipped: they may have ended before their data were split. Raises UserError if
    two cells of one data set differ, with the values and the option that sets them.
    """
    by_data: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell.done:
            by_data[cell.spec["dataset"]].append(cell)
    for dataset, group in by_data.items():
        for word, option, value_of in _SAME:
            _require_one(dataset, word, option, value_of, group)


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


_SAME: tuple[tuple[str, str, Callable[[Cell], Any]], ...] = (
    ("split", "--split, --k-core, --plant and --noise", _split),
    ("bands", "--bands", lambda cell: cell.record["bands"]["rule"]),
    ("exclusion", "--exclude", lambda cell: cell.spec["exclude"]),
)
