"""The split as a folder: a file a part in csv or parquet, or in the atomic form of RecBole.

csv, parquet   FOLDER/train.csv, valid.csv, test.csv, which `negbench run -d FOLDER` reads as split
recbole        FOLDER/FOLDER.train.inter and so on, for RecBole's `benchmark_filename`
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO, TextIO

from negbench.experiment.export.id_words import token
from negbench.experiment.export.split import PAIRS, KeptSplit
from negbench.experiment.export.tables import Line, as_text, parquet, write_csv

HEADER = "user_id:token\titem_id:token\n"
"""The typed header of RecBole's files."""
EXTRA = {
    "fold_in": "what is known of users who are not trained on, before their valid and test pairs",
    "planted": "train pairs that were hidden on purpose: in no other part, and left out of lists",
}
"""Parts that a usual split has not."""


def write_parts(split: KeptSplit, folder: Path, form: str, name: str) -> dict[str, int]:
    """Write each part and a README into a folder; the number of pairs of each file.

    `name` is what the folder will be called, as RecBole's files have to be.
    """
    rows = {}
    for part in split.parts:
        file = f"{name}.{part}.inter" if form == "recbole" else f"{part}.{form}"
        with (folder / file).open("wb") as into:
            rows[file] = _write(split.pairs(part), form, into)
    (folder / "README.txt").write_text(readme(split, form, name), "utf-8")
    return rows


def readme(split: KeptSplit, form: str, name: str) -> str:
    """What a folder holds, and how it is read."""
    sizes = [f"{part} {len(rows[1]):,}" for part, rows in split.parts.items()]
    ordered = "have no order" if split.order == "none" else f"are in their order, by {split.order}"
    lines = [
        f"The split of {split.dataset} that a run of negbench was trained and ranked on.",
        f"Rule {split.rule}, hash {split.digest}; pairs: {', '.join(sizes)}. "
        f"The pairs of a user {ordered}.",
        *(f"{part}: {EXTRA[part]}." for part in split.parts if part in EXTRA),
        *(_for_recbole(split, name) if form == "recbole" else _for_us(form)),
        f"Licence of the data: {split.licence or 'not known'}; read its terms before you share it.",
        *(f"Note: {note}" for note in split.notes),
    ]
    return "\n".join(lines) + "\n"


def _for_recbole(split: KeptSplit, name: str) -> list[str]:
    parts = ", ".join(part for part in ("train", "valid", "test") if part in split.parts)
    return [
        f"RecBole: dataset: {name}; data_path: the folder around this one; benchmark_filename: "
        f"[{parts}]; USER_ID_FIELD: user_id; ITEM_ID_FIELD: item_id.",
        "A run keeps no times, which RecBole's sequential models need: these files are for others.",
        "Ids are percent-encoded where RecBole would split, drop or misread them; "
        "urllib.parse.unquote gives them back, and a lone % is an empty id.",
    ]


def _for_us(form: str) -> list[str]:
    return [
        f"`negbench run -d` on this folder trains on train.{form} and ranks test.{form}.",
        "Ids stand as the data have them.",
    ]


def _write(pairs: Iterator[Line], form: str, into: IO[bytes]) -> int:
    if form == "parquet":
        content, rows = parquet(pairs, PAIRS)
        into.write(content)
        return rows
    with as_text(into) as text:
        return write_csv(pairs, PAIRS, text) if form == "csv" else _write_inter(pairs, text)


def _write_inter(pairs: Iterable[Line], into: TextIO) -> int:
    as_token = lru_cache(None, typed=True)(token)
    into.write(HEADER)
    n = 0
    for n, pair in enumerate(pairs, 1):  # noqa: B007 - the last is their number
        into.write(f"{as_token(pair['user'])}\t{as_token(pair['item'])}\n")
    return n
