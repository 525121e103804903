"""Which probes a cell has, and what the epochs they watched come to."""

from collections.abc import Mapping, Sequence
from typing import Any

from negbench.probes.hardness import HARD
from negbench.probes.monitor import FULL, SAMPLE, Watch
from negbench.probes.negative_log import Reservoir
from negbench.protocol.context import TrainContext
from negbench.protocol.interfaces import Probe
from negbench.scenario.scenario import Scenario

MODES = ("sample", "full", "off")
"""What `--probe` takes."""
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
"""Figures that a record keeps for a whole training, and the count that each rests on."""
LIFTS = {
    "fnr_lift": ("fnr", "fnr_expected"),
    "planted_lift": ("planted_rate", "planted_expected"),
}


def probes_of(mode: str, log: int, scenario: Scenario, context: TrainContext) -> list[Probe]:
    """The probes that a cell asks for."""
    probes: list[Probe] = []
    if mode != "off":
        probes.append(Watch(scenario, context, FULL if mode == "full" else SAMPLE))
    if log:
        probes.append(Reservoir(log, context))
    return probes


def told(mode: str, log: int, plant: float, scenario: Scenario) -> dict[str, Any]:
    """What a record says of its probes."""
    exact = scenario.interactions.truth is not None
    return {"mode": mode, "exact": exact, "hard": round(1 - HARD, 6), "planted": plant, "log": log}


def pooled(rows: Sequence[Mapping[str, float]], best_epoch: int) -> dict[str, float]:
    """The figures over the epochs that made the kept weights: 1 to `best_epoch`."""
    made = [row for row in rows if row["epoch"] <= best_epoch]
    found: dict[str, float] = {}
    for name, count in POOLED.items():
        known = [(row[name], row[count]) for row in made if name in row]
        total = sum(n for _, n in known)
        if total:
            found[name] = sum(value * n for value, n in known) / total
    for name, (part, whole) in LIFTS.items():
        if found.get(whole):
            found[name] = found[part] / found[whole]
    return found
