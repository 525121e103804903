"""`Interactions` of a stranger's making, handed over in Python or by a data-set plug-in, checked.

What is longer or shorter than the users and items that it speaks of would be read at wrong places
later on, or not be missed before an export.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from negbench.data import repeats
from negbench.data.fold_in import FOLD_IN
from negbench.data.interactions import Csr, Interactions, Order
from negbench.errors import DataError, shown

PAIRS = ("truth", "judged", "disliked", "unchosen")
"""Fields that hold pairs of users and items."""


def checked(data: object, maker: str) -> Interactions:
    """The same with arrays of the types that they must have; `maker` names where it comes from.

    A pair that comes again is dropped and counted in a note, unless repeats are kept: as of a file.
    Raises DataError, which names the field, for what is no `Interactions` or contradicts itself.
    """
    if not isinstance(data, Interactions):
        raise DataError(
            f"a data set must be Interactions; {maker} gave {shown(data)}; make them by "
            "negbench.data.reindex.reindex(RawRows(users=..., items=...), name=...)"
        )
    _check_sizes(data)
    users, items = _ids(data)
    _check_order(data, users.shape)
    _check_pairs(data)
    for features, n, what in (
        (data.user_features, data.n_users, "user_features"),
        (data.item_features, data.n_items, "item_features"),
    ):
        if features is not None and len(features) != n:
            raise DataError(
                f"{what} of Interactions must have a row for each id; {data.name} has "
                f"{len(features):,} rows for {n:,}"
            )
    typed = replace(
        data,
        users=users.astype(np.int64),
        items=items.astype(np.int64),
        times=None if data.times is None else np.asarray(data.times),
        part=None if data.part is None else np.asarray(data.part),
        user_ids=_labels(data, "user_ids", data.n_users),
        item_ids=_labels(data, "item_ids", data.n_items),
        item_names=_words(data, "item_names"),
        item_texts=_words(data, "item_texts"),
    )
    return typed if repeats.are_kept() else _each_once(typed)


def is_utf8(text: str) -> bool:
    """Whether a text can be written to files; names of files may hold other bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _each_once(data: Interactions) -> Interactions:
    """The data with the earliest (without times: the first) of a pair's repeats alone."""
    keys = data.users * data.n_items + data.items
    if len(np.unique(keys)) == len(keys):
        return data
    from negbench.data.reindex import first_of_each_pair
    from negbench.data.shared_pairs import notes_of_dropped

    times, part = data.times, data.part
    kept = first_of_each_pair(data.users, data.items, data.n_items, times)
    which = "first" if times is None else "earliest"
    return replace(
        data,
        users=data.users[kept],
        items=data.items[kept],
        times=None if times is None else times[kept],
        part=None if part is None else part[kept],
        notes=(*data.notes, *notes_of_dropped(keys, kept, which, part, noun="pairs")),
    )


def _check_sizes(data: Interactions) -> None:
    if not isinstance(data.name, str) or not data.name.strip() or not is_utf8(data.name):
        raise DataError(f"name of Interactions must be a text; got {data.name!a:.80}")
    for what in ("n_users", "n_items"):
        n: object = getattr(data, what)
        if not isinstance(n, Integral) or isinstance(n, bool):
            raise DataError(
                f"{what} of Interactions must be a whole number; {data.name} has {shown(n)}"
            )


def _ids(data: Interactions) -> tuple[NDArray[Any], NDArray[Any]]:
    users, items = np.asarray(data.users), np.asarray(data.items)
    columns = {"users": (users, data.n_users), "items": (items, data.n_items)}
    for what, (ids, n) in columns.items():
        if ids.ndim != 1 or len(ids) != len(users) or ids.dtype.kind not in "iu":
            raise DataError(
                f"{what} of Interactions must be whole numbers, one a pair; {data.name} has "
                f"{ids.dtype} {list(ids.shape)}"
            )
        if len(ids) and not 0 <= int(ids.min()) <= int(ids.max()) < n:
            raise DataError(
                f"{what} of Interactions must be from 0 to below n_{what}; {data.name} has "
                f"{ids.min()} to {ids.max()} and n_{what}={n}"
            )
    return users, items


