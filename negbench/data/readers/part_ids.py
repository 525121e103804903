"""Ids across the files of a given split: one type, and one spelling."""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from negbench.data.number_words import counted
from negbench.data.raw_rows import RawRows, raw_ids
from negbench.errors import UserError


def matched_parts(parts: Sequence[RawRows], names: Sequence[str], where: str) -> list[RawRows]:
    """The parts with users and items of one type each; what cannot match is noted.

    Raises UserError if half or more of a part's ids are those of train in another spelling.
    """
    users, of_users = _matched([each.users for each in parts], "users", names, where)
    items, of_items = _matched([each.items for each in parts], "items", names, where)
    rows = [
        replace(each, users=own, items=theirs)
        for each, own, theirs in zip(parts, users, items, strict=True)
    ]
    rows[-1] = replace(rows[-1], notes=(*rows[-1].notes, *of_users, *of_items))
    return rows


def _matched(
    columns: list[pd.Index], role: str, names: Sequence[str], where: str
) -> tuple[list[pd.Index], list[str]]:
    """One column of ids of every part, of one type, and notes."""
    values = [np.asarray(each.unique(), object) for each in columns]
    text = [bool(len(each)) and isinstance(each[0], str) for each in values]
    notes: list[str] = []
    if any(text) and not all(text):
        columns = [_as_text(each, is_text) for each, is_text in zip(columns, text, strict=True)]
        values = [np.asarray(each.unique(), object) for each in columns]
        typed = " and ".join(name for name, it in zip(names, text, strict=True) if not it)
        notes.append(f"{role} of {typed} are numbers and read as text, as in the other files")
    train = set(values[0].tolist())
    for name, part in zip(names[1:], values[1:], strict=True):
        notes += _unmatched(train, part.tolist(), role, (names[0], name), where)
    return columns, notes


def _as_text(ids: pd.Index, is_text: bool) -> pd.Index:
    return ids if is_text else raw_ids([str(each) for each in ids.tolist()])


def _unmatched(
    train: set[Any], part: list[Any], role: str, names: tuple[str, str], where: str
) -> list[str]:
    """A note on the ids of a part that train lacks, or has in another spelling."""
    new = [each for each in part if each not in train]
    if not new:
        return []
    spelled = {_spelling(each): each for each in train}
    twins = [each for each in new if _spelling(each) in spelled]
    if twins:
        old = spelled[_spelling(twins[0])]
        one = f"{str(old)!r} of {names[0]} and {str(twins[0])!r} of {names[1]}"
        n = counted(len(twins), f"of the {role}", f"of the {role}")
        if 2 * len(twins) >= len(part):
            raise UserError(
                f"{where}: {n} of {names[1]} differ from those of {names[0]} in spelling alone, as"
                f" {one}; write ids alike in all files"
            )
        return [f"{n} of {names[1]} differ from ids of {names[0]} in spelling alone, as {one}"]
    if len(new) == len(part):
        return [f"none of the {role} of {names[1]} is in {names[0]}; check that ids are alike"]
    return []


def _spelling(value: Any) -> str:
    """What ids share that are likely one: without case, leading zeros and `.0`."""
    text = unicodedata.normalize("NFKC", str(value)).casefold().strip("\"'")
    whole = text.removesuffix(".0")
    return (whole.lstrip("0") or "0") if whole.isdigit() else text
