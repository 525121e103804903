"""Tables of lines as csv and parquet."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import IO, Any, TextIO

from negbench.errors import UserError

Line = dict[str, Any]
IDS = ("user", "item", "positive", "negative")


def write_csv(lines: Iterable[Line], columns: Sequence[str], into: TextIO) -> int:
    """Write lines under a header; their number. Ids stand as they are, quoted where needed."""
    plain = csv.writer(into, lineterminator="\n")
    quoted = csv.writer(into, quoting=csv.QUOTE_ALL, lineterminator="\n")
    rest = iter(lines)
    first = list(islice(rest, 1))  # before the header: reading it may be refused
    plain.writerow(columns)
    n = 0
    for n, line in enumerate(chain(first, rest), 1):  # noqa: B007 - the last is their number
        row = [line[name] for name in columns]
        (quoted if _holds_returns(row) else plain).writerow(row)
    return n


def parquet(lines: Iterable[Line], columns: Sequence[str]) -> tuple[bytes, int]:
    """Lines as the content of a parquet file, and their number.

    Raises UserError if pyarrow is not installed.
    """
    try:
        import pyarrow.parquet  # noqa: F401 - asked here, so that its absence is one sentence
    except ImportError:
        raise UserError(
            "--format parquet needs pyarrow; install it with `pip install 'negbench[parquet]'`"
        ) from None
    import pandas as pd

    frame = pd.DataFrame(lines, columns=list(columns))
    for name in IDS:
        if name in frame and frame[name].map(type).nunique() > 1:
            frame[name] = frame[name].astype(str)  # data sets with ids of different kinds
    content = io.BytesIO()
    frame.to_parquet(content, index=False)
    return content.getvalue(), len(frame)


@contextmanager
def as_text(file: IO[bytes]) -> Iterator[TextIO]:
    """A file of bytes to write text to, as UTF-8 and with the line ends as they are."""
    text = io.TextIOWrapper(file, "utf-8", newline="")
    try:
        yield text
    finally:
        text.detach()  # which flushes, and leaves the file open


def _holds_returns(row: Sequence[Any]) -> bool:
    """Whether a value holds a carriage return, which a csv writer with \\n leaves unquoted."""
    return any(isinstance(value, str) and "\r" in value for value in row)
