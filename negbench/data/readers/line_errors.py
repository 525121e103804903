"""Line numbers of errors in a table, searched for only after reading has failed."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from negbench.data.download.checksums import open_bytes
from negbench.errors import DataError


@dataclass(frozen=True)
class Layout:
    """How the lines of a text file are split into fields: separator, header, number of fields."""

    path: Path
    separator: str
    header: bool
    width: int

    @property
    def delimiter(self) -> str:
        """One character; the two colons of MovieLens are read as a tab."""
        return "\t" if self.separator == "::" else self.separator

    @property
    def quoting(self) -> Literal[0, 3]:
        """Quoting of csv: only in files separated by comma or semicolon."""
        return csv.QUOTE_MINIMAL if self.separator in (",", ";") else csv.QUOTE_NONE

    def fields(self, lines: Iterable[str]) -> Any:  # csv has no public name for its reader
        """The fields of each line."""
        if self.separator == "::":
            lines = (line.replace("::", "\t") for line in lines)
        return csv.reader(lines, delimiter=self.delimiter, quoting=self.quoting)


def line_error(layout: Layout, record: int, reason: str) -> DataError:
    """The error for a row (from 0), with its line in the file."""
    try:
        for at, (line, _) in enumerate(_records(layout)):
            if at == record:
                return DataError(f"{layout.path}, line {line}: {reason}; mend or delete that line")
    except (csv.Error, UnicodeDecodeError):  # the line cannot be found; its row is known
        pass
    return DataError(f"{layout.path}, row {record + 1}: {reason}; mend or delete that row")


def width_error(layout: Layout, otherwise: str) -> DataError:
    """The error for the first line that has too many or too few fields."""
    try:
        for line, fields in _records(layout):
            if len(fields) != layout.width:
                return DataError(
                    f"{layout.path}, line {line}: {len(fields)} fields where {layout.width} are"
                    " expected; mend or delete that line"
                )
    except (csv.Error, UnicodeDecodeError) as error:
        otherwise = str(error)
    return DataError(f"{layout.path} cannot be read ({otherwise}); check its quotes and encoding")


def _records(layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Line number (of its end) and fields of each row; blank lines are skipped."""
    with open_bytes(layout.path) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        reader = layout.fields(text)
        skip = layout.header
        for fields in reader:
            if not fields:
                continue
            if skip:
                skip = False
                continue
            yield reader.line_num, fields
