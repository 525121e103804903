"""The validation value of a cell: what the selection of a search may know of it."""

import math

from negbench.evaluation.metric_names import parse_metrics
from negbench.storage.cell_store import Cell
from negbench.storage.training_end import WARM_UP_ONLY, before_phase


def validation_value(cell: Cell, select: str) -> float | None:
    """The value of the metric `select` on the validation part; None where a trial failed.

    A training that never reached its method's own phase is no trial of this method: it failed too.
    """
    if not cell.done or failure(cell):
        return None
    ((name, k),) = parse_metrics(select)
    for line in cell.record["metrics"]:
        if (line["split"], line["metric"], int(line["k"]), line["band"]) == (
            "valid",
            name,
            k,
            "all",
        ):
            value = math.nan if line["value"] is None else float(line["value"])  # JSON has no NaN
            return value if math.isfinite(value) else None
    return None


def failure(cell: Cell) -> str:
    """Why a trial counts as failed; empty where it does not."""
    if not cell.done:
        return str(cell.record.get("reason", ""))
    return WARM_UP_ONLY if before_phase(cell.record.get("fit") or {}) else ""
