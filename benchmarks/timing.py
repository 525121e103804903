"""Timing of a function: the median rate of repeats that are each long enough to measure."""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

Timed = Callable[[Callable[[], int]], "Rate"]
"""Times a function that returns how many units it did."""
LEAST = 0.3
"""Seconds that a repeat should take."""


@dataclass(frozen=True)
class Rate:
    """Units a second of CPU time and of wall time; medians of repeats."""

    cpu: float
    """On the threads that the caller has set: one."""
    wall: float
    repeats: int
    spread: float
    """(greatest - least) / median of the CPU rate."""
    wall2: float = 0.0
    """By the clock on two threads, where requested."""


def rate(work: Callable[[], int], repeats: int = 5, least: float = LEAST) -> Rate:
    """Units a second of `work`, which returns how many units it did; called once to warm up."""
    work()
    rates = [_repeat(work, least) for _ in range(repeats)]
    cpu, wall = ([one[at] for one in rates] for at in (0, 1))
    middle = statistics.median(cpu)
    return Rate(middle, statistics.median(wall), repeats, (max(cpu) - min(cpu)) / middle)


def on_two(work: Callable[[], int], repeats: int = 5, least: float = LEAST) -> Rate:
    """`rate`, and by the clock on two threads."""
    one_thread, threads = rate(work, repeats, least), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        return replace(one_thread, wall2=rate(work, repeats, least).wall)
    finally:
        torch.set_num_threads(threads)


def _repeat(work: Callable[[], int], least: float) -> tuple[float, float]:
    gc.collect()
    done, cpu, wall = 0, time.process_time(), time.perf_counter()
    while True:
        done += work()
        spent = time.process_time() - cpu
        if spent >= least:
            return done / spent, done / (time.perf_counter() - wall)