def _check_order(data: Interactions, shape: tuple[int, ...]) -> None:
    """Check times, parts and what orders the pairs."""
    for what in ("times", "part"):
        values = getattr(data, what)
        if values is not None and np.shape(values) != shape:
            raise DataError(
                f"{what} of Interactions must be one a pair; {data.name} has "
                f"{list(np.shape(values))} for {shape[0]:,} pairs"
            )
    if data.times is not None:
        _check_times(np.asarray(data.times), "times", data.name)
    if data.part is not None:
        part = np.asarray(data.part)
        odd = part[~np.isin(part, range(FOLD_IN + 1))]
        if part.dtype.kind not in "iu" or len(odd):
            raise DataError(
                "part of Interactions must be whole numbers, 0 train, 1 valid, 2 test, 3 history; "
                f"{data.name} has {part.dtype}{f', {odd[0]} among them' if len(odd) else ''}"
            )
    if data.order not in get_args(Order) or (data.order == "time" and data.times is None):
        without = " and no times" if data.order == "time" else ""
        raise DataError(
            "order of Interactions must be time (where there are times), rows or none; "
            f"{data.name} has {shown(data.order)}{without}"
        )


def _check_times(times: NDArray[Any], what: str, name: str) -> None:
    if times.dtype.kind not in "iuf" or not np.isfinite(times).all():
        got = times.dtype if times.dtype.kind not in "iuf" else times[~np.isfinite(times)][0]
        raise DataError(
            f"{what} of Interactions must be finite numbers, seconds since 1970; {name} has {got}"
        )


def _check_pairs(data: Interactions) -> None:
    """Check what is known of other pairs: of these users and items, and a time for each."""
    for what in PAIRS:
        pairs = getattr(data, what)
        if pairs is not None and not _fits(pairs, data):
            size = f"{pairs.n_rows} and {pairs.n_columns}" if isinstance(pairs, Csr) else ""
            raise DataError(
                f"{what} of Interactions must be a Csr of its {data.n_users} users and "
                f"{data.n_items} items; {data.name} has one of {size or shown(pairs)}"
            )
    for what in ("disliked", "unchosen"):
        pairs, times = getattr(data, what), getattr(data, f"{what}_times")
        if times is None:
            continue
        n = 0 if pairs is None else len(pairs)
        if np.shape(times) != (n,):
            raise DataError(
                f"{what}_times of Interactions must be one a pair of {what}; {data.name} has "
                f"{list(np.shape(times))} for {n:,} pairs"
            )
        _check_times(np.asarray(times), f"{what}_times", data.name)


def _fits(pairs: object, data: Interactions) -> bool:
    if not isinstance(pairs, Csr) or (pairs.n_rows, pairs.n_columns) != (
        data.n_users,
        data.n_items,
    ):
        return False
    return (
        not len(pairs) or 0 <= int(pairs.indices.min()) <= int(pairs.indices.max()) < data.n_items
    )


def _labels(data: Interactions, what: str, n: int) -> NDArray[np.object_] | None:
    """The raw ids [n] as an array of objects; None where there are none."""
    values: Iterable[Any] | None = getattr(data, what)
    if values is None:
        return None
    listed = values.tolist() if isinstance(values, np.ndarray) else list(values)
    _require_length(listed, what, n, data.name)
    labels = np.empty(n, object)
    labels[:] = listed
    return labels


def _words(data: Interactions, what: str) -> tuple[str, ...] | None:
    """The names or texts of the items; None where there are none."""
    values: Iterable[Any] | None = getattr(data, what)
    if values is None:
        return None
    words = tuple(values)
    _require_length(words, what, data.n_items, data.name)
    if wrong := [at for at, word in enumerate(words) if not isinstance(word, str)]:
        raise DataError(
            f"{what} of Interactions must be texts; {data.name} has {shown(words[wrong[0]])} for "
            f"item {wrong[0]}"
        )
    return words


def _require_length(values: Sequence[Any], what: str, n: int, name: str) -> None:
    if len(values) != n:
        raise DataError(
            f"{what} of Interactions must be one for each id; {name} has {len(values):,} for {n:,}"
        )
