"""Raw rows of a file, before filtering, deduplication and reindexing."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class RawRows:
    """Columns of a file, one entry per row: raw ids, times in seconds, ratings; and notes."""

    users: pd.Index
    items: pd.Index
    times: NDArray[np.float64] | None = None
    ratings: NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.users)


def raw_ids(values: object) -> pd.Index:
    """An index of raw identifiers: text stays text, and 1.0 stays 1.0."""
    return pd.Index(values, dtype=object)  # type: ignore[call-overload,no-any-return]


def concatenated(parts: list[RawRows]) -> RawRows:
    """Concatenate the rows of several files."""
    return RawRows(
        users=_concatenated([each.users for each in parts]),
        items=_concatenated([each.items for each in parts]),
        times=_if_in_all([each.times for each in parts]),
        ratings=_if_in_all([each.ratings for each in parts]),
        notes=tuple(dict.fromkeys(note for each in parts for note in each.notes)),
    )


def _concatenated(columns: list[pd.Index]) -> pd.Index:
    return columns[0].append(columns[1:])


def _if_in_all(columns: list[NDArray[np.float64] | None]) -> NDArray[np.float64] | None:
    """Concatenated if every file has the column, else None: half a column orders nothing."""
    present = [each for each in columns if each is not None]
    return np.concatenate(present) if len(present) == len(columns) else None
