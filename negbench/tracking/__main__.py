"""The process that tells trackers of cells: `python -m negbench.tracking RUN TRACKER...`.

Folders of done cells come in, a line each; an answer goes out for each, and one more for a tracker
that failed, which is left out from then on. It ends when no more can come.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from negbench.storage.cell_store import read_cell
from negbench.tracking.mlflow_runs import MlflowRuns
from negbench.tracking.tensorboard_files import TensorBoardFiles
from negbench.tracking.tracked_cell import TrackedCell
from negbench.tracking.wandb_runs import WandbRuns


class Tracker(Protocol):
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


def tell(run: Path, names: Sequence[str], folders: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Write each cell to the trackers that do not have it; yields the answers."""
    left, open_trackers = list(names), dict[str, Tracker]()
    for folder in folders:
        for name in list(left):
            try:
                tracker = open_trackers.get(name) or TRACKERS[name](run)
                open_trackers[name] = tracker
                cell = TrackedCell.of(read_cell(Path(folder)))
                if not tracker.has(cell.id):
                    tracker.write(cell)
            except Exception as error:  # whatever a library of others raises
                left.remove(name)
                reason = " ".join(str(error).split())[:200] or type(error).__name__
                yield {"failed": name, "reason": reason}
        yield {"cell": Path(folder).name}


def main(words: Sequence[str]) -> None:
    """Tell of the cells of standard input; nothing but the answers goes to standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupted run still tells of its cells
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print
    lines = (line.rstrip("\n") for line in sys.stdin)
    for answer in tell(Path(words[0]), words[1:], lines):
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
