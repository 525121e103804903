"""The metrics that stand in a table when nobody names any: the one of the run, and recall."""

from negbench.evaluation.metric_names import Metric

from ..runs import frames
from ..runs.frames import Run
from .main_table_values import MetricColumn


def with_recall(run: Run, metric: Metric) -> tuple[MetricColumn, ...]:
    """Recall at the same K where the run measured it, then the metric."""
    results = frames.results(run)
    measured = bool(((results["metric"] == "recall") & (results["k"] == metric.k)).any())
    recall = MetricColumn(Metric("recall", metric.k), "all")
    return (*((recall,) * (measured and metric.name != "recall")), MetricColumn(metric, "all"))
