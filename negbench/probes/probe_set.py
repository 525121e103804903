"""The probes of a cell, their record, and their metrics pooled over epochs."""

from collections.abc import Mapping, Sequence
from typing import Any

from negbench.probes.hardness import HARD
from negbench.probes.monitor import FULL, SAMPLE, Monitor
from negbench.probes.negative_log import NegativeLog
from negbench.protocol.context import TrainContext
from negbench.protocol.interfaces import Probe
from negbench.scenario.scenario import Scenario

MODES = ("sample", "full", "off")
"""Values of `--probe`."""
POOLED = {
    "fnr": "watched",
    "fnr_drawn": "watched",
    "fnr_expected": "watched",
    "hard": "watched",
    "fhnr": "hard_watched",
    "planted_rate": "watched",
    "planted_expected": "watched",
    "planted_weight": "watched",
    "planted_auc": "watched",
}
"""Metrics that a record holds for a whole training, and the count that weights each epoch."""
LIFTS = {
    "fnr_lift": ("fnr", "fnr_expected"),
    "planted_lift": ("planted_rate", "planted_expected"),
}


def probes_of(mode: str, log: int, scenario: Scenario, context: TrainContext) -> list[Probe]:
    """The probes of a cell: the monitor by `mode`, and a log of `log` negatives."""
    probes: list[Probe] = []
    if mode != "off":
        probes.append(Monitor(scenario, context, FULL if mode == "full" else SAMPLE))
    if log:
        probes.append(NegativeLog(log, context))
    return probes


def probe_record(mode: str, log: int, plant: float, scenario: Scenario) -> dict[str, Any]:
    """The settings of the probes for a cell's record."""
    exact = scenario.interactions.truth is not None
    return {"mode": mode, "exact": exact, "hard": round(1 - HARD, 6), "planted": plant, "log": log}


def pooled(rows: Sequence[Mapping[str, float]], best_epoch: int) -> dict[str, float]:
    """Metrics over the epochs of the kept weights, 1 to `best_epoch`, weighted by counts."""
    trained = [row for row in rows if row["epoch"] <= best_epoch]
    metrics: dict[str, float] = {}
    for name, count in POOLED.items():
        known = [(row[name], row[count]) for row in trained if name in row]
        total = sum(n for _, n in known)
        if total:
            metrics[name] = sum(value * n for value, n in known) / total
    for name, (part, whole) in LIFTS.items():
        if metrics.get(whole):
            metrics[name] = metrics[part] / metrics[whole]
    return metrics
