"""MLflow: an experiment for each run folder, in it a run for each cell.

The store is what MLFLOW_TRACKING_URI names, else files in RUN/mlflow. Recent versions open a store
of files only where MLFLOW_ALLOW_FILE_STORE is true.
"""

import os
import socket
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

from negbench.tracking.live_cells import LiveCell
from negbench.tracking.tracked_cell import EpochValues, TrackedCell

FOLDER = "mlflow"
TAG = "negbench.cell"
"""The tag that names the cell of a run."""
LIVE = "negbench.live"
"""That of a run which shows a cell while it trains, and is deleted when it ends."""
HOME = "negbench.home"
"""The tag of a live run that tells its run folder from others of one experiment."""
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
        home = f"{socket.gethostname()} {run.resolve()}"
        self.home = sha256(home.encode(errors="surrogateescape")).hexdigest()[:12]
        self.runs: dict[str, str] = {}
        """Runs of cells that are being trained, by token."""

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
        self._send(run_id, list(_metrics(cell)))
        self.client.set_terminated(run_id, "FINISHED", round(cell.ended * 1000))

    def live(self) -> list[str]:
        """Tokens of the cells of this folder that have a run while they train.

        Other folders of the same name, or under MLFLOW_EXPERIMENT_NAME, share the experiment.
        """
        running = self.client.search_runs([self.experiment], f"tags.`{LIVE}` LIKE '%'")
        tags = [each.data.tags for each in running]
        return [each[LIVE] for each in tags if each.get(HOME) == self.home]

    def begin(self, cell: LiveCell) -> None:
        """Create a run for a cell that is being trained."""
        created = self.client.create_run(
            self.experiment,
            start_time=round(time.time() * 1000),
            tags={LIVE: cell.token, HOME: self.home},
            run_name=f"{cell.name} (live)",
        )
        self.runs[cell.token] = created.info.run_id

    def log(self, token: str, values: Sequence[EpochValues]) -> None:
        """Add evaluations."""
        self._send(self.runs[token], list(_epoch_metrics(values)))

    def end(self, token: str) -> None:
        """Delete the run of a cell that is not being trained any more."""
        self.runs.pop(token, None)
        for each in self.client.search_runs([self.experiment], f"tags.`{LIVE}` = '{token}'"):
            self.client.delete_run(each.info.run_id)

    def _send(self, run_id: str, metrics: Sequence[Any]) -> None:
        for at in range(0, len(metrics), BATCH):
            self.client.log_batch(run_id, metrics=metrics[at : at + BATCH])

    def _runs(self, cell_id: str) -> list[Any]:
        return list(self.client.search_runs([self.experiment], f"tags.`{TAG}` = '{cell_id}'"))


def _metrics(cell: TrackedCell) -> Iterator[Any]:
    yield from _epoch_metrics(cell.epochs)
    for name, value in cell.results.items():
        yield _entity("Metric", name, value, round(cell.ended * 1000), cell.best_epoch)


def _epoch_metrics(rows: Sequence[EpochValues]) -> Iterator[Any]:
    for row in rows:
        for name, value in row.values.items():
            yield _entity("Metric", name, value, round(row.ended * 1000), row.epoch)


def _entity(kind: str, *values: Any) -> Any:
    return getattr(import_module("mlflow.entities"), kind)(*values)
