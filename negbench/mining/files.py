"""Files of mined negatives, written block by block beside their place and then renamed."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from shlex import quote
from typing import IO, Any

import numpy as np
import pandas as pd

from negbench.errors import UserError, shown
from negbench.storage.atomic_write import aside

Frames = Iterable[pd.DataFrame]
Kinds = Mapping[str, type]


def write(frames: Frames, kinds: Kinds, path: Path) -> int:
    """Write data frames of these columns as one file; the number of rows.

    Raises UserError for a file of another kind, or one that cannot be written.
    """
    writer = writer_of(path)
    temporary = aside(path)
    try:
        with temporary.open("wb") as file:
            rows = writer(frames, kinds, file)
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"-o must be a file that can be written; {path}: {error}") from error
    except UnicodeEncodeError as error:
        raise UserError(
            f"parquet takes UTF-8 alone; {shown(error.object)} is none; write FILE.jsonl"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return rows


def writer_of(path: Path) -> Callable[[Frames, Kinds, IO[bytes]], int]:
    """The writer of a file by its ending.

    Raises UserError for an unknown ending, and for parquet without pyarrow.
    """
    if path.suffix not in WRITERS:
        raise UserError(
            f"-o must be a file that ends in {' or '.join(WRITERS)}; got {quote(str(path))}"
        )
    if path.suffix == ".parquet":
        try:
            import pyarrow.parquet  # noqa: F401 - asked before anything is trained
        except ImportError:
            raise UserError(
                "-o FILE.parquet needs pyarrow; install it with `pip install 'negbench[parquet]'`, "
                "or write FILE.jsonl"
            ) from None
    return WRITERS[path.suffix]


def _json_lines(frames: Frames, kinds: Kinds, file: IO[bytes]) -> int:
    del kinds  # each value says its own
    rows = 0
    for frame in frames:
        records: list[dict[Any, Any]] = frame.to_dict("records")
        for record in records:
            file.write(json.dumps(record).encode() + b"\n")
        rows += len(frame)
    return rows


def _parquet(frames: Frames, kinds: Kinds, file: IO[bytes]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {int: pa.int64(), np.uint64: pa.uint64(), float: pa.float32(), str: pa.string()}
    schema = pa.schema([(name, types[kind]) for name, kind in kinds.items()])
    rows = 0
    with pq.ParquetWriter(file, schema) as writer:
        for frame in frames:
            writer.write_table(pa.Table.from_pandas(frame, schema=schema, preserve_index=False))
            rows += len(frame)
    return rows


WRITERS = {".parquet": _parquet, ".jsonl": _json_lines}
"""By ending: the kinds of file."""
