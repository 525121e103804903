"""MLflow: an experiment for each run folder, in it a run for each cell.

The store is what MLFLOW_TRACKING_URI names, else files in RUN/mlflow. Recent versions open a store
of files only where MLFLOW_ALLOW_FILE_STORE is true.
"""

import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from negbench.tracking.tracked_cell import TrackedCell

FOLDER = "mlflow"
TAG = "negbench.cell"
"""The tag that names the cell of a run."""
BATCH = 900
"""Metrics sent at once; servers take at most 1000."""
PARAMS = 90
"""Settings sent at once; servers take at most 100."""
VARIABLES = {
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
"""Set where the user has not: a server that is down is noticed soon."""


class MlflowRuns:
    """Creates runs; one that was cut short is made again."""

    def __init__(self, run: Path) -> None:
        """`run` is the folder of the negbench run; its name is that of the experiment."""
        uri = os.environ.get("MLFLOW_TRACKING_URI") or (run / FOLDER).resolve().as_uri()
        for name, value in VARIABLES.items():
            os.environ.setdefault(name, value)
        self.client: Any = import_module("mlflow").MlflowClient(tracking_uri=uri)
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or f"negbench {run.resolve().name}"
        known = self.client.get_experiment_by_name(name)
        self.experiment = known.experiment_id if known else self.client.create_experiment(name)

    def has(self, cell_id: str) -> bool:
        """Whether a cell is there, as a whole."""
        return any(each.info.status == "FINISHED" for each in self._runs(cell_id))

    def write(self, cell: TrackedCell) -> None:
        """Create the run of one cell."""
        for cut_short in self._runs(cell.id):
            self.client.delete_run(cut_short.info.run_id)
        run_id = self.client.create_run(
            self.experiment,
            start_time=round(cell.began * 1000),
            tags={TAG: cell.id, "negbench.group": cell.group},
            run_name=cell.name,
        ).info.run_id
        params = [_entity("Param", name, str(value)) for name, value in cell.settings.items()]
        for at in range(0, len(params), PARAMS):
            self.client.log_batch(run_id, params=params[at : at + PARAMS])
        metrics = list(_metrics(cell))
        for at in range(0, len(metrics), BATCH):
            self.client.log_batch(run_id, metrics=metrics[at : at + BATCH])
        self.client.set_terminated(run_id, "FINISHED", round(cell.ended * 1000))

    def _runs(self, cell_id: str) -> list[Any]:
        return list(self.client.search_runs([self.experiment], f"tags.`{TAG}` = '{cell_id}'"))


def _metrics(cell: TrackedCell) -> Iterator[Any]:
    for row in cell.epochs:
        for name, value in row.values.items():
            yield _entity("Metric", name, value, round(row.ended * 1000), row.epoch)
    for name, value in cell.results.items():
        yield _entity("Metric", name, value, round(cell.ended * 1000), cell.best_epoch)


def _entity(kind: str, *values: Any) -> Any:
    return getattr(import_module("mlflow.entities"), kind)(*values)
