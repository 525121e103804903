"""How the training of a cell ended, by its record: also by one of an older version."""

from collections.abc import Mapping
from typing import Any

STILL_RISING = "still rising when the budget ended"
"""The words for a capped cell, the same in every output."""
WARM_UP_ONLY = "warm-up only"
"""The words for a cell that never was the method that it is named after."""


def capped(fit: Mapping[str, Any], train: Mapping[str, Any]) -> bool:
    """Whether the budget (epochs, time limit) ended training before patience could.

    `fit` is that entry of a record, `train` the budget of its spec. The best epoch then lies within
    patience of the last one, so more epochs might have been better.
    """
    if "capped" in fit:
        return bool(fit["capped"])
    if fit.get("stopped") not in ("epochs", "time limit") or fit.get("best_valid") is None:
        return False
    try:
        waited = fit["epochs"] - fit["best_epoch"]
        return bool(waited < train["patience"] * train["eval_every"])
    except (KeyError, TypeError):
        return False


def before_phase(fit: Mapping[str, Any]) -> bool:
    """Whether the weights kept are of an epoch before the method's own phase; False if unknown."""
    phase = fit.get("phase")
    return isinstance(phase, Mapping) and not phase.get("kept")


def kept_from(fit: Mapping[str, Any]) -> int:
    """The first epoch that the weights kept were chosen among; 1 unless a phase was reached."""
    phase = fit.get("phase")
    if not isinstance(phase, Mapping) or not phase.get("kept"):
        return 1
    return int(phase.get("begins", 1))


def phase_record(name: str, begins: int, best_epoch: int, epochs: int) -> dict[str, Any]:
    """The entry `phase` of a record's `fit`: whether the own phase was reached, and kept from."""
    kept = best_epoch >= begins
    return {"name": name, "begins": begins, "reached": epochs >= begins, "kept": kept}
