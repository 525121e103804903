"""Progress of a run: a bar with the best validation so far, or a logged line for every cell."""

import logging
import sys
from collections.abc import Mapping
from typing import Any

from negbench.experiment.workers.local_pool import CellResult, Task

logger = logging.getLogger(__name__)
FORMAT = "[{bar:20}] {n_fmt}/{total_fmt}  {elapsed} + {remaining}{postfix}"


class Progress:
    """Counts cells; a bar on a terminal, else a line of the log for each."""

    def __init__(self, total: int, *, bar: bool | None = None) -> None:
        """`bar` None means: where standard error is a terminal."""
        self.total, self.count = total, 0
        self.best: dict[str, tuple[float, str]] = {}
        """By data set: the highest validation metric, and the cell that reached it."""
        self.bar: Any = None
        if sys.stderr.isatty() if bar is None else bar:
            from tqdm import tqdm

            self.bar = tqdm(total=total, leave=False, dynamic_ncols=True, bar_format=FORMAT)

    def on_epoch(self, task: Task, metrics: Mapping[str, float]) -> None:
        """Show the epoch that a cell in this process has finished."""
        if self.bar is not None:
            self._show(task, [f"epoch {metrics['epoch']:.0f}", *_validation(metrics)])

    def on_cell_done(self, result: CellResult) -> None:
        """Count a cell that has ended."""
        self.count += 1
        task, value = result.task, result.best_valid
        data = task.spec.dataset
        if value is not None and (data not in self.best or value > self.best[data][0]):
            self.best[data] = value, _short(task)
        if self.bar is None:
            label = task.planned.label
            logger.info("[%d/%d]  %s  %s", self.count, self.total, label, _outcome(result))
            return
        self.bar.update()
        self._show(task, [f"failed: {result.reason}"] if result.reason else [])

    def close(self) -> None:
        """Remove the bar."""
        if self.bar is not None:
            self.bar.close()

    def _show(self, task: Task, words: list[str]) -> None:
        best = self.best.get(task.spec.dataset)
        tail = [f"(best {best[0]:.4f} {best[1]})"] if best else []
        self.bar.set_postfix_str("  ".join([_short(task), *words, *tail]))


def _short(task: Task) -> str:
    return f"{task.spec.backbone} {task.spec.method}/{task.spec.seed}"


def _validation(metrics: Mapping[str, float]) -> list[str]:
    valid = {name: value for name, value in metrics.items() if name.startswith("valid_")}
    return [f"{name.removeprefix('valid_')} {value:.4f}" for name, value in valid.items()]


def _outcome(result: CellResult) -> str:
    if result.reason:
        return f"failed: {result.reason}"
    if result.elsewhere:
        return "done by another process"
    valid = "" if result.best_valid is None else f"best valid {result.best_valid:.4f}  "
    return f"{valid}{result.seconds:.1f} s"
