"""Data handed over in Python: frames, arrays and `Interactions`, held while a run uses them.

The rest of a run knows a data set by a word. `hold` gives what was handed over such a word, unlike
any name or path; `load` reads it again. A word is good in its own process, for one `holding` block.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import numpy as np

from negbench.data.checked_interactions import checked
from negbench.data.interactions import Interactions
from negbench.data.readers.column_roles import Columns
from negbench.errors import DataError, UserError

MARK = "python:/"
_held: dict[str, tuple[str, Any]] = {}
"""Word to name and data."""
_numbers = itertools.count(1)


def can_hold(data: object) -> bool:
    """Whether this is a pandas DataFrame, an array of pairs [n, 2] or `Interactions`."""
    return isinstance(data, Interactions) or _is_frame(data) or _is_pairs(data)


def hold(data: Any) -> str:
    """The word of data that `can_hold`; the folder of a run is called after its last part."""
    if _is_pairs(data):
        data = _frame_of(data)
    for word, (_, other) in _held.items():
        if other is data:
            return word
    frames = sum(_is_frame(other) for _, other in _held.values())
    usual = "frame" if not frames else f"frame_{frames + 1}"
    if _is_frame(data):
        name, mark = usual, _frame_mark(data)
    else:
        name, mark = data.name, checked(data, "negbench.run").content
    plain = "".join(c if c.isalnum() or c in "_-" else "-" for c in name).strip("-") or "data"
    word = f"{MARK}{next(_numbers)}/{plain}-{mark[:6]}"
    _held[word] = (name, data)
    return word


@contextmanager
def holding() -> Iterator[None]:
    """Let go at the end of what was held inside the block."""
    before = set(_held)
    try:
        yield
    finally:
        for word in set(_held) - before:
            del _held[word]


def load(word: str, columns: Columns | None = None) -> Interactions:
    """What was held under this word; a frame is read as a file is, by its columns.

    Raises DataError if it is not held any more, or is not in order, and UserError if columns are
    given for `Interactions`.
    """
    if word not in _held:
        raise DataError(
            f"{word} was handed over in Python and is kept by no file; go on by the same call of "
            "negbench.run, with jobs=1 if this was one of its workers"
        )
    name, data = _held[word]
    columns = columns or Columns()
    if _is_frame(data):
        return _read_frame(data, columns, name)
    if columns != Columns():
        raise UserError(f"columns are for files and DataFrames; {name} are Interactions already")
    return checked(data, name)


def _read_frame(frame: Any, columns: Columns, name: str) -> Interactions:
    from negbench.data.readers.feature_files import with_features
    from negbench.data.readers.parquet import frame_rows
    from negbench.data.reindex import reindex

    rows = frame_rows(frame, columns, f"the DataFrame {name}")
    source = "a DataFrame in Python"
    data = reindex(rows, name=name, min_rating=columns.min_rating, source=source)
    return with_features(data, columns)


def _is_frame(data: object) -> bool:
    """Asked without an import of pandas: who hands over a frame has it."""
    return any(
        each.__name__ == "DataFrame" and each.__module__.partition(".")[0] == "pandas"
        for each in type(data).__mro__
    )


def _is_pairs(data: object) -> bool:
    return isinstance(data, np.ndarray) and data.ndim == 2 and data.shape[1] == 2


def _frame_of(pairs: Any) -> Any:
    """Pairs [n, 2], a user and an item a row, as a frame that is read as any other."""
    import pandas as pd

    return pd.DataFrame(pairs, columns=["user", "item"])


def _frame_mark(frame: Any) -> str:
    """Hex digits that change with the content, for the name of the run's folder."""
    import pandas as pd

    try:
        rows = pd.util.hash_pandas_object(frame).to_numpy()
    except TypeError:  # lists in a cell
        rows = pd.util.hash_pandas_object(frame.astype(str)).to_numpy()
    return sha256(rows.tobytes() + repr(list(frame.columns)).encode()).hexdigest()
