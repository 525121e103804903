"""Medians of repeats in CPU-seconds and by the clock, printed as one line of JSON."""

import json
import statistics
import time


def timed(empty, work, units, repeats):
    """Units a second of `work` less `empty` (a run without the work, or None)."""
    cpu, wall = [], []
    for _ in range(repeats):
        spent = [(0.0, 0.0), (0.0, 0.0)]
        for at, do in enumerate((empty, work)):
            if do is not None:
                c, w = time.process_time(), time.perf_counter()
                do()
                spent[at] = time.process_time() - c, time.perf_counter() - w
        cpu.append(spent[1][0] - spent[0][0])
        wall.append(spent[1][1] - spent[0][1])
    return {"cpu": units / statistics.median(cpu), "wall": units / statistics.median(wall)}


def say(peer, case, unit, found):
    """One row for `compare.py`."""
    print(json.dumps({"peer": peer, "case": case, "unit": unit, **found}), flush=True)
