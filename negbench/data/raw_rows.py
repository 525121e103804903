"""Rows as a file has them, before anything is dropped or renumbered."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Rows:
    """One entry per row: identifiers untouched, times in seconds, ratings, and what was done."""

    users: pd.Index
    items: pd.Index
    times: NDArray[np.float64] | None = None
    ratings: NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.users)


def identifiers(values: object) -> pd.Index:
    """Identifiers as they are: text stays text, and 1.0 stays 1.0."""
    return pd.Index(values, dtype=object)  # type: ignore[call-overload,no-any-return]


def stacked(parts: list[Rows]) -> Rows:
    """The rows of several files, one file after the other."""
    return Rows(
        users=_joined([each.users for each in parts]),
        items=_joined([each.items for each in parts]),
        times=_all([each.times for each in parts]),
        ratings=_all([each.ratings for each in parts]),
        notes=tuple(dict.fromkeys(note for each in parts for note in each.notes)),
    )


def _joined(columns: list[pd.Index]) -> pd.Index:
    return columns[0].append(columns[1:])


def _all(columns: list[NDArray[np.float64] | None]) -> NDArray[np.float64] | None:
    """Joined if every file has the column: half a column orders nothing."""
    present = [each for each in columns if each is not None]
    return np.concatenate(present) if len(present) == len(columns) else None
