"""Scenarios in shared memory: prepared once, and mapped into every worker process.

The arrays lie in one unnamed file (a named one, where the system has no /proc), which the workers
map copy-on-write: pages that nobody writes to exist once. Everything else is pickled.
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

from negbench.experiment.cell.spec import ScenarioKey
from negbench.scenario.scenario import Scenario

OPEN = Path("/proc/self/fd")
ALIGNED = 64


@dataclass(frozen=True)
class Shared:
    """Scenarios for child processes: their pickle, and the file that holds their arrays."""

    content: bytes
    """The pickled scenarios without their arrays: from the parent process, never from a file."""
    path: str
    spans: tuple[tuple[int, int], ...]
    """Begin and end of every array, in bytes."""

    def open(self) -> dict[ScenarioKey, Scenario]:
        """The scenarios by key, their arrays memory-mapped."""
        memory = np.memmap(self.path, np.uint8, mode="c")
        buffers = [memory[begin:end] for begin, end in self.spans]
        scenarios: dict[ScenarioKey, Scenario] = pickle.loads(self.content, buffers=buffers)
        return scenarios


@contextmanager
def shared(scenarios: Mapping[ScenarioKey, Scenario]) -> Iterator[Shared | None]:
    """Share scenarios while the block lasts; None where there is no room for the file."""
    with ExitStack() as stack:
        try:
            memory = _write_all(scenarios, stack.enter_context(_file()))
        except OSError:
            memory = None
        yield memory


def _file() -> IO[bytes]:
    """A temporary file that is deleted with this process, even a killed one where /proc exists.

    Unbuffered: one that could not be filled is closed without another try.
    """
    if OPEN.is_dir():
        return tempfile.TemporaryFile(prefix="negbench-", buffering=0)
    return tempfile.NamedTemporaryFile(prefix="negbench-", buffering=0)


def _write_all(scenarios: Mapping[ScenarioKey, Scenario], file: IO[bytes]) -> Shared:
    arrays: list[pickle.PickleBuffer] = []
    for scenario in scenarios.values():
        scenario.build_caches()
    content = pickle.dumps(dict(scenarios), protocol=5, buffer_callback=arrays.append)
    spans, end = [], 0
    for array in arrays:
        raw = array.raw()
        spans.append((end, end + raw.nbytes))
        end += _write(file, raw) + _write(file, memoryview(bytes(-raw.nbytes % ALIGNED)))
    _write(file, memoryview(bytes(ALIGNED)))  # an empty file cannot be mapped
    nameless = f"/proc/{os.getpid()}/fd/{file.fileno()}"
    return Shared(content, nameless if OPEN.is_dir() else str(file.name), tuple(spans))


def _write(file: IO[bytes], raw: memoryview) -> int:
    """Write all bytes, in as many calls as the system needs; return how many they are."""
    done = 0
    while done < raw.nbytes:
        done += file.write(raw[done:])
    return done
