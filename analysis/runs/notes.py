"""Notes: the sentences that stand under a table or in a report, each with its kind."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "size",  # of one data set
    "split",
    "exclusion",
    "bands",
    "seeds",  # of one data set and backbone
    "settings",
    "tuning",
    "budget",
    "training",
    "code",
    "gap",
    "data",  # as a record has it
    "oracle",
    "test",  # of the whole table
    "columns",
    "rates",
    "cost",
    "legend",
    "power",  # what the tests of a block could have found
    "pending",
    "damage",
    "missing",
    "cell",  # a problem met while reading: a cell that is left out, or a file
    "file",
]


@dataclass(frozen=True)
class Note:
    """A sentence for the reader, and what it is about."""

    kind: Kind
    text: str


def note_of_record(text: str) -> Note:
    """A note as a record has it, text alone; the warning of an oracle begins with this word."""
    return Note("oracle" if text.startswith("ORACLE") else "data", text)


def problem_of_store(text: str) -> Note:
    """A problem as the cell store reports it, text alone; a cell's begins with the store's rule."""
    return Note("cell" if text.startswith("a cell must be whole") else "file", text)
