"""How a run tells that it moves: a bar with the best so far, or a plain line for every cell."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from negbench.engine import Done, Task


class Progress:
    """Counts cells; a bar on a terminal, else lines given to `say`."""

    def __init__(self, total: int, say: Callable[[str], None], *, bar: bool | None = None) -> None:
        """`bar` None means: where standard error is a terminal."""
        self.total, self.count, self.say = total, 0, say
        self.best: tuple[float, str] | None = None
        self.bar: Any = None
        if sys.stderr.isatty() if bar is None else bar:
            from tqdm import tqdm

            self.bar = tqdm(total=total, unit="cell", leave=False, dynamic_ncols=True)

    def tell(self, task: Task, row: Mapping[str, float]) -> None:
        """An epoch of a cell in this process has ended."""
        if self.bar is not None:
            valid = [f"{k.removeprefix('valid_')} {v:.4f}" for k, v in row.items() if "valid" in k]
            self.bar.set_postfix_str(" ".join([task.label, f"epoch {row['epoch']:.0f}", *valid]))

    def finish(self, done: Done) -> None:
        """A cell has ended."""
        self.count += 1
        if done.best_valid is not None and (self.best is None or done.best_valid > self.best[0]):
            self.best = done.best_valid, done.task.label
        if self.bar is None:
            self.say(f"[{self.count}/{self.total}]  {done.task.label}  {_came(done)}")
            return
        self.bar.update()
        if self.best:
            self.bar.set_description_str(f"best valid {self.best[0]:.4f} {self.best[1]}")

    def close(self) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.close()


def _came(done: Done) -> str:
    if done.reason:
        return f"failed: {done.reason}"
    valid = "" if done.best_valid is None else f"best valid {done.best_valid:.4f}  "
    return f"{valid}{done.seconds:.1f} s"
