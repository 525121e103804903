"""The probes of a cell, their record, and their metrics pooled over epochs."""

from collections.abc import Mapping, Sequence
from typing import Any

from negbench.ops.axes import UserValues
from negbench.probes.closed_form import closed_form
from negbench.probes.hardness import HARD
from negbench.probes.held_out import knows_every_pair
from negbench.probes.monitor import FULL, SAMPLE, Monitor
from negbench.probes.negative_log import NegativeLog
from negbench.probes.own_probe import OwnProbe, means_of_own
from negbench.probes.probe_words import probe_words
from negbench.probes.row_counts import SUMS
from negbench.protocol.context import TrainContext
from negbench.protocol.interfaces import Method, Probe
from negbench.scenario.scenario import Scenario

COUNTED = ("fn", "fhn", "tn", "fj", "fr")
COUNTS = tuple(f"{part}_{name}" for part in COUNTED for name in SUMS)
"""Counts that a record sums over a whole training: a rate's interval follows from them."""
POOLED = {
    "fnr": "fn_total",
    "fnr_drawn": "fn_total",
    "fnr_expected": "fn_total",
    "hard": "ranked",
    "fhnr": "fhn_total",
    "tnr": "tn_total",
    "tnr_expected": "tn_total",
    "fnr_judged": "fj_total",
    "fnr_random": "fr_total",
    "planted_rate": "planted_total",
    "planted_expected": "planted_total",
    "planted_weight": "planted_total",
    "planted_auc": "planted_total",
}
"""Metrics that a record holds for a whole training, and the count that weights each epoch."""
LIFTS = {
    "fnr_lift": ("fnr", "fnr_expected"),
    "tnr_lift": ("tnr", "tnr_expected"),
    "planted_lift": ("planted_rate", "planted_expected"),
}


def probes_of(asked: str, log: int, scenario: Scenario, context: TrainContext) -> list[Probe]:
    """The probes of a cell: the monitor by its mode, a log of `log` negatives, and plug-ins'."""
    words = probe_words(asked)
    probes: list[Probe] = []
    if words.mode != "off":
        probes.append(Monitor(scenario, context, FULL if words.mode == "full" else SAMPLE))
    if log:
        probes.append(NegativeLog(log, context))
    return [*probes, *(OwnProbe.of(term, scenario, context) for term in words.own)]


def probe_record(asked: str, log: int, plant: float, scenario: Scenario) -> dict[str, Any]:
    """The settings of the probes for a cell's record."""
    words, exact = probe_words(asked), knows_every_pair(scenario)
    own = {"own": list(map(str, words.own))} if words.own else {}
    settings = {"exact": exact, "hard": round(1 - HARD, 6), "planted": plant, "log": log}
    return {"mode": words.mode, **settings, **own}


def closed_form_rate(
    probes: Sequence[Probe], method: Method, rows: UserValues, *, of_pairs: bool
) -> dict[str, float]:
    """`fnr_closed`, the false-negative rate of the method in closed form; empty if not known.

    `rows` [U] are the rows of each user in an epoch, `of_pairs` says that batches are train pairs.
    """
    monitor = next((probe for probe in probes if isinstance(probe, Monitor)), None)
    if monitor is None:
        return {}
    rate = closed_form(method, monitor.context, monitor.held_out, rows, of_pairs=of_pairs)
    return {} if rate is None else {"fnr_closed": rate}


def pooled(rows: Sequence[Mapping[str, float]], best_epoch: int) -> dict[str, float]:
    """Metrics over the epochs of the kept weights, 1 to `best_epoch`, weighted by counts.

    Those of plug-ins are plain means of the epochs.
    """
    trained = [row for row in rows if row["epoch"] <= best_epoch]
    metrics: dict[str, float] = {}
    for name, count in POOLED.items():
        known = [(row[name], row[count]) for row in trained if {name, count} <= row.keys()]
        total = sum(n for _, n in known)
        if total:
            metrics[name] = sum(value * n for value, n in known) / total
    for name, (part, whole) in LIFTS.items():
        if metrics.get(whole):
            metrics[name] = metrics[part] / metrics[whole]
    for name in COUNTS:
        if any(name in row for row in trained):
            metrics[name] = sum(row.get(name, 0.0) for row in trained)
    return metrics | means_of_own(trained)
