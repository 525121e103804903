"""Full ranking of every item with train masked, top 20, with all metrics and bands."""

from collections.abc import Iterator
from typing import Any

import torch
from bounds import Bounds, D
from timing import Timed

from negbench.data.interactions import Csr
from negbench.evaluation.full_ranking import block_size, evaluate
from negbench.evaluation.metric_names import parse_metrics
from negbench.evaluation.model_scorer import ModelScorer
from negbench.experiment.cell.run import prepare_fit
from negbench.experiment.cell.spec import CellSpec
from negbench.scenario.scenario import Scenario

METRICS = "recall,ndcg,hit,mrr,map,precision@10,20"
WHY = (
    "the bound is the scores alone: the first 20 of each user, and the metrics by band, are not",
    "the bound is the scores alone: each target is held against every score of its user",
)
"""What else takes the time, without ranks and with them."""


def ranking(scenario: Scenario, bounds: Bounds, timed: Timed) -> Iterator[dict[str, Any]]:
    """Users a second, with every metric on every band; ranks of all targets in the second row."""
    fit = prepare_fit(CellSpec("bench", "mf", "random", probe="off"), scenario, torch.device("cpu"))
    scorer = ModelScorer.of(fit.backbone, fit.context, scenario.split.train, None)
    metrics = parse_metrics(METRICS)
    target = some_users(scenario.split.test, 64 * block_size(scenario.split.n_items))
    for ranks in (False, True):

        def work(ranks: bool = ranks) -> int:
            seen = evaluate(
                scorer, target, scenario.seen, bands=scenario.bands, metrics=metrics, ranks=ranks
            )
            return len(seen.users)

        speed = timed(work)
        yield {
            "what": "ranking",
            "case": "top 20, all metrics" + (" and ranks" if ranks else ""),
            "unit": "users",
            "cpu": speed.cpu,
            "wall": speed.wall,
            "wall2": speed.wall2,
            "spread": speed.spread,
            "bound": bounds.gemm / (scenario.split.n_items * D) / speed.cpu,
            "why": WHY[ranks],
        }


def some_users(target: Csr, n: int) -> Csr:
    """The pairs of the first n users who have any."""
    rows = target.rows
    kept = rows < (rows[-1] + 1 if len(set(rows[:n])) < n else rows[0] + n)
    return Csr.of(
        rows[kept], target.indices[kept], n_rows=target.n_rows, n_columns=target.n_columns
    )
