"""Stray quotes: a quote that opens and closes in another line swallows the rows between.

A text that really has several lines is told from it by its inner lines: no row of the table stands
there. Rows are looked for only in a file with quotes and more lines than rows.
"""

import csv
import io
from typing import IO

import pandas as pd

from negbench.data.readers.line_errors import Layout, Record, rows_of
from negbench.errors import DataError


class CountingStream(io.RawIOBase):
    """A stream that counts the quotes, lines and blank lines that pass through it."""

    def __init__(self, stream: IO[bytes]) -> None:
        """Count nothing yet."""
        super().__init__()
        self.stream = stream
        self.quotes = self.lines = self.blank = 0
        self.old_ends = False
        self._end = b"\n"

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        """Fill the buffer and count."""
        block = self.stream.read(len(buffer))
        buffer[: len(block)] = block
        self.count(block)
        return len(block)

    def count(self, block: bytes) -> None:
        """Count the quotes and lines of a piece of the file."""
        if not block:
            return
        self.quotes += block.count(b'"')
        self.lines += block.count(b"\n")
        joined = self._end + block
        self.blank += joined.count(b"\n\n") + joined.count(b"\n\r\n")
        self.old_ends |= b"\r" in block and block.count(b"\r") != block.count(b"\r\n")
        self._end = joined[-2:]

    def rows(self) -> int | None:
        """The number of rows if no field has a line end; None where lines end in CR alone."""
        if self.old_ends:
            return None
        return self.lines - self.blank + (not self._end.endswith(b"\n"))


def refuse_swallowed_rows(
    layout: Layout, at: dict[str, int], used: dict[str, "pd.Series[str]"]
) -> None:
    """Check the quotes of a table; `at` are the positions of the columns `used`, which were read.

    Raises DataError, with its line, for the first quote that hides rows of the table.
    """
    ids: dict[str, set[str]] = {
        role: set(used[role].unique()) for role in ("user", "item") if role in used
    }
    try:
        for record in rows_of(layout):
            if record.last > record.first and _hides_rows(record, layout, at, ids):
                raise DataError(
                    f"{layout.path}, line {record.first}: a quote opens there and closes in line"
                    f" {record.last}, so the rows between would be lost; delete that quote"
                )
    except csv.Error as error:
        raise DataError(f"{layout.path} cannot be read ({error}); check its quotes") from None


def _hides_rows(
    record: Record, layout: Layout, at: dict[str, int], ids: dict[str, set[str]]
) -> bool:
    """Whether an id goes over several lines, or a line has a row's fields and an id of others."""
    for role in ids:
        if at[role] < len(record.fields) and set(record.fields[at[role]]) & {"\n", "\r"}:
            return True
    for line in record.lines[1:]:
        fields = layout.plain(line.rstrip("\r\n"))
        if len(fields) == layout.width:
            if any(fields[at[role]].strip(' "') in known for role, known in ids.items()):
                return True
    return False
