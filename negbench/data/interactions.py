"""Interaction data: user-item pairs with times, sparse rows of items per user, and the split."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:  # columns hold `Csr` themselves
    from negbench.data.features import Features

Order = Literal["time", "rows", "none"]
Ints = NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Csr:
    """Sparse rows: the items of each user; row r is `indices[indptr[r]:indptr[r + 1]]`.

    Within a row the order is the one given (time order where times are known). A pair may come
    again where repeats are kept; look-ups, `counts` and `matrix` take it once.

    `indptr` is int64 [R + 1], `indices` int32 [n]; both are made read-only.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    n_columns: int

    def __post_init__(self) -> None:
        """Make the arrays read-only: a split is shared by every part of a run."""
        self.indptr.setflags(write=False)
        self.indices.setflags(write=False)

    @classmethod
    def of(cls, rows: ArrayLike, columns: ArrayLike, *, n_rows: int, n_columns: int) -> Self:
        """Group pairs (rows [n], columns [n]) by row; the pairs of one row keep their order."""
        rows, columns = np.asarray(rows, np.int64), np.asarray(columns, np.int32)
        order = np.argsort(rows, kind="stable")
        indptr = np.zeros(n_rows + 1, np.int64)
        np.cumsum(np.bincount(rows, minlength=n_rows), out=indptr[1:])
        return cls(indptr, columns[order], n_columns)

    def __len__(self) -> int:
        """The number of pairs."""
        return len(self.indices)

    @property
    def n_rows(self) -> int:
        """The number of rows, empty ones too."""
        return len(self.indptr) - 1

    def row(self, r: int) -> NDArray[np.int32]:
        """The columns of one row, int32."""
        return self.indices[self.indptr[r] : self.indptr[r + 1]]

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """The number of pairs of each row, [R]."""
        return np.diff(self.indptr)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The row of each pair, [n]."""
        return np.repeat(np.arange(self.n_rows), self.lengths)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How many rows each column is in, [C]: an item's popularity, its number of users."""
        return self.distinct.occurrences

    @cached_property
    def occurrences(self) -> NDArray[np.int64]:
        """How many pairs each column is in, repeats too, [C]."""
        return np.bincount(self.indices, minlength=self.n_columns)

    @cached_property
    def keys(self) -> NDArray[np.int64]:
        """`row * n_columns + column` of every pair, ascending, [n]: for look-ups by search."""
        return np.sort(self.rows * self.n_columns + self.indices)

    @cached_property
    def repeated(self) -> bool:
        """Whether any pair comes more than once."""
        return bool((self.keys[1:] == self.keys[:-1]).any())

    @property
    def distinct(self) -> "Csr":
        """Each pair once, the first of its repeats; these very pairs where none is repeated."""
        return self._once if self.repeated else self

    @cached_property
    def _once(self) -> "Csr":
        by_pair = np.lexsort((self.indices, self.rows))  # stable: repeats keep their order
        rows, columns = self.rows[by_pair], self.indices[by_pair]
        again = (rows[1:] == rows[:-1]) & (columns[1:] == columns[:-1])
        kept = np.sort(by_pair[np.concatenate([[True], ~again])])
        shape = {"n_rows": self.n_rows, "n_columns": self.n_columns}
        return Csr.of(self.rows[kept], self.indices[kept], **shape)

    def sorted(self) -> "Csr":
        """The same pairs with each row's columns ascending."""
        rows, columns = np.divmod(self.keys, max(self.n_columns, 1))
        del rows
        return Csr(self.indptr.copy(), columns.astype(np.int32), self.n_columns)

    def join(self, other: "Csr") -> "Csr":
        """Concatenate row by row: each row's pairs, then those of the other's same row."""
        return Csr.of(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.indices, other.indices]),
            n_rows=self.n_rows,
            n_columns=self.n_columns,
        )

    def matrix(self) -> sp.csr_matrix:
        """The pairs as a scipy matrix of ones, [R, C] float32."""
        once = self.distinct
        ones, shape = np.ones(len(once), np.float32), (self.n_rows, self.n_columns)
        return sp.csr_matrix((ones, once.indices, once.indptr), shape=shape)


