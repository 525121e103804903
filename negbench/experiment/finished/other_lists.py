"""Lists of other systems, beside a run or with train pairs of their own: read and matched.

What does not fit is counted in one note each and never dropped in silence: users and items that the
data do not know, items twice in a list, short lists, users without a list, items of the user's own
history. The place of an item that is unknown or comes again stays empty, so no other moves up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.interactions import Csr
from negbench.data.number_words import counted, percent
from negbench.data.raw_rows import RawRows, concatenated, raw_ids
from negbench.data.readers.column_roles import Columns
from negbench.data.readers.part_ids import matched_parts
from negbench.data.readers.ranked_lists import read_lists
from negbench.data.readers.user_files import read_rows
from negbench.data.reindex import reindex
from negbench.errors import DataError, UserError

Ids = dict[str, list[Any]]
MATCHED = 0.5
"""Lists of whose places a smaller share is known are likely to have other ids."""


@dataclass(frozen=True, eq=False)
class OtherLists:
    """The lists of one system on the numbers of a data set."""

    name: str
    users: NDArray[np.int64]
    """[n]: who has a list."""
    tops: NDArray[np.int64]
    """[n, K], -1 for an empty place."""
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class OtherData:
    """The train pairs, and the test pairs if there are any, that lists of others are read with."""

    name: str
    parts: Mapping[str, Csr]
    """train, profiles, seen and test, each [U, I]."""
    ids: Ids
    notes: tuple[str, ...]


def read_data(train: Path, test: Path | None, columns: Columns) -> OtherData:
    """Read train and test pairs as `-d` reads a file.

    Raises DataError or UserError for what cannot be read.
    """
    paths = [train] if test is None else [train, test]
    for path, flag in zip(paths, ("--train", "--test"), strict=False):
        if not path.is_file():
            raise DataError(f"{flag} must be a file of users and items; {path} is not there")
    rows = matched_parts(
        [read_rows(path, columns) for path in paths], [p.name for p in paths], str(train.parent)
    )
    part = np.repeat(np.array([0, 2][: len(rows)], np.int8), [len(each) for each in rows])
    data = reindex(concatenated(rows), name=train.name, min_rating=columns.min_rating, part=part)
    shape = {"n_rows": data.n_users, "n_columns": data.n_items}
    of_part = [data.part == word for word in (0, 2)]
    pairs = [Csr.of(data.users[here], data.items[here], **shape) for here in of_part]
    parts = {"train": pairs[0], "profiles": pairs[0], "seen": pairs[0], "test": pairs[1]}
    user_ids, item_ids = data.user_ids, data.item_ids
    ids = {
        "users": [] if user_ids is None else user_ids.tolist(),
        "items": [] if item_ids is None else item_ids.tolist(),
        "names": [],
    }
    return OtherData(train.stem, parts, ids, data.notes)


def match(
    path: Path,
    ids: Ids,
    seen: Csr,
    users: Sequence[int] | NDArray[np.int64],
    k: int,
    columns: Columns | None = None,
) -> OtherLists:
    """Read the lists of a file and put them on the numbers of the data, cut at K.

    `users` [n] are those who can be audited, `seen` their histories. Raises UserError if less than
    half of the places hold a known item of a known user.
    """
    ranked = read_lists(path, columns)
    base = RawRows(raw_ids(ids["users"]), raw_ids(ids["items"]))
    _, rows = matched_parts([base, ranked.rows], ["train", path.name], str(path))
    known_users, user = _numbers(rows.users, ids["users"])
    _, item = _numbers(rows.items, ids["items"])
    _require_known(path, user, item, rows)
    allowed = np.zeros(len(ids["users"]), bool)
    allowed[np.asarray(users, np.int64)] = True
    mine = (user >= 0) & allowed[user]
    own_user, own_item = user[mine], item[mine]
    if not len(own_user):
        raise UserError(f"{path}: none of its users has what the audit needs, a history in train")
    place = _places(own_user)
    within = place < k
    listed = np.unique(own_user)
    line = np.searchsorted(listed, own_user)
    tops = np.full((len(listed), k), -1, np.int64)
    tops[line[within], place[within]] = own_item[within]
    tops, twice = _without_repeats(tops)
    of_others = int((user >= 0).sum() - mine.sum())
    notes = [
        f"lists of {path.name}: {len(listed):,} of up to {k} items, by {ranked.how}",
        *ranked.rows.notes,
        *_notes(known_users, own_item[within], listed, allowed, tops, twice, of_others, k),
        *_met_before(tops, listed, seen),
    ]
    return OtherLists(path.stem, listed, tops, tuple(dict.fromkeys(notes)))


def longest(path: Path, columns: Columns | None = None) -> int:
    """The length of the longest list of a file."""
    codes, _ = pd.factorize(read_lists(path, columns).rows.users)
    return int(np.bincount(codes).max(initial=0))


def _numbers(column: pd.Index, known: Sequence[Any]) -> tuple[int, NDArray[np.int64]]:
    """How many different ids are unknown, and the number of each id, -1 for those.

    An id of a TREC file may be written as in a URL, as the export writes it.
    """
    place = {str(each): at for at, each in enumerate(known)}
    values = [str(each) for each in column.tolist()]
    number = {each: place.get(each, place.get(unquote(each), -1)) for each in set(values)}
    unknown = sum(at < 0 for at in number.values())
    return unknown, np.array([number[each] for each in values], np.int64)


def _require_known(
    path: Path, user: NDArray[np.int64], item: NDArray[np.int64], rows: RawRows
) -> None:
    for role, numbers, column in (("user", user, rows.users), ("item", item, rows.items)):
        share = (numbers >= 0).mean() if len(numbers) else 0.0
        if share < MATCHED:
            at = int((numbers < 0).argmax()) if len(numbers) else 0
            seen = f", as {column[at]!r}" if len(numbers) else ""
            raise UserError(
                f"{path}: lists must have the {role} ids of the train pairs; "
                f"{percent(int((numbers < 0).sum()), max(len(numbers), 1))} of its rows have "
                f"others{seen}; write ids as in train"
            )


def _places(user: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of each row in the list of its user, from 0."""
    order = np.argsort(user, kind="stable")
    counts = np.bincount(user)
    first = counts.cumsum() - counts
    place = np.empty(len(user), np.int64)
    place[order] = np.arange(len(user)) - first[user[order]]
    return place


