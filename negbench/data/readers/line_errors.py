"""Where a file is broken: searched for only after reading it has failed."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from negbench.data.download.checksums import open_bytes
from negbench.errors import DataError


@dataclass(frozen=True)
class Form:
    """How the lines of a text file are cut into fields."""

    path: Path
    separator: str
    header: bool
    width: int

    @property
    def delimiter(self) -> str:
        """One letter; the two colons of MovieLens are read as a tab."""
        return "\t" if self.separator == "::" else self.separator

    @property
    def quoting(self) -> Literal[0, 3]:
        """Quotes bind fields in comma-separated files only."""
        return csv.QUOTE_MINIMAL if self.separator in (",", ";") else csv.QUOTE_NONE

    def fields(self, lines: Iterable[str]) -> Any:  # csv has no public name for its reader
        """The fields of each line."""
        if self.separator == "::":
            lines = (line.replace("::", "\t") for line in lines)
        return csv.reader(lines, delimiter=self.delimiter, quoting=self.quoting)


def blame(form: Form, record: int, reason: str) -> DataError:
    """The error for the row of this number (from 0), with its line in the file."""
    try:
        for at, (line, _) in enumerate(_records(form)):
            if at == record:
                return DataError(f"{form.path}, line {line}: {reason}; mend or delete that line")
    except (csv.Error, UnicodeDecodeError):  # the line is not to be found; its row is known
        pass
    return DataError(f"{form.path}, row {record + 1}: {reason}; mend or delete that row")


def blame_width(form: Form, otherwise: str) -> DataError:
    """The error for the first line that has too many or too few fields."""
    try:
        for line, fields in _records(form):
            if len(fields) != form.width:
                return DataError(
                    f"{form.path}, line {line}: {len(fields)} fields where {form.width} are"
                    " expected; mend or delete that line"
                )
    except (csv.Error, UnicodeDecodeError) as error:
        otherwise = str(error)
    return DataError(f"{form.path} cannot be read ({otherwise}); check its quotes and encoding")


def _records(form: Form) -> Iterator[tuple[int, list[str]]]:
    """Line number (of its end) and fields of each row, blank lines left out."""
    with open_bytes(form.path) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        reader = form.fields(text)
        skip = form.header
        for fields in reader:
            if not fields:
                continue
            if skip:
                skip = False
                continue
            yield reader.line_num, fields
