"""How a run tells that it moves: a bar with the best so far, or a plain line for every cell."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from negbench.experiment.workers.local_pool import Done, Task

FORMAT = "[{bar:20}] {n_fmt}/{total_fmt}  {elapsed} + {remaining}{postfix}"


class Progress:
    """Counts cells; a bar on a terminal, else lines given to `say`."""

    def __init__(self, total: int, say: Callable[[str], None], *, bar: bool | None = None) -> None:
        """`bar` None means: where standard error is a terminal."""
        self.total, self.count, self.say = total, 0, say
        self.best: dict[str, tuple[float, str]] = {}
        """By data set: the highest validation and whose it is."""
        self.bar: Any = None
        if sys.stderr.isatty() if bar is None else bar:
            from tqdm import tqdm

            self.bar = tqdm(total=total, leave=False, dynamic_ncols=True, bar_format=FORMAT)

    def tell(self, task: Task, row: Mapping[str, float]) -> None:
        """An epoch of a cell in this process has ended."""
        if self.bar is not None:
            self._show(task, [f"epoch {row['epoch']:.0f}", *_measured(row)])

    def finish(self, done: Done) -> None:
        """A cell has ended."""
        self.count += 1
        data, value = done.task.spec.dataset, done.best_valid
        if value is not None and (data not in self.best or value > self.best[data][0]):
            self.best[data] = value, _short(done.task)
        if self.bar is None:
            self.say(f"[{self.count}/{self.total}]  {done.task.label}  {_came(done)}")
            return
        self.bar.update()
        self._show(done.task, [f"failed: {done.reason}"] if done.reason else [])

    def close(self) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.close()

    def _show(self, task: Task, words: list[str]) -> None:
        best = self.best.get(task.spec.dataset)
        tail = [f"(best {best[0]:.4f} {best[1]})"] if best else []
        self.bar.set_postfix_str("  ".join([_short(task), *words, *tail]))


def _short(task: Task) -> str:
    return f"{task.spec.backbone} {task.spec.method}/{task.spec.seed}"


def _measured(row: Mapping[str, float]) -> list[str]:
    """The validation figures of an epoch."""
    return [f"{k.removeprefix('valid_')} {v:.4f}" for k, v in row.items() if k.startswith("valid_")]


def _came(done: Done) -> str:
    if done.reason:
        return f"failed: {done.reason}"
    valid = "" if done.best_valid is None else f"best valid {done.best_valid:.4f}  "
    return f"{valid}{done.seconds:.1f} s"
