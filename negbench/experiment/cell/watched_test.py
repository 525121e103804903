"""The test metric after each validated epoch: it shows what a best epoch chosen on test would gain.

Nothing reads it for a choice. The training loop does not know of it: it is measured by the listener
of epochs, after early stopping has decided about the epoch, so neither the epoch that is kept nor
the end of training can depend on it. It draws from no stream of the training, and its time is in no
total.
"""

from collections.abc import Callable, Mapping

from negbench.evaluation.finite_scores import NotFinite
from negbench.evaluation.full_ranking import metric_at
from negbench.evaluation.metric_names import Metric, parse_metric
from negbench.evaluation.model_scorer import ModelScorer
from negbench.scenario.scenario import Scenario
from negbench.training.fit import Fit

START = "test_"
"""The column is this and the metric that early stopping reads on validation: `test_ndcg@20`."""
CLOCK = "watched_test"
"""The name of its seconds in a record."""
OnEpoch = Callable[[Mapping[str, float]], None]


def logging_test(
    fit: Fit, scenario: Scenario, on_epoch: OnEpoch | None = None, average: str = "users"
) -> OnEpoch:
    """A listener that adds the test metric to the row of each validated epoch, then calls this one.

    An epoch whose scores cannot be ranked has no value.
    """
    metric = fit.config.select
    select = parse_metric(metric)

    def log(row: Mapping[str, float]) -> None:
        if f"valid_{metric}" in row:
            with fit.clock.apart(CLOCK):
                value = _of_test(fit, scenario, select, average)
            if value is not None:
                fit.progress.rows[-1][f"{START}{metric}"] = value
        if on_epoch is not None:
            on_epoch(row)

    return log


def _of_test(fit: Fit, scenario: Scenario, metric: Metric, average: str) -> float | None:
    history, transform = scenario.history("test"), fit.method.transform
    scorer = ModelScorer.of(fit.backbone, fit.context, history, transform)
    target, seen = scenario.split.test, scenario.masked("test")
    try:
        return metric_at(scorer, target, seen, metric, average=average, device=fit.context.device)
    except NotFinite:  # it must not end a training that would go on without it
        return None
