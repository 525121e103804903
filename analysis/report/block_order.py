"""Order of the report's blocks: data sets and backbones as they were typed, by the run's plan."""

from collections.abc import Callable
from dataclasses import replace

from negbench.storage import run_file

from ..runs.frames import REFERENCE, Run
from ..tables.main_table_values import MainTable

Place = Callable[[str, str], tuple[int, int, str, str]]
"""The sort key of a data set and backbone."""


def typed_order(run: Run) -> Place:
    """The sort key of blocks: first typed first, then by name what no `run.json` plans.

    A run of an older version, or one that was put together by hand, is in the order of the names.
    """
    entries = [entry for start in run.starts for entry in run_file.planned(start)]
    datasets = list(dict.fromkeys(str(entry["dataset"]) for entry in entries))
    backbones = list(dict.fromkeys(str(entry["backbone"]) for entry in entries))
    # A grid plans the references of a data set first; on the page they stand behind its backbones.
    backbones.sort(key=REFERENCE.__eq__)

    def place(dataset: str, backbone: str) -> tuple[int, int, str, str]:
        return _at(datasets, dataset), _at(backbones, backbone), dataset, backbone

    return place


def in_typed_order(table: MainTable, place: Place) -> MainTable:
    """The main table with its blocks in this order."""
    blocks = sorted(table.blocks, key=lambda block: place(block.dataset, block.backbone))
    return replace(table, blocks=tuple(blocks))


def _at(names: list[str], name: str) -> int:
    return names.index(name) if name in names else len(names)
