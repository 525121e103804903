"""Rows whose method trains without negatives: rates and hardness do not apply to them."""

from negbench.storage.cell_store import Cell

from ..number_format import listed
from .frames import REFERENCE, Run


def rows_without(run: Run, dataset: str, backbone: str | None = None) -> list[str]:
    """The rows of a data set, and of a backbone, none of whose finished cells used any."""
    used: dict[str, bool] = {}
    for cell, row in run.done:
        here = cell.spec["dataset"] == dataset and backbone in (None, cell.backbone)
        if here and cell.backbone != REFERENCE:
            used[row] = used.get(row, False) or _may_use(cell)
    return sorted(row for row, any_used in used.items() if not any_used)


def not_shown(run: Run, dataset: str, backbone: str) -> str:
    """One sentence for the caption of a figure of negatives; "" where every row has some."""
    rows = rows_without(run, dataset, backbone)
    if not rows:
        return ""
    use, are = ("uses", "is") if len(rows) == 1 else ("use", "are")
    return f"{listed(rows)} {use} no negatives and {are} not shown."


def how_to_get_some(run: Run) -> str:
    """The remedy where a figure finds nothing: negatives, or a probe that looks at them."""
    methods = [cell for cell, _ in run.done if cell.backbone != REFERENCE]
    if methods and not any(map(_may_use, methods)):
        return "its methods use no negatives, so run it with one that does, as random"
    return "run it with --probe sample"


def _may_use(cell: Cell) -> bool:
    """False only where the record counts the rows trained on, and no negative for any of them."""
    fit = cell.record.get("fit") or {}
    return not (fit.get("rows") and fit.get("negatives") == 0)
