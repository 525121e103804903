"""Refuses cells of a plug-in that was edited between them: two versions are two methods."""

from collections.abc import Sequence
from pathlib import Path

from negbench.errors import UserError
from negbench.storage.cell_code import Key, code_of, in_words
from negbench.storage.cell_store import Cell

from ..number_format import counted


def require_one_code(cells: Sequence[Cell]) -> None:
    """Raises UserError if a plug-in that finished cells name is there in two versions of its code.

    Built-ins keep no code in their spec: they are told apart in a note.
    """
    versions: dict[Key, dict[str, list[Cell]]] = {}
    for cell in cells:
        if cell.done:
            for key, code in code_of(cell.spec).items():
                versions.setdefault(key, {}).setdefault(code, []).append(cell)
    for key, by_code in versions.items():
        if len(by_code) > 1:
            seen = " and ".join(_seen(code, alike) for code, alike in by_code.items())
            raise UserError(
                f"cells must share the code of {in_words(key)} to be compared, but {seen}; open "
                "them apart, or run them again with one version of the plug-in"
            )


def _seen(code: str, cells: Sequence[Cell]) -> str:
    """The version and the folders of some cells: `A has version 3f2a0b1c2d3e (5 cells)`."""
    folders = dict.fromkeys(_run_folder(cell) for cell in cells)
    have = "has" if len(folders) == 1 else "have"
    version = f"version {code}" if code else "no record of its version"
    count = counted(len(cells), "cell")
    return f"{' and '.join(map(str, folders))} {have} {version} ({count})"


def _run_folder(cell: Cell) -> Path:
    return cell.folder.parent.parent
