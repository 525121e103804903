"""The test metric after each validated epoch: it shows what a best epoch chosen on test would gain.

Nothing reads it for a choice. The training loop does not know of it: it is measured by the listener
of epochs, after early stopping has decided about the epoch, so neither the epoch that is kept nor
the end of training can depend on it. It draws from no stream of the training, and its time is in no
total.
"""

from collections.abc import Callable, Mapping

from negbench.evaluation.finite_scores import NotFinite
from negbench.evaluation.full_ranking import metric_at
from negbench.evaluation.index_scorer import scorer_of
from negbench.evaluation.metric_names import Metric, parse_metric
from negbench.experiment.cell.spec import CellSpec
from negbench.scenario.scenario import Scenario
from negbench.training.fit import Fit

START = "test_"
"""The column is this and the metric that early stopping reads on validation: `test_ndcg@20`."""
CLOCK = "watched_test"
"""The name of its seconds in a record."""
OnEpoch = Callable[[Mapping[str, float]], None]


def logging_test(fit: Fit, scenario: Scenario, on_epoch: OnEpoch | None, spec: CellSpec) -> OnEpoch:
    """A listener that adds the test metric to the row of each validated epoch, then calls this one.

    An epoch whose scores cannot be ranked has no value.
    """
    metric = fit.config.select
    select = parse_metric(metric)

    def log(row: Mapping[str, float]) -> None:
        if f"valid_{metric}" in row:
            with fit.clock.apart(CLOCK):
                value = _of_test(fit, scenario, select, spec)
            if value is not None:
                fit.progress.rows[-1][f"{START}{metric}"] = value
        if on_epoch is not None:
            on_epoch(row)

    return log


def _of_test(fit: Fit, scenario: Scenario, metric: Metric, spec: CellSpec) -> float | None:
    history, transform = scenario.history("test"), fit.method.transform
    pairs = scenario.split.test, scenario.masked("test")
    try:
        scorer = scorer_of(fit.backbone, fit.context, transform, spec.ranking, history)
        return metric_at(scorer, *pairs, metric, average=spec.average, device=fit.context.device)
    except NotFinite:  # it must not end a training that would go on without it
        return None
