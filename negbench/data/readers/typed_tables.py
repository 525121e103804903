"""Tables with typed columns, for official layouts: every value is checked against its type."""

import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.readers.text_file import text_bytes
from negbench.errors import DataError

Kind = Literal["whole", "number", "maybe", "text"]
"""Type of a column: integers, finite numbers, finite numbers or missing (NaN), text."""


def read_columns(
    path: Path,
    kinds: Mapping[str, Kind],
    *,
    separator: str,
    header: Sequence[str] = (),
    encoding: str = "utf-8",
) -> pd.DataFrame:
    """Read a file as typed columns of these names; `::` separates in MovieLens 1M.

    With a `header`, the official name of each column, they are found by it; without, the file must
    have these columns and no others. Raises DataError
    for any other layout.
    """
    blob = text_bytes(path, "fetch it again")
    if separator == "::":
        blob, separator = blob.replace(b"::", b"\t"), "\t"
    names = list(header or kinds)
    by_column = dict(zip(names, kinds.values(), strict=True))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pd.errors.DtypeWarning)  # each column is checked below
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame: pd.DataFrame = pd.read_csv(
                io.BytesIO(blob),
                sep=separator,
                header=0 if header else None,
                names=None if header else names,
                usecols=names,
                index_col=False,
                dtype={name: str for name, kind in by_column.items() if kind == "text"},
                keep_default_na=False,
                na_values={name: [""] for name, kind in by_column.items() if kind == "maybe"},
                encoding=encoding,
                quoting=0 if separator == "," else 3,
            )
    except (ValueError, OverflowError, pd.errors.ParserWarning) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path} is not in the official layout ({reason})") from None
    pairs = zip(kinds, names, strict=True)
    checked = {role: _checked(path, frame[name], kinds[role]) for role, name in pairs}
    return pd.DataFrame(checked)


def _checked(path: Path, column: "pd.Series[str]", kind: Kind) -> NDArray[np.generic]:
    """The values of a column, [n]; the first of another type is an error with its row."""
    if kind == "text":
        return column.to_numpy(object)
    whole = kind == "whole"
    if whole and column.dtype.kind == "i":
        return column.to_numpy(np.int64)
    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    good = np.isfinite(values)
    if whole:
        good &= column.astype(str).str.fullmatch(r"\s*-?\d{1,18}\s*").to_numpy(bool)
    if kind == "maybe":
        good |= column.isna().to_numpy(bool)
    if not good.all():
        row = int(good.argmin())
        what = "a whole number" if whole else "a number"
        raise DataError(
            f"{path}, row {row + 1}: {f'{column.iloc[row]!r}':.60} must be {what};"
            " the file is not in the official layout"
        )
    return column.astype(np.int64).to_numpy(np.int64) if whole else values
