"""Wall and CPU seconds of a cell by kind of work, and its peak memory."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

KINDS = ("sampling", "scoring", "update", "probes", "evaluation")


class Clock:
    """Adds the time since the last mark to the kind of work that has just ended.

    CPU seconds are those of all threads together. On a GPU the kinds are what the host waited for:
    kernels run on after the call returns. Time of no kind is in the total alone; what is counted
    `apart` is not in it.
    """

    def __init__(self) -> None:
        """Start the clock."""
        self.wall = dict.fromkeys((*KINDS, "total"), 0.0)
        self.cpu = dict.fromkeys((*KINDS, "total"), 0.0)
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def start(self) -> None:
        """Count the time since the last mark for no kind of work."""
        wall, cpu = time.perf_counter(), time.process_time()
        self.wall["total"] += wall - self._wall
        self.cpu["total"] += cpu - self._cpu
        self._wall, self._cpu = wall, cpu

    def mark(self, kind: str) -> None:
        """Count the time since the last mark for this kind of work."""
        wall, cpu = self._wall, self._cpu
        self.start()
        self.wall[kind] += self._wall - wall
        self.cpu[kind] += self._cpu - cpu

    @contextmanager
    def apart(self, kind: str) -> Iterator[None]:
        """Count the time of a `with` block for this kind alone, outside the total."""
        self.start()
        try:
            yield
        finally:
            wall, cpu = self._wall, self._cpu
            self._wall, self._cpu = time.perf_counter(), time.process_time()
            self.wall[kind] = self.wall.get(kind, 0.0) + self._wall - wall
            self.cpu[kind] = self.cpu.get(kind, 0.0) + self._cpu - cpu

    def state(self) -> dict[str, dict[str, float]]:
        """The seconds so far, for a record or a checkpoint."""
        return {"wall": dict(self.wall), "cpu": dict(self.cpu)}

    def restore(self, state: dict[str, dict[str, float]]) -> None:
        """Restore the seconds from a checkpoint."""
        self.wall.update(state["wall"])
        self.cpu.update(state["cpu"])


def reset_peak(device: torch.device) -> None:
    """Reset the peak memory where the system can (Linux, CUDA)."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak_mb(device: torch.device) -> float:
    """Peak memory in MiB since the reset: the GPU's, else the process's resident set."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    unit = 2**20 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
