"""Checks of the ids that a user's own loop gives, without waiting for a GPU."""

from dataclasses import dataclass

import torch
from torch import Tensor

from negbench.data.membership import host_sync_allowed
from negbench.ops.axes import Rows

LEFT_OUT = "leave rows out by `mask` [B], or by their positive's id as attach(ignore_index=...)"


@dataclass(frozen=True, eq=False)
class Question:
    """Least and greatest of some ids, on their way from the GPU."""

    extremes: Tensor
    arrived: torch.cuda.Event | None
    size: int
    name: str
    remedy: str

    def answer(self, when: str = "") -> None:
        """Wait for it. Raises ValueError for ids outside 0..size - 1."""
        if self.arrived is not None:
            self.arrived.synchronize()
        low, high = self.extremes.tolist()
        if low < 0 or high >= self.size:
            got = low if low < 0 else high
            raise ValueError(
                f"`{self.name}` must lie in 0..{self.size - 1}; got {got}{when}; {self.remedy}"
            )


class IdCheck:
    """Refuses ids that are not there: one below 0 would count from the end, in silence.

    On the CPU at once. On a GPU the host would have to wait for all that is queued, so the ids of
    a step are clamped, and refused when the next one begins or the state is asked for: the answer
    is there by then.
    """

    def __init__(self) -> None:
        """Nothing asked."""
        self.open: list[Question] = []

    def __call__(self, ids: Rows, size: int, name: str, remedy: str = LEFT_OUT) -> Rows:
        """The ids [n] as int64.

        Raises ValueError for ids that are no integers or lie outside 0..size - 1.
        """
        if ids.is_floating_point() or ids.dtype == torch.bool:
            raise ValueError(f"`{name}` must be integer ids; got {ids.dtype}")
        if not len(ids):
            return ids.long()
        extremes, cuda = torch.stack(ids.aminmax()), ids.is_cuda
        if host_sync_allowed(ids):
            Question(extremes, None, size, name, remedy).answer()
            return ids.long()
        there = extremes.to("cpu", non_blocking=cuda)
        arrived = torch.cuda.Event() if cuda else None  # type: ignore[no-untyped-call]
        if arrived is not None:
            arrived.record()
        self.open.append(Question(there, arrived, size, name, remedy))
        return ids.long().clamp(0, size - 1)

    def settle(self) -> None:
        """Raises ValueError for the ids of the step before, where they were not there."""
        questions, self.open = self.open, []
        for question in questions:
            question.answer(" in the step before")
