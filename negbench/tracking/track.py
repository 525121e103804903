"""Tells trackers of cells: while they train, and each once when it has ended.

A tracker that fails ends no training. A process of its own tells them (`negbench.tracking`), so
neither the memory nor the CPU seconds of a cell have a tracker's in them, and no slow server holds
up the next cell.
"""

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from shlex import quote
from typing import IO, Any

from negbench.data.number_words import counted
from negbench.errors import UserError
from negbench.storage.cell_store import find_cell

logger = logging.getLogger(__name__)
TRACKERS = ("tensorboard", "mlflow", "wandb")
"""The words of `--track`: also each library's module, the extra, and the folder in RUN."""
VIEWS = (
    ("tensorboard", "tensorboard --logdir {}/tensorboard", "curves and settings of the cells"),
    (
        "mlflow",
        "MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri {}/mlflow",
        "the cells as runs of MLflow",
    ),
    ("wandb/offline-run-*", "wandb sync {}/wandb/offline-run-*", "send the offline runs"),
)
"""What may lie in a run's folder, the command that shows or sends it, and what that is for."""
SILENCE = 60.0
"""Seconds without an answer after which the rest is given up at the end of a run."""
LACKING = "the next run or resume of this folder tells it of the cells that it lacks"


def require_installed(names: Iterable[str]) -> None:
    """Check the libraries of these trackers. Raises UserError for one that is not installed."""
    for name in names:
        spec = find_spec(name)
        if spec is None or spec.origin is None:  # a folder of that name in reach is none
            raise UserError(
                f"--track {name} needs {name}, which is not installed; "
                f"run pip install 'negbench[{name}]'"
            )


class Tracking:
    """The trackers of one run, in a process that starts with the first cell, or to watch it."""

    def __init__(self, run: Path, names: Sequence[str]) -> None:
        """`run` is the folder of the negbench run."""
        self.run, self.names = run, tuple(names)
        self._process: subprocess.Popen[str] | None = None
        self._waiting, self._heard = 0, time.monotonic()

    def watch(self) -> None:
        """Start now, so that cells are told of while they train."""
        if self.names:
            self._running()

    def write(self, specs: Iterable[Mapping[str, Any]]) -> None:
        """Tell of the cells of these specs that are done; returns before that has happened."""
        for spec in specs if self.names else ():
            cell = find_cell(self.run, spec)
            if cell is not None and cell.done:
                self._send(cell.folder)

    def close(self) -> None:
        """Wait until every cell is told of, as long as there are answers."""
        process = self._process
        if process is None:
            return
        self._heard = time.monotonic()
        with suppress(OSError):
            self._into(process).close()
        while process.poll() is None and time.monotonic() - self._heard < SILENCE:
            time.sleep(0.05)
        if process.poll() is None:
            process.kill()
        process.wait()
        self._reader.join()
        if self._waiting:
            logger.warning(
                "negbench: --track %s: %s not told of; %s",
                ",".join(self.names),
                counted(self._waiting, "cell"),
                LACKING,
            )

    def _send(self, folder: Path) -> None:
        process = self._running()
        self._waiting, self._heard = self._waiting + 1, time.monotonic()
        with suppress(OSError):  # it has ended: `close` counts what is left
            print(folder, file=self._into(process), flush=True)

    def _running(self) -> "subprocess.Popen[str]":
        if self._process is None:
            self._process = _start(self.run, self.names)
            self._reader = threading.Thread(target=self._listen, daemon=True)
            self._reader.start()
        return self._process

    def _listen(self) -> None:
        """Take the answers: a line for each cell, and one where a tracker failed."""
        assert self._process is not None and self._process.stdout is not None
        for line in self._process.stdout:
            self._heard, answer = time.monotonic(), json.loads(line)
            if "failed" in answer:
                logger.warning(
                    "negbench: --track %s failed (%s); training goes on without it, and %s",
                    answer["failed"],
                    answer["reason"],
                    LACKING,
                )
            else:
                self._waiting -= 1

    @staticmethod
    def _into(process: "subprocess.Popen[str]") -> IO[str]:
        assert process.stdin is not None
        return process.stdin


def _start(run: Path, names: Sequence[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "negbench.tracking", str(run), *names],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )


def views(run: Path) -> list[tuple[str, str]]:
    """The command for what each tracker left here, and what it is for."""
    there = [view for view in VIEWS if any(run.glob(view[0]))]
    return [(command.format(quote(str(run))), purpose) for _, command, purpose in there]
