"""How far a cell that is being trained has come, in a small file beside its claim.

    RUN/claims/<cell>.<token>.progress    epoch, budget, best validation value, seconds so far, and
                                          the last evaluations

The worker that holds the claim replaces it after an epoch, at most once in `PAUSE` seconds. It goes
with the claim, by whose token it is named.
"""

import json
import re
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from negbench.storage.atomic_write import aside

PAUSE = 1.0
"""Seconds between two files of one cell, however short its epochs are."""
RECENT = 100
"""Evaluations in a file: as many as a second of the quickest training has."""
_NAME = re.compile(r"([0-9a-f]+)\.([0-9a-f]+)\.progress")


class Evaluation(NamedTuple):
    """The validation value after an epoch, and the seconds of training until then."""

    epoch: int
    seconds: float
    valid: float


@dataclass(frozen=True)
class TrainingProgress:
    """Epochs and best validation value of a cell that is being trained."""

    epoch: int
    """Epochs trained, those of an earlier process among them."""
    epochs: int
    """The budget: a cell may stop before it."""
    seconds: float
    """Seconds of training so far, those of an earlier process among them."""
    metric: str
    """The validation metric that early stopping reads, as ndcg@20."""
    best_epoch: int = 0
    best_valid: float | None = None
    """The best value, which early stopping would keep now; None where none was measured yet."""
    age: float = 0.0
    """Seconds since this was written."""

    def __str__(self) -> str:
        """One phrase: epoch 12 of at most 200, best valid ndcg@20 0.0523 (epoch 10)."""
        text = f"epoch {self.epoch} of at most {self.epochs}"
        if self.best_valid is None:
            return text
        return f"{text}, best valid {self.metric} {self.best_valid:.4f} (epoch {self.best_epoch})"


class ProgressFile:
    """Writes the progress of one claimed cell; a file that cannot be written ends no training."""

    def __init__(self, folder: Path, cell: str, token: str) -> None:
        """`folder` is that of the claims; `token` the claim's."""
        self.path, self._last = path_of(folder, cell, token), -PAUSE

    def write(self, progress: TrainingProgress, evaluations: Sequence[Evaluation] = ()) -> None:
        """Replace the file, unless the last one is younger than `PAUSE` seconds."""
        now = time.monotonic()
        if now - self._last < PAUSE:
            return
        self._last = now
        content = {name: value for name, value in asdict(progress).items() if name != "age"}
        content["evaluations"] = list(evaluations[-RECENT:])
        temporary = aside(self.path)
        with suppress(OSError):
            try:
                temporary.write_text(json.dumps(content), encoding="utf-8")
                temporary.replace(self.path)
            finally:
                temporary.unlink(missing_ok=True)


def path_of(folder: Path, cell: str, token: str) -> Path:
    """The file of a claim in the folder of claims."""
    return folder / f"{cell}.{token}.progress"


def read(folder: Path, cell: str, token: str, now: float) -> TrainingProgress | None:
    """The progress of a claimed cell; None where no epoch has ended, or the file cannot be read.

    `now` is the time by the clock of the file system.
    """
    path = path_of(folder, cell, token)
    try:
        written, content = path.stat().st_mtime, json.loads(path.read_bytes())
        return _checked(content, max(0.0, now - written))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def evaluations(folder: Path, cell: str, token: str) -> list[Evaluation]:
    """The last evaluations of a claimed cell; none where the file cannot be read, or has none."""
    try:
        listed = json.loads(path_of(folder, cell, token).read_bytes())["evaluations"]
        return [Evaluation(int(epoch), float(s), float(value)) for epoch, s, value in listed]
    except (OSError, ValueError, LookupError, TypeError):
        return []


def _checked(content: Any, age: float) -> TrainingProgress:
    best = content["best_valid"]
    return TrainingProgress(
        epoch=int(content["epoch"]),
        epochs=int(content["epochs"]),
        seconds=float(content["seconds"]),
        metric=str(content["metric"]),
        best_epoch=int(content["best_epoch"]),
        best_valid=None if best is None else float(best),
        age=age,
    )


def names(folder: Path) -> list[tuple[str, str]]:
    """Cell and token of every progress file of a folder of claims."""
    matches: Iterable[re.Match[str] | None] = ()
    with suppress(OSError):
        matches = [_NAME.fullmatch(each.name) for each in folder.iterdir()]
    return [(match[1], match[2]) for match in matches if match]
