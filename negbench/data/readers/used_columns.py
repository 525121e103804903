"""The columns of a delimited file that are used, as text; the others are parsed and let go."""

import csv
import io
import warnings
from typing import IO

import pandas as pd

from negbench.data.download.checksums import UNREADABLE, open_bytes
from negbench.data.readers.line_errors import Layout, rows_of, width_error
from negbench.data.readers.swallowed_lines import CountingStream, refuse_swallowed_rows
from negbench.errors import DataError

PIECE = 1 << 21
"""Bytes, about, that are parsed at once: what is not used of them is not kept."""
FEWEST, MOST = 256, 1 << 15
"""Rows of a piece."""


def used_columns(
    layout: Layout, wanted: dict[str, int], letters: float
) -> dict[str, "pd.Series[str]"]:
    """The columns at these positions, by role; a line has so many letters.

    Raises DataError for a line with too many or too few fields, or a quote that hides rows.
    """
    pieces: dict[str, list[pd.Series[str]]] = {role: [] for role in wanted}
    with open_bytes(layout.path) as opened, warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            stream = CountingStream(_with_tabs(opened) if layout.separator == "::" else opened)
            for frame in pd.read_csv(
                stream,
                sep=layout.delimiter,
                header=0 if layout.header else None,
                index_col=False,
                dtype=str,
                na_filter=False,
                encoding="utf-8-sig",
                quoting=layout.quoting,
                chunksize=max(FEWEST, min(MOST, int(PIECE / (letters + 1)))),
            ):
                for role, at in wanted.items():
                    pieces[role].append(frame.iloc[:, at])
        except (pd.errors.ParserError, pd.errors.ParserWarning, UnicodeDecodeError) as error:
            raise width_error(layout, str(error)) from None
        except UNREADABLE as error:
            raise DataError(f"{layout.path} cannot be read ({error})") from None
    if not any(map(len, pieces["user"])):
        raise DataError(f"{layout.path} has a header and no rows; there is nothing to read")
    used = {role: pd.concat(each, ignore_index=True) for role, each in pieces.items()}
    _refuse_short_rows(layout, used)
    rows = len(used["user"]) + layout.header
    if layout.quoting == csv.QUOTE_MINIMAL and stream.quotes and stream.rows() != rows:
        refuse_swallowed_rows(layout, wanted, used)
    return used


def _with_tabs(stream: IO[bytes]) -> IO[bytes]:
    return io.BytesIO(stream.read().replace(b"::", b"\t"))


def _refuse_short_rows(layout: Layout, used: dict[str, "pd.Series[str]"]) -> None:
    """A line that ends too early has empty fields for pandas; it is no row with empty fields."""
    if not any((column == "").any() or column.isna().any() for column in used.values()):
        return
    try:
        short = any(len(record.fields) < layout.width for record in rows_of(layout))
    except (csv.Error, UnicodeDecodeError) as error:
        raise width_error(layout, str(error)) from None
    if short:
        raise width_error(layout, "a line is too short")
