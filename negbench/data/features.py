"""Features of users or items: categorical columns, with one value an id or several, and numbers.

A missing value is an id without a code, or NaN. What a model makes of the columns, standardised
numbers say, is worked out from the train ids alone (see `protocol/feature_table.py`).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negbench.data.interactions import Csr
from negbench.data.number_words import counted
from negbench.errors import DataError

ABSENT = -1
"""The row of an id that the columns do not have."""


@dataclass(frozen=True, eq=False)
class Categorical:
    """A categorical column: the distinct codes of each id, [n, V]; an id without any has none."""

    name: str
    codes: Csr
    vocabulary: tuple[str, ...]
    """The value of each code, [V]."""

    @classmethod
    def of(cls, name: str, cells: Iterable[Iterable[str]]) -> Self:
        """From the values of each id, [n] of any number; codes count the sorted values from 0."""
        rows = [list(dict.fromkeys(cell)) for cell in cells]
        words = sorted({word for row in rows for word in row})
        code = {word: at for at, word in enumerate(words)}
        ids = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        codes = [code[word] for row in rows for word in row]
        return cls(name, Csr.of(ids, codes, n_rows=len(rows), n_columns=len(words)), tuple(words))

    def take(self, rows: NDArray[np.integer]) -> "Categorical":
        """Row r is row `rows[r]` of this column; none where that is -1."""
        there = np.flatnonzero(rows != ABSENT)
        lengths = np.zeros(len(rows), np.int64)
        lengths[there] = self.codes.lengths[rows[there]]
        ends = np.cumsum(lengths)
        starts = np.repeat(self.codes.indptr[rows[there]], lengths[there])
        within = np.arange(len(starts)) - np.repeat((ends - lengths)[there], lengths[there])
        indptr = np.concatenate([[0], ends])
        codes = Csr(indptr, self.codes.indices[starts + within], self.codes.n_columns)
        return Categorical(self.name, codes, self.vocabulary)

    def __str__(self) -> str:
        """The column in a few words: genres categorical (18 values, up to 6 each)."""
        most = int(self.codes.lengths.max(initial=0))
        several = f", up to {most} each" if most > 1 else ""
        return f"{self.name} categorical ({counted(len(self.vocabulary), 'value')}{several})"


@dataclass(frozen=True, eq=False)
class Numeric:
    """A column of numbers [n], NaN where one is missing."""

    name: str
    values: NDArray[np.float64]

    def take(self, rows: NDArray[np.integer]) -> "Numeric":
        """Row r is row `rows[r]` of this column; NaN where that is -1."""
        values = np.append(self.values, np.nan)[rows]  # the last place is that of -1
        return Numeric(self.name, values)

    def __str__(self) -> str:
        """The column in two words: year numeric."""
        return f"{self.name} numeric"


@dataclass(frozen=True, eq=False)
class Features:
    """The columns of all users or of all items, in the order of their ids.

    Raises DataError if the columns differ in length, share a name, or a number is infinite.
    """

    categorical: tuple[Categorical, ...] = ()
    numeric: tuple[Numeric, ...] = ()

    def __post_init__(self) -> None:
        """Check the columns, and make their arrays read-only: all cells share them."""
        names = [*(each.name for each in self.categorical), *(each.name for each in self.numeric)]
        if not names or len(set(names)) < len(names):
            raise DataError(f"features must be columns of different names; got {names}")
        sizes = {column.codes.n_rows for column in self.categorical}
        sizes |= {len(column.values) for column in self.numeric}
        if len(sizes) > 1:
            raise DataError(f"columns of features must be equally long; got {sorted(sizes)} rows")
        for column in self.numeric:
            column.values.setflags(write=False)
            if np.isinf(column.values).any():
                raise DataError(f"numbers of features must be finite or NaN; {column.name} is not")

    @classmethod
    def of(
        cls,
        categories: Mapping[str, Iterable[Iterable[str]]],
        numbers: Mapping[str, ArrayLike] | None = None,
    ) -> Self:
        """From the values of each id, [n] of any number, and from numbers [n], by column name."""
        return cls(
            tuple(Categorical.of(name, cells) for name, cells in categories.items()),
            tuple(Numeric(name, np.array(x, np.float64)) for name, x in (numbers or {}).items()),
        )

    def __len__(self) -> int:
        """The number of ids, n."""
        first = (*(each.codes.n_rows for each in self.categorical), *map(_length, self.numeric))
        return first[0]

    def take(self, rows: NDArray[np.integer]) -> "Features":
        """Row r is row `rows[r]` of these [n]; -1 is an id of which no column has a value."""
        return Features(
            tuple(each.take(rows) for each in self.categorical),
            tuple(each.take(rows) for each in self.numeric),
        )

    def of_ids(self, ids: Sequence[object], wanted: Iterable[object]) -> "Features":
        """These, the rows of `ids` [n], for the ids `wanted` [m]; 1 and "1" are one id.

        Of an id that comes again the last row counts.
        """
        row = {str(each): at for at, each in enumerate(ids)}
        return self.take(np.array([row.get(str(each), ABSENT) for each in wanted], np.int64))

    @cached_property
    def digest(self) -> str:
        """Twelve hex digits over all columns: part of a cell whose model reads them."""
        digest = hashlib.sha256()
        for category in self.categorical:
            digest.update(repr((category.name, category.vocabulary)).encode())
            digest.update(category.codes.indptr.tobytes() + category.codes.indices.tobytes())
        for number in self.numeric:
            digest.update(number.name.encode() + number.values.tobytes())
        return digest.hexdigest()[:12]

    def __str__(self) -> str:
        """Every column in a few words."""
        return ", ".join(map(str, (*self.categorical, *self.numeric)))


def _length(column: Numeric) -> int:
    return len(column.values)
