"""Notes in LaTeX: their marks as tables print them, and which of them no table goes without."""

import re

from negbench.storage.without_paths import without_paths

from ..runs.notes import Note
from .latex_text import escaped

SIGNS = {"*": "*", "v": "\\downarrow", "=": "\\dagger", "^": "\\wedge", "~": "\\sim"}
"""How each mark is printed, in mathematics: better, worse, level with the best, budget."""
APPENDIX = {"size", "bands", "code", "data"}
"""Kinds of notes that may stand apart from the numbers, where they are no warnings."""
_WARNING = re.compile(r"[A-Z]{4,}\b")
_MARKED = re.compile(r"(.*?) ?([\^~]+)")


def stays(note: Note) -> bool:
    """Whether a number may not be quoted without this note."""
    return note.kind not in APPENDIX or _WARNING.match(note.text) is not None


def in_latex(note: Note) -> str:
    """A note; one on a mark of budgets begins with the mark as tables print it, without paths."""
    plain = without_paths(note.text)
    sign, _, text = plain.partition(" ")
    marked = note.kind == "budget" and sign in SIGNS
    return f"{superscript(sign)} {escaped(text)}" if marked else escaped(plain)


def superscript(marks: str) -> str:
    """Marks behind a label or a number; empty if there are none."""
    signs = "".join(SIGNS.get(mark, "") for mark in marks)
    return f"$^{{{signs}}}$" if signs else ""


def label(text: str) -> str:
    """The label of a row; marks of its budget at the end become superscripts."""
    marked = _MARKED.fullmatch(text)
    return escaped(marked[1]) + superscript(marked[2]) if marked else escaped(text)
