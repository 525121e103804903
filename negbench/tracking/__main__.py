"""The process that tells trackers of cells: `python -m negbench.tracking RUN TRACKER...`.

Folders of done cells come in, a line each; an answer goes out for each, and one more for a tracker
that failed, which is left out from then on. Between two lines it looks at the cells that are being
trained. It ends when no more lines can come.
"""

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from negbench.storage.cell_store import read_cell
from negbench.tracking.live_cells import LiveCells, LiveTracker, look_at
from negbench.tracking.mlflow_runs import MlflowRuns
from negbench.tracking.tensorboard_files import TensorBoardFiles
from negbench.tracking.tracked_cell import TrackedCell
from negbench.tracking.wandb_runs import WandbRuns

PAUSE = 2.0
"""Seconds between two looks at the cells that are being trained."""


class Tracker(LiveTracker, Protocol):
    """A place where runs are kept."""

    def has(self, cell_id: str) -> bool:
        """Whether a `TrackedCell` of this id is there as a whole."""
        ...

    def write(self, cell: TrackedCell) -> None:
        """Write one cell; any error is passed on."""
        ...


TRACKERS: dict[str, Callable[[Path], Tracker]] = {
    "tensorboard": TensorBoardFiles,
    "mlflow": MlflowRuns,
    "wandb": WandbRuns,
}


def tell(
    run: Path, names: Sequence[str], folders: Iterable[str | None]
) -> Iterator[dict[str, Any]]:
    """Write each cell to the trackers that do not have it; yields the answers.

    At a None among the folders they are told of the cells that are being trained.
    """
    left, trackers, live = list(names), dict[str, Tracker](), dict[str, LiveCells]()
    for folder in folders:
        training, alive = look_at(run) if folder is None else ([], set())
        for name in list(left):
            try:
                if name not in trackers and (folder is not None or training):
                    trackers[name] = TRACKERS[name](run)
                    live[name] = LiveCells(trackers[name])
                if folder is not None:
                    cell = TrackedCell.of(read_cell(Path(folder)))
                    if not trackers[name].has(cell.id):
                        trackers[name].write(cell)
                elif name in live:
                    live[name].look(training, alive)
            except Exception as error:  # whatever a library of others raises
                left.remove(name)
                reason = " ".join(str(error).split())[:200] or type(error).__name__
                yield {"failed": name, "reason": reason}
        if folder is not None:
            yield {"cell": Path(folder).name}
    for each in live.values():
        with suppress(Exception):
            each.close()


def lines_and_pauses(lines: Iterable[str]) -> Iterator[str | None]:
    """The lines as they come, and None after every `PAUSE` seconds, until the lines end."""
    come: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        for line in lines:
            come.put(line.rstrip("\n"))
        come.put(None)

    threading.Thread(target=read, daemon=True).start()
    looked = time.monotonic()
    while True:
        with suppress(queue.Empty):
            line = come.get(timeout=max(0.0, looked + PAUSE - time.monotonic()))
            if line is None:
                return
            yield line
        if time.monotonic() - looked >= PAUSE:
            yield None
            looked = time.monotonic()


def main(words: Sequence[str]) -> None:
    """Tell of the cells of standard input; nothing but the answers goes to standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupted run still tells of its cells
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print
    for answer in tell(Path(words[0]), words[1:], lines_and_pauses(sys.stdin)):
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
