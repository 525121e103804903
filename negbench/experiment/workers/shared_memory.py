"""Grounds that worker processes share: made ready once, and mapped into the memory of each.

The arrays lie in one file without a name (with one, where the system has no /proc), which the
workers map: what they do not write to is one copy for all. The rest goes to them as it is.
"""

import os
import pickle
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from negbench.scenario.scenario import Scenario

OPEN = Path("/proc/self/fd")
ALIGNED = 64


@dataclass(frozen=True)
class Shared:
    """Where the arrays of some grounds are; made by `shared`, for this process's children."""

    content: bytes
    """The grounds without their arrays: from the parent process, never from a file."""
    path: str
    spans: tuple[tuple[int, int], ...]
    """Begin and end of every array, in bytes."""

    def open(self) -> dict[str, Scenario]:
        """The grounds by data set, on arrays that are read where they lie."""
        held = np.memmap(self.path, np.uint8, mode="c")
        buffers = [held[begin:end] for begin, end in self.spans]
        made: dict[str, Scenario] = pickle.loads(self.content, buffers=buffers)
        return made


@contextmanager
def shared(scenarios: Mapping[str, Scenario]) -> Iterator[Shared | None]:
    """The grounds for workers, while the block lasts; None where there is no room for the file."""
    with ExitStack() as stack:
        try:
            made = _laid(scenarios, stack.enter_context(_file()))
        except OSError:
            made = None
        yield made


def _file() -> IO[bytes]:
    """A file that is gone with this process; killed, it leaves nothing where /proc is.

    Unbuffered: one that could not be filled is closed without another try.
    """
    if OPEN.is_dir():
        return tempfile.TemporaryFile(prefix="negbench-", buffering=0)
    return tempfile.NamedTemporaryFile(prefix="negbench-", buffering=0)


def _laid(scenarios: Mapping[str, Scenario], file: IO[bytes]) -> Shared:
    arrays: list[pickle.PickleBuffer] = []
    for scenario in scenarios.values():
        scenario.warm()
    content = pickle.dumps(dict(scenarios), protocol=5, buffer_callback=arrays.append)
    spans, end = [], 0
    for array in arrays:
        raw = array.raw()
        spans.append((end, end + raw.nbytes))
        end += _write(file, raw) + _write(file, memoryview(bytes(-raw.nbytes % ALIGNED)))
    _write(file, memoryview(bytes(ALIGNED)))  # a file of nothing cannot be mapped
    nameless = f"/proc/{os.getpid()}/fd/{file.fileno()}"
    return Shared(content, nameless if OPEN.is_dir() else str(file.name), tuple(spans))


def _write(file: IO[bytes], raw: memoryview) -> int:
    """All of it, however the system parts it; how many bytes that were."""
    done = 0
    while done < raw.nbytes:
        done += file.write(raw[done:])
    return done
