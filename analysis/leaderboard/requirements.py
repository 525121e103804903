"""What a run must be to stand on a leaderboard: whole, as recorded, and of its block's budget.

Split, bands, exclusion, ranking and tuning are compared when runs are opened as one
(`runs/comparability.py`); here what a leaderboard asks for beyond a table.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from negbench.errors import UserError
from negbench.evaluation.metric_kernels import mean_of_users
from negbench.evaluation.metric_names import METRICS, Metric

from ..runs import frames
from ..runs.frames import REFERENCE, Run
from ..runs.ranked_cells import RankedCell
from ..tables.footnotes import BUDGET

TOLERANCE = 1e-5
"""Per-user values are kept in single precision."""
Budget = tuple[tuple[str, Any], ...]


def require_whole(run: Run) -> None:
    """Raises UserError with the first file of a run that is damaged."""
    if problems := frames.inspect(run):
        more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
        raise UserError(f"a run on a leaderboard must be whole: {problems[0]}{more}")


def require_recorded(run: Run, metrics: Sequence[Metric]) -> None:
    """Refuse cells whose record says other means than their users or their ranks have.

    Raises UserError with the first such value.
    """
    for cell, _ in run.done:
        for line in cell.record["metrics"]:
            metric = Metric(line["metric"], line["k"])
            if line["split"] == "test" and metric in metrics and metric.name in METRICS:
                _require_value(cell, metric, str(line["band"]), line["value"])


def _require_value(cell: RankedCell, metric: Metric, band: str, value: float | None) -> None:
    own = np.nan if value is None else float(value)
    kept = cell.arrays(f"{metric}/{band}").get(f"{metric}/{band}")
    ranked = cell.by_band("test", metric).get(band) if cell.ranked else None
    for where, values in (("the values of its users", kept), ("its ranks", ranked)):
        if values is not None:
            mean = mean_of_users(np.asarray(values, np.float32))
            if not np.isclose(own, mean, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
                raise UserError(
                    f"a cell must say what its arrays hold; {cell.folder} records {metric} on "
                    f"{band} as {own:.6f}, and {where} give {mean:.6f}; run it again"
                )


def require_one_budget(runs: Mapping[str, Run]) -> None:
    """Refuse a run that trained a block under another budget than the runs before it.

    `runs` are by the word that names each. Raises UserError with the first setting that differs.
    """
    before: dict[tuple[str, str], tuple[str, set[Budget]]] = {}
    for name, run in runs.items():
        for where, budgets in _budgets(run).items():
            first, known = before.setdefault(where, (name, budgets))
            for budget in budgets - known:
                setting, value, other = _difference(budget, known)
                raise UserError(
                    f"rows of a leaderboard must have one budget in a block; {name} has {setting} "
                    f"{value} on {' with '.join(where)}, where {first} has {other}; run it again "
                    f"with {other}, or give it a leaderboard of its own"
                )


def _budgets(run: Run) -> dict[tuple[str, str], set[Budget]]:
    """The budgets of each data set and backbone."""
    budgets: dict[tuple[str, str], set[Budget]] = {}
    for cell, _ in run.done:
        if cell.spec["backbone"] != REFERENCE:
            parts = {**(cell.spec.get("backbone_config") or {}), **(cell.spec.get("train") or {})}
            where = (str(cell.spec["dataset"]), cell.backbone)
            own = tuple((name, parts.get(name)) for name in BUDGET)
            budgets.setdefault(where, set()).add(own)
    return budgets


def _difference(budget: Budget, known: Iterable[Budget]) -> tuple[str, Any, Any]:
    """The first setting in which a budget differs from the nearest of the known ones."""

    def apart(other: Budget) -> list[tuple[str, Any, Any]]:
        pairs = zip(budget, other, strict=True)
        return [(name, value, known) for (name, value), (_, known) in pairs if value != known]

    return min(map(apart, sorted(known, key=repr)), key=len)[0]
