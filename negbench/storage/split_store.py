"""The parts of each split of a run, kept once beside its cells: RUN/splits/<hash>.npz.

Measures that set lists against histories need them when they are taken anew, at another K or on
other bands; no metric does, for cells keep their held-out pairs. The hash is the split's own, which
every cell records. Items are in the smallest type that holds them.
"""

import io
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from negbench.storage.atomic_write import write_bytes
from negbench.storage.integrity import Damaged, intact_file

Rows = tuple[NDArray[np.integer], NDArray[np.integer]]
"""The number of items of each user [U], and the items user by user [pairs]."""


def path_of(run: Path, digest: str) -> Path:
    """Where the split of this hash is kept."""
    return run / "splits" / f"{digest}.npz"


def write_split(run: Path, digest: str, parts: Mapping[str, Rows]) -> None:
    """Keep the parts of a split, once; a file that cannot be read is written anew."""
    path = path_of(run, digest)
    with suppress(Damaged):
        read_split(run, digest)
        return
    arrays: dict[str, NDArray[np.integer]] = {}
    for part, (lengths, items) in parts.items():
        arrays |= {f"{part}_lengths": _small(lengths), f"{part}_items": _small(items)}
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, content.getvalue())


def read_split(run: Path, digest: str) -> dict[str, Rows]:
    """The parts of a split by name.

    Raises Damaged, with one sentence, if the file is missing or cannot be read.
    """
    path, ends = path_of(run, digest), ("_lengths", "_items")
    with intact_file(path), np.load(path, allow_pickle=False) as arrays:
        names = [name.removesuffix(ends[0]) for name in arrays.files if name.endswith(ends[0])]
        return {part: (arrays[part + ends[0]], arrays[part + ends[1]]) for part in names}


def _small(values: NDArray[np.integer]) -> NDArray[np.integer]:
    return values.astype(np.min_scalar_type(int(values.max(initial=0))))
