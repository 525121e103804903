"""Seconds of a piece of work on a device, and a deadline that may break it off."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

import torch

T = TypeVar("T")


class OutOfTime(BaseException):
    """The deadline has passed; no `Exception`, for work that is timed may catch those."""


class Stopwatch:
    """CPU seconds where one thread works on the CPU, as other work beside it does not lengthen
    those; else wall seconds.
    """

    def __init__(self, device: torch.device, threads: int) -> None:
        """For work on this device with so many threads."""
        self.device = device
        self.read = time.process_time if device.type == "cpu" and threads == 1 else _wall

    def time(self, work: Callable[[], object]) -> float:
        """The seconds of one call."""
        started = self.now()
        work()
        return self.now() - started

    def now(self) -> float:
        """Seconds since some fixed moment; a GPU ends its work first."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return self.read()


def _wall() -> float:
    return time.perf_counter()


class Deadline:
    """The moment at which an estimate must be done; `seconds` of 0 is no deadline."""

    def __init__(self, seconds: float) -> None:
        """So many seconds from `start` on."""
        self.seconds = seconds
        self.end: float | None = None

    def start(self) -> None:
        """Start the time, unless it runs already."""
        if self.seconds and self.end is None:
            self.end = time.monotonic() + self.seconds

    def require(self) -> None:
        """Raises OutOfTime if the moment has passed."""
        if self.end is not None and time.monotonic() >= self.end:
            raise OutOfTime

    @contextmanager
    def breaking_off(self) -> Iterator[None]:
        """Break off the block with OutOfTime when the moment comes: a refresh may train a network.

        Outside the main thread, and where the system has no such alarm, the block ends first.
        """
        self.require()
        alarm = getattr(signal, "setitimer", None)
        if self.end is None or alarm is None or not _in_main_thread():
            yield
            return
        before = signal.signal(signal.SIGALRM, _raise)
        try:
            alarm(signal.ITIMER_REAL, max(1e-3, self.end - time.monotonic()))
            yield
        finally:
            alarm(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _raise(number: int, frame: FrameType | None) -> None:
    raise OutOfTime
