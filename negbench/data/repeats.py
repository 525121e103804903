"""Repeated interactions: whether a (user, item) pair that comes again is dropped or kept.

Most studies keep a pair once. Where people come back to items, as in shops, some keep each time
that they do: a history is then what happened in order, and an item of the test part may be one of
the history. Readers ask here, since data sets load by their own modules.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

import numpy as np

from negbench.data.interactions import Interactions

WORDS = ("drop", "keep")
"""What `--repeats` may say; the first is the usual one."""
_kept: ContextVar[bool] = ContextVar("_kept", default=False)


@contextmanager
def reading(word: str) -> Iterator[None]:
    """Read data inside the block with repeats dropped or kept."""
    token = _kept.set(word == "keep")
    try:
        yield
    finally:
        _kept.reset(token)


def are_kept() -> bool:
    """Whether what is being read now keeps its repeats."""
    return _kept.get()


def with_note(data: Interactions) -> Interactions:
    """The data with the number of kept repeats among its notes."""
    keys = data.users * data.n_items + data.items
    n = len(keys) - len(np.unique(keys))
    note = (
        f"REPEATS: {n:,} of {len(keys):,} interactions are a (user, item) pair once more and are "
        "kept; an item's popularity is its number of train users"
        if n
        else "--repeats keep changes nothing here: no (user, item) pair comes twice, or the data"
        " set's own reader has dropped repeats"
    )
    return replace(data, notes=(*data.notes, note))