@dataclass(frozen=True, eq=False)
class Interactions:
    """A data set before the split: user-item pairs with ids from 0, in the file's order.

    `users`, `items` are int64 [n]; `times` [n] or None. `order` says what orders a user's pairs:
    "time" stamps, "rows" (the file's own order) or "none" (no order is known).
    """

    name: str
    users: NDArray[np.int64]
    items: NDArray[np.int64]
    n_users: int
    n_items: int
    times: NDArray[np.float64] | None = None
    order: Order = "none"
    part: NDArray[np.int8] | None = None
    """Of a data set that comes split: 0 train, 1 valid, 2 test per pair, [n]; 3 is the history of a
    user who is not trained on (see `fold_in.py`)."""
    user_ids: NDArray[np.object_] | None = None
    item_ids: NDArray[np.object_] | None = None
    """Raw identifiers of the file, [U] and [I]; None where the file counts from 0."""
    item_names: tuple[str, ...] | None = None
    item_texts: tuple[str, ...] | None = None
    user_features: "Features | None" = None
    item_features: "Features | None" = None
    """Columns of the users, [U], and of the items, [I]; hashed where a model reads them."""
    truth: Csr | None = None
    """All truly relevant pairs, where they are known (ground truth)."""
    judged: Csr | None = None
    """Pairs whose relevance is known; None beside a `truth` means all of them."""
    judged_at_random: bool = False
    """Whether the judged pairs are a random sample of each user's pairs: random exposure."""
    disliked: Csr | None = None
    """Explicit negatives: pairs of these users and items rated below the positive threshold; None
    without ratings or where every rating counts."""
    disliked_times: NDArray[np.float64] | None = None
    """The time of each disliked pair, in the order of `disliked`."""
    unchosen: Csr | None = None
    """Pairs that were shown and not chosen, each once, in the log that the train pairs come from;
    some may have been chosen at another time."""
    unchosen_times: NDArray[np.float64] | None = None
    """The time at which each unchosen pair was first shown, in the order of `unchosen`."""
    source: str = ""
    licence: str = ""
    notes: tuple[str, ...] = ()
    """Preprocessing steps and caveats, for every output that uses the data."""

    def __len__(self) -> int:
        """The number of pairs."""
        return len(self.users)

    @property
    def features(self) -> "dict[str, Features]":
        """The columns of "user_features" and "item_features", of those that there are."""
        both = {"user_features": self.user_features, "item_features": self.item_features}
        return {name: columns for name, columns in both.items() if columns is not None}

    @cached_property
    def checksum(self) -> str:
        """SHA-256 over the pairs, times, parts and truth, in hex digits: what cells go by."""
        digest = hashlib.sha256(f"{self.n_users} {self.n_items} {self.order}".encode())
        arrays: list[NDArray[np.generic] | None] = [self.users, self.items, self.times, self.part]
        if self.truth is not None:
            arrays.append(self.truth.keys)
        for array in arrays:
            digest.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @cached_property
    def content(self) -> str:
        """SHA-256 over all that reaches an output: the checksum, ids, names, texts and judgements.

        Two files of the same pairs under other ids have one `checksum` and two contents. Features
        are not in it: their own hash is part of the cells that read them.
        """
        digest = hashlib.sha256(self.checksum.encode())
        for words in (self.user_ids, self.item_ids, self.item_names, self.item_texts):
            listed = None if words is None else list(words)
            digest.update(repr(listed).encode(errors="surrogatepass"))  # 1 and '1' are two ids
        for cells in (self.judged, self.disliked):
            digest.update(b"-" if cells is None else cells.keys.tobytes())
        if self.unchosen is not None:
            digest.update(self.unchosen.keys.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Split:
    """Train, validation and test interactions, each [U, I]."""

    train: Csr
    valid: Csr
    test: Csr
    rule: str
    order: Order
    rule_name: str = ""
    """The rule's name without its numbers."""
    fold_in: Csr | None = None
    """Of a split by users: the history of valid and test users, who are not trained on."""
    notes: tuple[str, ...] = ()
    """Caveats on results of this split, counted."""

    @property
    def n_users(self) -> int:
        """U."""
        return self.train.n_rows

    @property
    def n_items(self) -> int:
        """I."""
        return self.train.n_columns

    @cached_property
    def hash(self) -> str:
        """Twelve hex digits over the three parts and their rule; runs compare if it agrees."""
        digest = hashlib.sha256(f"{self.rule} {self.order}".encode())
        folded = () if self.fold_in is None else (self.fold_in,)
        for part in (self.train, self.valid, self.test, *folded):
            digest.update(part.indptr.tobytes() + part.indices.tobytes())
        return digest.hexdigest()[:12]
