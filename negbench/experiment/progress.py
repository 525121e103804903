"""Progress of a run: a bar with what is trained now, or lines of the log.

Where standard error is no terminal there is a line for every cell that ends, and one a minute
between them. What is trained is read from the claims of the run folder, so it is the same for
cells of this process, of worker processes, and of a cluster.
"""

import logging
import sys
import threading
import time
from pathlib import Path
from typing import Any

from negbench.data.number_words import counted
from negbench.experiment.workers.local_pool import CellResult, Task
from negbench.storage import claims
from negbench.storage.claims import Claim

logger = logging.getLogger(__name__)
FORMAT = "[{bar:20}] {n_fmt}/{total_fmt}  {elapsed} + {remaining}{postfix}"
REFRESH = 2.0
"""Seconds between two looks at the claims."""
QUIET = 60.0
"""Seconds without a line of the log after which there is one."""
NAMED = 4
"""At most so many cells are named in one line."""


class Progress:
    """Counts cells; a bar on a terminal, else lines of the log."""

    def __init__(self, total: int, out: Path, *, bar: bool | None = None) -> None:
        """`out` is the run's folder; `bar` None means: where standard error is a terminal."""
        self.total, self.out, self.count = total, out, 0
        self.best: dict[str, tuple[float, str]] = {}
        """By data set: the highest validation metric, and the cell that reached it."""
        self.bar: Any = None
        if sys.stderr.isatty() if bar is None else bar:
            from tqdm import tqdm

            self.bar = tqdm(total=total, leave=False, dynamic_ncols=True, bar_format=FORMAT)
        self._spoke, self._end = time.monotonic(), threading.Event()
        self._thread = threading.Thread(target=self._look_again, daemon=True)
        self._thread.start()

    def on_cell_done(self, result: CellResult) -> None:
        """Count a cell that has ended."""
        self.count += 1
        task, value = result.task, result.best_valid
        data = task.spec.dataset
        if value is not None and (data not in self.best or value > self.best[data][0]):
            self.best[data] = value, _short(task)
        if self.bar is None:
            self._log(f"{task.planned.label}  {_outcome(result)}")
            return
        self.bar.update()
        best = f"(best {self.best[data][0]:.4f} {self.best[data][1]})" if data in self.best else ""
        failed = f"failed: {result.reason}" if result.reason else ""
        self.bar.set_postfix_str("  ".join(filter(None, [_short(task), failed, best])))

    def close(self) -> None:
        """Remove the bar, and end the lines."""
        self._end.set()
        self._thread.join()
        if self.bar is not None:
            self.bar.close()

    def _look_again(self) -> None:
        while not self._end.wait(REFRESH):
            if self.bar is None and time.monotonic() - self._spoke < QUIET:
                continue
            live = [each for each in claims.claims(self.out) if not each.stale]
            if self.bar is None:
                self._log(training_now(live))
            elif live:
                self.bar.set_postfix_str(training_now(live, named=1))

    def _log(self, text: str) -> None:
        self._spoke = time.monotonic()
        logger.info("[%d/%d]  %s", self.count, self.total, text)


def training_now(live: list[Claim], named: int = NAMED) -> str:
    """The cells at work with their epochs and best values, the first few by name."""
    if not live:
        return "no cell at work now"
    shown = [f"{each.label}: {each.progress or 'no epoch yet'}" for each in live[:named]]
    more = len(live) - len(shown)
    return "; ".join([*shown, *([f"and {counted(more, 'cell')} more"] if more else [])])


def _short(task: Task) -> str:
    return f"{task.spec.backbone} {task.spec.method}/{task.spec.seed}"


def _outcome(result: CellResult) -> str:
    if result.reason:
        return f"failed: {result.reason}"
    if result.elsewhere:
        return "done by another process"
    valid = "" if result.best_valid is None else f"best valid {result.best_valid:.4f}  "
    return f"{valid}{result.seconds:.1f} s"
