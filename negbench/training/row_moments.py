"""The rows of an embedding table and Adam's moments of them, each of a step of its own."""

from collections.abc import Sequence

import torch
from torch import Tensor

from negbench.ops import row_kernels
from negbench.ops.axes import AnyShape, Rows, Vectors
from negbench.training.missed_moves import MissedMoves

Saved = tuple[Rows, Vectors, Vectors, Vectors, Rows, Rows]
"""Rows, and everything that is kept of each."""


class RowMoments:
    """A table [R, D] and its moments, moved row by row: by compiled loops, or by torch on copies.

    Both give the same numbers within rounding.
    """

    def __init__(self, values: Tensor, betas: tuple[float, float], eps: float) -> None:
        """Moments of 0, at step 0, for the rows `values` [R, D], which are changed in place."""
        self.values, self.betas, self.eps = values, betas, eps
        self.missed = MissedMoves(betas)
        self.step = 0
        """Steps done."""
        self.mean, self.square = torch.zeros_like(values), torch.zeros_like(values)
        self.last = torch.zeros(len(values), dtype=torch.int32)
        """The step that the moments of each row are those of."""
        self.moving = torch.zeros(len(values), dtype=torch.bool)
        """Whether a row has momentum left."""
        self._places = torch.full((len(values),), -1, dtype=torch.int32)

    @property
    def compiled(self) -> bool:
        """Whether compiled loops move the rows."""
        return row_kernels.applies(self.values, self.mean, self.square)

    def advance(self, lr: float) -> None:
        """One more step is done, at this learning rate: rows that were not in it have missed it."""
        self.step += 1
        self.missed.advance(lr)

    def behind(self, ids: Rows | None = None) -> Rows:
        """Of the rows `ids` [n], or of all, those that have missed a move; as often as there."""
        if ids is None:
            return (self.moving & (self.last < self.step)).nonzero().squeeze(1)
        late = self.last.index_select(0, ids) < self.step
        return ids[late & self.moving.index_select(0, ids)]

    def catch_up(self, ids: Rows) -> None:
        """Move the rows `ids` [n] by what they have missed; one may stand there more than once."""
        if self.compiled:
            missed = torch.from_numpy(self.missed.sums), self.missed.first, self.step
            numbers = self.missed.reach, *self.betas, self.eps
            row_kernels.run("move_late_rows", ids.contiguous(), *self._tables, *missed, *numbers)
        elif len(rows := self.behind(ids)):
            self._catch_up(rows)

    def update(self, rows: Rows, gradient: Vectors, lr: float) -> None:
        """Adam's next step of the rows [n], which stand there once and are up to date."""
        if self.compiled:
            numbers = self.step + 1, lr, *self.betas, self.eps
            row_kernels.run("update_rows", rows, gradient, *self._tables, *numbers)
        else:
            self._update(rows, gradient, lr)

    def summed(self, received: Sequence[tuple[AnyShape, AnyShape]]) -> tuple[Rows, Vectors]:
        """The rows [n] of (ids, gradients) pairs, each row once, and their gradients [n, D]."""
        if not received:
            return self._places.new_zeros(0, dtype=torch.int64), self.mean[:0]
        if not self.compiled:
            ids = torch.cat([each for each, _ in received])
            rows, places = torch.unique(ids, return_inverse=True)
            sums = self.mean.new_zeros(len(rows), self.mean.shape[1])
            parts = torch.split(places, [len(each) for each, _ in received])
            for part, (_, each) in zip(parts, received, strict=True):
                sums.index_add_(0, part, each)
            return rows, sums
        most, counted = sum(len(ids) for ids, _ in received), torch.zeros(1, dtype=torch.int64)
        rows, sums = torch.empty(most, dtype=torch.int64), self.mean.new_empty(most, self.width)
        for ids, each in received:
            parts = ids.contiguous(), each.contiguous()
            row_kernels.run("sum_by_row", *parts, self._places, rows, sums, counted)
        rows, sums = rows[: int(counted)], sums[: int(counted)]
        self._places.index_fill_(0, rows, -1)
        return rows, sums

    @property
    def width(self) -> int:
        """D."""
        return self.values.shape[1]

    def saved(self, rows: Rows) -> Saved:
        """Everything that is kept of the rows [n]."""
        values, mean, square, last, moving = (each.index_select(0, rows) for each in self._tables)
        return rows, values, mean, square, last, moving

    def restore(self, saved: Saved) -> None:
        """Put back what was saved."""
        rows, *parts = saved
        for table, part in zip(self._tables, parts, strict=True):
            table.index_copy_(0, rows, part)

    @property
    def _tables(self) -> tuple[Tensor, ...]:
        return self.values, self.mean, self.square, self.last, self.moving

    def _catch_up(self, rows: Rows) -> None:
        _, values, mean, square, last, _ = self.saved(rows)
        moves, epsilons = self.missed.of(last)
        gap = (self.step - last).unsqueeze(1)
        values.addcdiv_(mean * moves, square.sqrt().add_(epsilons * self.eps), value=-1)
        rests = gap >= self.missed.reach
        mean.mul_((self.betas[0] ** gap).masked_fill_(rests, 0))
        square.mul_(self.betas[1] ** gap)
        now = torch.full_like(last, self.step)
        self.restore((rows, values, mean, square, now, ~rests.squeeze(1)))

    def _update(self, rows: Rows, gradient: Vectors, lr: float) -> None:
        step, (b1, b2) = self.step + 1, self.betas
        _, values, mean, square, last, moving = self.saved(rows)
        gap = (step - last).unsqueeze(1)
        mean.lerp_(gradient, 1 - b1)
        square.mul_(b2**gap).addcmul_(gradient, gradient, value=1 - b2)
        below = square.sqrt().div_((1 - b2**step) ** 0.5).add_(self.eps)
        values.addcdiv_(mean, below, value=-lr / (1 - b1**step))
        now = torch.full_like(last, step), torch.ones_like(moving)
        self.restore((rows, values, mean, square, *now))
