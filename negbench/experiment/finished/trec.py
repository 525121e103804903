"""TREC runs: the lists of one system a file, `user Q0 item rank score tag` on each line.

TREC's tools split a line at any white space and read a file as the answers of one system. So ids
are written as one word each, as in a URL: white space, control characters and `%` become `%` and
the hex digits of their bytes, and an empty id a lone `%`; two ids never become one. The score is
1 / rank.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import Any, TextIO

from negbench.errors import UserError
from negbench.experiment.finished import export
from negbench.experiment.finished.export import ROW, Line
from negbench.storage import cell_store
from negbench.storage.atomic_write import write_text
from negbench.storage.cell_store import Cell

SPLITTING = {"Zs", "Zl", "Zp", "Cc", "Cf", "Cs"}
"""Categories of characters at which some tool splits a line, or which it drops or cannot write."""
LONGEST = 120
"""Most letters of a tag in the name of a file."""


def write(run: Path, into: TextIO, k: int | None = None) -> int:
    """Write the lists of the one system of a run; their number of lines.

    Raises UserError if the run holds several: one file of two systems is no TREC run.
    """
    systems = _systems(run, k)
    if len(systems) > 1:
        tags = ", ".join([*list(systems)[:2], *(["..."] if len(systems) > 2 else [])])
        raise UserError(
            f"a TREC run must be of one system; {quote(str(run))} holds {len(systems)} ({tags}); "
            "write one file each with -o FOLDER/"
        )
    return sum(_write(tag, export.lists(run, cell, k), into) for tag, cell in systems.items())


def write_all(run: Path, folder: Path, k: int | None = None) -> list[tuple[Path, int]]:
    """Write a file for each system, named by its tag, and their numbers of lines.

    Raises UserError if the folder cannot be made, or a system has lists shorter than `k`.
    """
    systems = _systems(run, k)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"--out must be a folder that can be made; got {folder} ({error})"
        ) from None
    written, names = [], set[str]()
    for at, (tag, cell) in enumerate(systems.items(), 1):
        name = re.sub(r"[^\w.,=()+%-]", "_", tag)[:LONGEST]
        name = name if name.lower() not in names else f"{name}-{at}"
        names.add(name.lower())
        pieces = list(_pieces(tag, export.lists(run, cell, k)))
        write_text(path := folder / f"{name}.trec", "".join(pieces))
        written.append((path, len(pieces)))
    return written


def several(run: Path) -> bool:
    """Whether a run holds the lists of more than one system."""
    return sum(cell.done for cell in cell_store.read_cells(run)[0]) > 1


def word(text: Any) -> str:
    """An id as one word; different ids give different words."""
    return "".join(map(_letter, str(text))) or "%"


def _letter(letter: str) -> str:
    if letter == "%" or letter.isspace() or unicodedata.category(letter) in SPLITTING:
        return "".join(f"%{byte:02X}" for byte in letter.encode(errors="surrogatepass"))
    return letter


def _systems(run: Path, k: int | None) -> dict[str, Cell]:
    """The cells by their tags; cells of one row under two settings get two tags."""
    cells = export.finished_cells(run, k)
    times = Counter(map(_tag, cells))
    return {
        tag if times[tag := _tag(cell)] == 1 else f"{tag}-{cell.folder.name[:8]}": cell
        for cell in cells
    }


def _tag(cell: Cell) -> str:
    return word("-".join(str(cell.spec[name]) for name in ROW if cell.spec[name] != ""))


def _write(tag: str, lines: Iterator[Line], into: TextIO) -> int:
    n = 0
    for n, piece in enumerate(_pieces(tag, lines), 1):  # noqa: B007 - the last is their number
        into.write(piece)
    return n


def _pieces(tag: str, lines: Iterator[Line]) -> Iterator[str]:
    words: dict[Any, str] = {}
    for line in lines:
        for value in (line["user"], line["item"]):
            if value not in words:
                words[value] = word(value)
        rank = line["rank"]
        yield f"{words[line['user']]} Q0 {words[line['item']]} {rank} {1 / rank:.9f} {tag}\n"
