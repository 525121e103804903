"""One training by several processes: each takes its part of every batch, all take the same step.

A process draws its own negatives for its rows; the gradients are averaged by the rows that they are
means over, so that a step is one of a single process with the same rows and negatives. Dense
gradients are summed over all processes; of a large table the rows that a step has touched are
exchanged alone. All processes then hold the same weights to the bit, which is checked after each
epoch. What one process decides, as when to stop, the first one decides for all.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from typing import Any, TypeVar

import torch
from torch import distributed, nn
from torch.optim import Optimizer

from negbench.errors import UserError
from negbench.training.config import Progress
from negbench.training.shared_gradients import average

T = TypeVar("T")
STEP = timedelta(minutes=10)
"""The longest that processes wait for each other within a step."""
TURN = timedelta(days=7)
"""The longest that they wait for the first one, which prepares data, evaluates and writes alone."""
FAILED = "failed"
"""Key of the store with the reason of a process that has failed."""
COUNTS = ("n_unfilled", "n_rows", "n_unusable", "negatives", "dots")
"""Of `Progress`, what each process counts of its own rows."""


class Parted(UserError):
    """The weights of the processes are no longer the same."""

    exit_code = 1


class PeerGone(UserError):
    """Another process of the training has failed or ended, or does not answer."""

    exit_code = 1


@dataclass(eq=False)
class DataParallel:
    """The processes that train together, seen from one of them; of a single one nothing is done."""

    rank: int = 0
    n: int = 1
    store: Any = None
    """Torch's store, where a process that fails leaves the reason."""
    turns: Any = None
    """The group in which the others wait for the first process."""
    broken: bool = False
    """Whether a process has failed amid a training: no other training can follow."""

    @property
    def notes(self) -> list[str]:
        """One sentence for the record of a cell; none of a single process."""
        return [
            f"trained by {self.n} processes, each on its part of every batch: what a method takes "
            "from the other rows of a batch is of that part, and probes watched the first one's"
        ] * (self.n > 1)

    def from_first(self, value: T | None = None) -> T | None:
        """The first process's value, for all; the others wait for it."""
        if self.n == 1:
            return value
        values = [value]
        with answering():
            distributed.broadcast_object_list(values, src=0, group=self.turns)
        return values[0]

    def from_all(self, value: T) -> list[T]:
        """The values of all processes, in their order."""
        if self.n == 1:
            return [value]
        values: list[Any] = [None] * self.n
        with answering():
            distributed.all_gather_object(values, value, group=self.turns)
        return values

    def agreed(self, value: float) -> float:
        """The first process's number, for all."""
        return value if self.n == 1 else float(self.from_first(value) or 0.0)

    def judged_by_first(self, judge: Callable[..., float] | None) -> Callable[..., float] | None:
        """A judge of the model that is asked in the first process alone, and heard in all."""
        if self.n == 1 or judge is None:
            return judge
        return lambda model: self.agreed(judge(model) if self.rank == 0 else 0.0)

    def pool(self, before: Progress, now: Progress, loss: float) -> float:
        """Add up what all processes have counted since `before`, into `now`; and their losses."""
        if self.n == 1:
            return loss
        own = [getattr(now, name) - getattr(before, name) for name in COUNTS]
        sums = [sum(each) for each in zip(*self.from_all([*own, loss]), strict=True)]
        for name, value in zip(COUNTS, sums, strict=False):
            setattr(now, name, getattr(before, name) + value)
        return float(sums[-1])

    def average(self, optimisers: Sequence[Optimizer], rows: int) -> None:
        """Give every process the mean gradient over the rows of all; `rows` are its own."""
        if self.n > 1:
            with answering(), torch.no_grad():
                average(optimisers, rows)

    def require_alike(self, parameters: Iterable[nn.Parameter], epoch: int) -> None:
        """Compare the weights of all processes, bit for bit. Raises Parted where they differ."""
        if self.n == 1:
            return
        marks = self.from_all(mark(parameters))
        apart = [rank for rank, each in enumerate(marks) if each != marks[0]]
        if apart:
            raise Parted(
                f"the weights of all processes must stay the same; after epoch {epoch} those of "
                f"process {apart[0]} differ from the first one's; use machines of one kind with "
                "the same versions and --threads"
            )

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Within, each process prepares for itself; all go on, or none.

        Raises PeerGone where another process could not, and this one could.
        """
        reason = ""
        try:
            yield
        except Exception as error:
            reason = f"process {self.rank}: {error}"
            raise
        finally:
            with self.in_step():
                reasons = self.from_all(reason)
        if any(reasons):
            raise PeerGone(next(filter(None, reasons)))

    @contextmanager
    def in_step(self, *alike: type[Exception]) -> Iterator[None]:
        """Within, the processes train: an error breaks them up, but one that meets all `alike`.

        Raises PeerGone, with the reason if there is one, where another process has failed.
        """
        if self.n == 1:
            yield
            return
        of_all: tuple[type[Exception], ...] = (Parted, *alike)
        try:
            yield
        except of_all:
            raise
        except PeerGone as error:
            self.broken = True
            raise PeerGone(self._reason() or str(error)) from error
        except BaseException as error:
            self.broken = True
            self.store.set(FAILED, f"process {self.rank}: {type(error).__name__}: {error}")
            raise

    def _reason(self) -> str:
        """What the process that failed has left; empty where it was killed."""
        for _ in range(20):
            if self.store.check([FAILED]):
                return str(self.store.get(FAILED).decode())
            time.sleep(0.05)
        return ""

    def require_unbroken(self, reason: str) -> None:
        """Raises PeerGone where a process has failed amid a training, for this reason."""
        if self.broken:
            raise PeerGone(
                f"the processes of a training end together, and one has failed ({reason}); "
                "finished cells are kept: the same command goes on"
            )


ALONE = DataParallel()
"""A training by a single process."""
_joined: list[DataParallel] = []


def current() -> DataParallel:
    """The processes that this one has joined; a single one where it has joined none."""
    return _joined[-1] if _joined else ALONE


@contextmanager
def joined(store: Any, rank: int, n: int) -> Iterator[DataParallel]:
    """Within, this is process `rank` of the `n` that meet at a store of torch's."""
    with answering():
        distributed.init_process_group("gloo", store=store, rank=rank, world_size=n, timeout=STEP)
        turns = distributed.new_group(backend="gloo", timeout=TURN)
    _joined.append(DataParallel(rank, n, store, turns))
    try:
        yield _joined[-1]
    finally:
        _joined.pop()
        distributed.destroy_process_group()


@contextmanager
def answering() -> Iterator[None]:
    """Within, processes exchange values. Raises PeerGone where one of them has ended."""
    try:
        yield
    except RuntimeError as error:
        raise PeerGone("another process of this training has ended or does not answer") from error


def mark(parameters: Iterable[nn.Parameter]) -> str:
    """A hash of the bits of these weights."""
    digest = blake2b(digest_size=16)
    for parameter in parameters:
        digest.update(parameter.detach().contiguous().numpy().reshape(-1).view("uint8").data)
    return digest.hexdigest()
