"""Budgets: whether each cell's training came to its end, and was the method it is named after.

    capped        the budget (epochs, time limit) ended training within patience of the best epoch
    before phase  the weights kept are of an epoch before the method's own phase began
    warm-up only  no kept weights of the row come from its method's own phase

A method's own phase begins after its warm-up, ramp or first stage (`Phases` of the protocol).
Records of older versions do not hold it: those cells are counted in `unrecorded`.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from negbench.storage.cell_store import Cell
from negbench.storage.training_end import before_phase, capped

from ..runs import frames
from ..runs.frames import REFERENCE, ROW, Run

COUNTS = ["cells", "capped", "before_phase", "unvalidated", "unrecorded"]


def budget(run: Run) -> pd.DataFrame:
    """One line a row of finished, trained cells: the counts, `warm_up_only`, and the phase.

    `phase` is what works from epoch `begins` on ("" and 0 where the method has no schedule), and
    `epochs` the most epochs that a cell of the row trained.
    """
    frame = frames.repeated(run, [1] * sum(1 for _ in run.done))
    cells = pd.DataFrame([_of_cell(cell) for cell, _ in run.done], columns=list(_BLANK))
    frame = pd.concat([frame, cells], axis=1)
    rows = frame[frame["kind"] != REFERENCE].groupby(ROW, as_index=False, sort=False)
    lines = rows.agg(
        **{name: (name, "sum") for name in COUNTS},
        **{name: (name, "max") for name in ("phase", "begins", "epochs")},
    )
    lines["warm_up_only"] = lines["before_phase"] == lines["cells"]
    return lines


def warm_up_rows(run: Run) -> set[tuple[str, str, str]]:
    """Data set, backbone and row of what is warm-up only: tested against nothing, never ranked."""
    lines = budget(run)
    only = lines.loc[lines["warm_up_only"].astype(bool), ["dataset", "backbone", "row"]]
    return set(only.itertuples(index=False, name=None))


_BLANK: dict[str, Any] = {
    "cells": 1,
    "capped": False,
    "before_phase": False,
    "unvalidated": False,
    "unrecorded": False,
    "phase": "",
    "begins": 0,
    "epochs": 0,
}


def _of_cell(cell: Cell) -> dict[str, Any]:
    fit: Mapping[str, Any] = cell.record.get("fit") or {}
    phase = fit.get("phase") or {}
    phase = phase if isinstance(phase, Mapping) else {}
    return _BLANK | {
        "capped": capped(fit, cell.spec.get("train") or {}),
        "before_phase": before_phase(fit),
        "unvalidated": not (cell.record.get("split") or {}).get("valid", 1),
        "unrecorded": "phase" not in fit,
        "phase": phase.get("name", ""),
        "begins": phase.get("begins", 0),
        "epochs": fit.get("epochs", 0),
    }
