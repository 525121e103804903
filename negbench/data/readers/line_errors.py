"""Lines and fields of a text table, and the line of an error, searched for only after it."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from negbench.data.download.checksums import open_bytes
from negbench.errors import DataError

LONGEST = 2**31 - 1
"""Letters that a field may have: a text of a book is no error."""
BLANKS = " "
"""The separator of fields that stand apart by any number of blanks."""


@dataclass(frozen=True)
class Record:
    """A row of a file: its first and last line, from 1, their text, and its fields."""

    first: int
    last: int
    lines: tuple[str, ...]
    fields: list[str]


@dataclass(frozen=True)
class Layout:
    """How the lines of a text file are split into fields: separator, header, number of fields."""

    path: Path
    separator: str
    header: bool
    width: int

    @property
    def delimiter(self) -> str:
        """One character, or any blanks; the two colons of MovieLens are read as a tab."""
        return {"::": "\t", BLANKS: r"\s+"}.get(self.separator, self.separator)

    @property
    def quoting(self) -> Literal[0, 3]:
        """Quoting of csv: only in files separated by comma or semicolon."""
        return csv.QUOTE_MINIMAL if self.separator in (",", ";") else csv.QUOTE_NONE

    def plain(self, line: str) -> list[str]:
        """The fields of a line if its quotes are letters."""
        return line.split() if self.separator == BLANKS else line.split(self.separator)

    def records(self, lines: Iterable[str]) -> Iterator[Record]:
        """The rows of a text; blank lines are none."""
        if self.quoting == csv.QUOTE_NONE:
            for number, line in enumerate(lines, 1):
                if line.strip(None if self.separator == BLANKS else " \r\n"):
                    yield Record(number, number, (line,), self.plain(line.rstrip("\r\n")))
            return
        taken: list[str] = []
        csv.field_size_limit(LONGEST)
        reader = csv.reader(_remembered(lines, taken), delimiter=self.delimiter)
        last = 0
        for fields in reader:
            first, last = last + 1, reader.line_num
            if len(fields) > 1 or "".join(fields).strip():
                yield Record(first, last, tuple(taken), fields)
            taken.clear()


def records(layout: Layout) -> Iterator[Record]:
    """The rows of a file, with its header."""
    with open_bytes(layout.path) as stream:
        yield from layout.records(io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""))


def rows_of(layout: Layout) -> Iterator[Record]:
    """The rows of a file, without its header."""
    every = records(layout)
    if layout.header:
        next(every, None)
    yield from every


def line_error(layout: Layout, row: int, reason: str, remedy: str = "") -> DataError:
    """The error for a row (from 0), with its line in the file."""
    try:
        for at, record in enumerate(rows_of(layout)):
            if at == row:
                todo = remedy or "mend that line"
                return DataError(f"{layout.path}, line {record.last}: {reason}; {todo}")
    except (csv.Error, UnicodeDecodeError):  # the line cannot be found; its row is known
        pass
    todo = remedy or "mend that row"
    return DataError(f"{layout.path}, row {row + 1}: {reason}; {todo}")


def width_error(layout: Layout, otherwise: str) -> DataError:
    """The error for the first line that has too many or too few fields, or an open quote."""
    last = None
    try:
        for record in rows_of(layout):
            if len(record.fields) != layout.width:
                return DataError(
                    f"{layout.path}, line {record.last}: {len(record.fields)} fields where"
                    f" {layout.width} are expected; mend that line, or give --layout"
                    " lists if every line is a user and the user's items"
                )
            last = record
    except (csv.Error, UnicodeDecodeError) as error:
        otherwise = str(error)
    if last is not None and last.last > last.first:
        return DataError(
            f"{layout.path}, line {last.first}: a quote opens there and never closes; mend it"
        )
    return DataError(f"{layout.path} cannot be read ({otherwise}); check its quotes and encoding")


def _remembered(lines: Iterable[str], taken: list[str]) -> Iterator[str]:
    for line in lines:
        taken.append(line)
        yield line
