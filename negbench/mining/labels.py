"""The data's own words for what was mined: ids of users and items, names, texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negbench.data.interactions import Interactions

NAMES = ("positive_name", "negative_name")
TEXTS = ("positive_text", "negative_text")
Columns = Mapping[str, Sequence[Any] | NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Labels:
    """Ids and words by the numbers of users and items; None where a number is its own id."""

    users: NDArray[Any] | None = None
    items: NDArray[Any] | None = None
    names: NDArray[Any] | None = None
    texts: NDArray[Any] | None = None

    @classmethod
    def of(cls, data: Interactions, *, texts: bool = False) -> "Labels":
        """The ids and names of a data set, and its texts where they are asked for."""
        return cls(
            _ids(data.user_ids),
            _ids(data.item_ids),
            _words(data.item_names),
            _words(data.item_texts) if texts else None,
        )

    @property
    def columns(self) -> dict[str, type]:
        """The name and the kind of each column, in their order."""
        kind_of = {"user": self.users, "positive": self.items, "negative": self.items}
        kinds = {name: _kind(ids) for name, ids in kind_of.items()}
        kinds |= {"rank": int, "s_positive": float, "s_negative": float}
        kinds |= dict.fromkeys(NAMES, str) if self.names is not None else {}
        return kinds | (dict.fromkeys(TEXTS, str) if self.texts is not None else {})

    def labelled(
        self,
        users: NDArray[Any],
        positives: NDArray[Any],
        negatives: NDArray[Any],
        others: Columns,
    ) -> dict[str, Any]:
        """The columns of some rows, [T] each: ids, then `others` (rank and scores), then words."""
        items = {"positive": positives, "negative": negatives}
        columns = {"user": users if self.users is None else self.users[users]}
        columns |= {k: v if self.items is None else self.items[v] for k, v in items.items()}
        columns |= others
        for table, names in ((self.names, NAMES), (self.texts, TEXTS)):
            if table is not None:
                columns |= {
                    name: table[each] for name, each in zip(names, items.values(), strict=True)
                }
        return columns


def _kind(ids: NDArray[Any] | None) -> type:
    if ids is not None and ids.dtype == np.uint64:
        return np.uint64
    return int if ids is None or ids.dtype != object else str


def _ids(ids: NDArray[Any] | None) -> NDArray[Any] | None:
    """Whole numbers as such, as hashes may be in 64 bits without a sign; others as words."""
    if ids is None:
        return None
    if {type(each) for each in ids.tolist()} <= {int}:
        for kind in (np.int64, np.uint64):
            if np.iinfo(kind).min <= min(ids) and max(ids) <= np.iinfo(kind).max:
                return ids.astype(kind)
    return _words([str(each) for each in ids.tolist()])


def _words(words: Sequence[str] | None) -> NDArray[Any] | None:
    return None if words is None else np.array(words, dtype=object)