def _without_repeats(tops: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """The lists with the first of an item's places alone, and how many others there were."""
    order = np.argsort(tops, axis=1, kind="stable")
    ordered = np.take_along_axis(tops, order, axis=1)
    again = np.zeros(tops.shape, bool)
    again[:, 1:] = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    twice = np.zeros(tops.shape, bool)
    np.put_along_axis(twice, order, again, axis=1)
    return np.where(twice, -1, tops), int(twice.sum())


def _notes(
    unknown_users: int,
    items: NDArray[np.int64],
    listed: NDArray[np.int64],
    allowed: NDArray[np.bool_],
    tops: NDArray[np.int64],
    twice: int,
    of_others: int,
    k: int,
) -> list[str]:
    """What does not fit, counted."""
    notes, places = [], tops.size
    if unknown_users:
        one = counted(unknown_users, "user has a list and is", "users have a list and are")
        notes.append(f"{one} not in train: left out")
    if of_others:
        notes.append(f"{counted(of_others, 'row')} of users who are not audited here: left out")
    if lacking := int(allowed.sum() - len(listed)):
        one = counted(lacking, "user has", "users have")
        notes.append(
            f"WARNING: {one} no list, of {int(allowed.sum()):,}: means are over those who have one"
        )
    if gone := int((items < 0).sum()):
        notes.append(
            f"{counted(gone, 'place')} of {places:,} hold an item that train and test do not know: "
            "such a place counts as empty"
        )
    if twice:
        notes.append(f"{counted(twice, 'place')} repeat an item of the same list: counted as empty")
    if short := int(((tops >= 0).sum(1) < k).sum()):
        notes.append(f"{counted(short, 'list')} of {len(tops):,} hold fewer than {k} items")
    return notes


def _met_before(tops: NDArray[np.int64], listed: NDArray[np.int64], seen: Csr) -> list[str]:
    """How many places hold an item of the user's own history."""
    keys = listed[:, None] * seen.n_columns + tops
    met = int((np.isin(keys, seen.keys) & (tops >= 0)).sum())
    if not met:
        return []
    filled = int((tops >= 0).sum())
    return [
        f"{counted(met, 'place')} of {filled:,} hold an item of the user's own history: they count "
        "as shown, and can find no new item"
    ]
