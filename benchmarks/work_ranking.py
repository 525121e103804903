"""Full ranking of every item with train masked: as validation does it, and as a cell ends."""

from collections.abc import Iterator
from typing import Any

import torch
from bounds import Bounds, D
from timing import Timed

from negbench.data.interactions import Csr
from negbench.evaluation.full_ranking import block_size, evaluate, metric_at
from negbench.evaluation.metric_names import parse_metrics
from negbench.evaluation.model_scorer import ModelScorer
from negbench.experiment.cell.run import LIST_DEPTH, prepare_fit
from negbench.experiment.cell.spec import CellSpec
from negbench.scenario.scenario import Scenario

METRICS = "recall,ndcg,hit,mrr,map,precision@10,20"
WHY = (
    "the bound is the scores alone: the first 20 of each user are not",
    "the bound is the scores alone: each target is held against every score of its user, and the "
    "first 100 are found",
)
"""What else takes the time, of validation and at the end of a cell."""


def ranking(scenario: Scenario, bounds: Bounds, timed: Timed) -> Iterator[dict[str, Any]]:
    """Users a second: the metric of early stopping, and the lists, ranks and metrics of a cell."""
    fit = prepare_fit(CellSpec("bench", "mf", "random", probe="off"), scenario, torch.device("cpu"))
    scorer = ModelScorer.of(fit.backbone, fit.context, scenario.split.train, None)
    metrics = parse_metrics(METRICS)
    target = some_users(scenario.split.test, 64 * block_size(scenario.split.n_items))
    n, pairs = int((target.lengths > 0).sum()), (target, scenario.seen)

    def validated() -> int:
        metric_at(scorer, *pairs)
        return n

    def ended() -> int:
        evaluate(scorer, *pairs, bands=scenario.bands, metrics=metrics, depth=LIST_DEPTH)
        return n

    cases = {"ndcg@20 alone": validated, "top 100, all ranks and metrics": ended}
    for why, (case, work) in zip(WHY, cases.items(), strict=True):
        speed = timed(work)
        yield {
            "what": "ranking",
            "case": case,
            "unit": "users",
            "cpu": speed.cpu,
            "wall": speed.wall,
            "wall2": speed.wall2,
            "spread": speed.spread,
            "bound": bounds.gemm / (scenario.split.n_items * D) / speed.cpu,
            "why": why,
        }


def some_users(target: Csr, n: int) -> Csr:
    """The pairs of the first n users who have any."""
    rows = target.rows
    kept = rows < (rows[-1] + 1 if len(set(rows[:n])) < n else rows[0] + n)
    return Csr.of(
        rows[kept], target.indices[kept], n_rows=target.n_rows, n_columns=target.n_columns
    )
