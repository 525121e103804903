"""Notes on the code behind the cells of a table: versions of negbench, and sources of a built-in.

The maths of a built-in may change between versions, and its source within one. Both stand in the
records, apart from what a cell is, so such cells are averaged and compared; here it is told. What
older records do not hold is not known, and then nothing is told.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from negbench.storage.cell_code import Key, hashes, in_words, named

from ..number_format import counted, listed
from ..runs.frames import REFERENCE, Run
from ..runs.notes import Note
from ..runs.ranked_cells import RankedCell

NAMED = 6
"""Rows that a note names one by one; of more it says how many."""
Cells = Sequence[tuple[RankedCell, str]]


def of_code(run: Run, dataset: str, backbone: str) -> list[Note]:
    """A note where cells of a block are of several versions, and one on each built-in with several
    sources."""
    cells = [
        (cell, row)
        for cell, row in run.done
        if cell.spec["dataset"] == dataset and cell.backbone in (backbone, REFERENCE)
    ]
    return [*_of_versions(cells), *_of_sources(cells)]


def _of_versions(cells: Cells) -> list[Note]:
    known = [(cell.record.get("environment") or {}).get("negbench") for cell, _ in cells]
    counts = Counter(str(version) for version in known if version)
    if len(counts) < 2:
        return []
    versions = listed([f"{name} ({counted(counts[name], 'cell')})" for name in sorted(counts)])
    text = (
        f"Cells were trained by negbench {versions}: the maths of a built-in may differ between "
        "versions; CHANGELOG says where."
    )
    return [Note("code", text)]


def _of_sources(cells: Cells) -> list[Note]:
    """One warning for each built-in, with the rows and the cells of each of its sources."""
    rows: dict[Key, dict[str, Counter[str]]] = {}
    for cell, row in cells:
        for key in named(cell.spec):
            if code := hashes(cell.record, key[0]).get(key[1]):
                rows.setdefault(key, {}).setdefault(code, Counter())[row] += 1
    return [Note("code", _sentence(*each)) for each in rows.items() if len(each[1]) > 1]


def _sentence(key: Key, by_source: Mapping[str, Counter[str]]) -> str:
    sources = [
        f"{_rows(rows)} by {code} ({counted(rows.total(), 'cell')})"
        for code, rows in sorted(by_source.items())
    ]
    return (
        f"WARNING: the source of {in_words(key)} changed between cells: {listed(sources)}; they "
        "may not compare like with like; run them again with --overwrite all."
    )


def _rows(rows: Counter[str]) -> str:
    names = sorted(rows)
    return listed(names) if len(names) <= NAMED else counted(len(names), "row")
