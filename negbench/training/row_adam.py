"""Adam for an embedding table, at the cost of the rows that a step touches.

Dense Adam moves every row in every step, by what is left of its momentum. Here a row is moved when
it is next read or touched, by the sum of what it has missed (`missed_moves`): its moments decay
exactly, and its place is that of dense Adam within the bound given there.
"""

from typing import Any

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

from negbench.ops.axes import AnyShape
from negbench.protocol.row_table import RowTable
from negbench.training.missed_moves import GREATEST_RATIO, MissedMoves, ratio

LEAST_ROWS = 50_000
"""Tables of fewer rows are updated whole."""
ROWS_PER_READ, ROWS_PER_UPDATE = 6, 24
"""Rows of a table that dense Adam updates in the time of a late row's read, and of its update.

Measured at D = 64 on one thread, 300,000 to 1 million rows: `random` is as fast either way at about
200,000 rows, `dns(candidates=32)`, which reads eleven times as many, at about 600,000.
"""
SHARE_OF_INPUT = 0.5
"""Of rows that a network reads: it takes 6 microseconds a row, one by one or all of them (two
towers, a million items, one thread), much more than Adam, and a row is read twice in some steps."""
CHUNK = 1 << 14
"""Rows updated at once: their vectors stay in the cache."""


def may_pay(table: RowTable, betas: tuple[float, float], weight_decay: float) -> bool:
    """Whether rows may be updated one by one: large tables on a CPU, where untouched rows rest."""
    rows = table.parameter
    large = rows.device.type == "cpu" and len(rows) > LEAST_ROWS
    return large and not weight_decay and 0 < ratio(betas) <= GREATEST_RATIO


class RowAdam(Optimizer):
    """Adam of one table; the first step decides whether by rows, or all of them as torch has it."""

    def __init__(
        self, table: RowTable, lr: float, betas: tuple[float, float], eps: float = 1e-8
    ) -> None:
        """Let the table bring its rows up to date here before they are read."""
        super().__init__([table.parameter], {"lr": lr, "betas": betas, "eps": eps})
        self.table, self.betas, self.eps, self.step_number = table, betas, eps, 0
        self.missed = MissedMoves(betas)
        self.whole: Adam | None = None
        """Set where the first step has read so many rows that updating all is quicker."""
        self.mean, self.square = (torch.zeros_like(table.parameter.data) for _ in range(2))
        rows = len(table.parameter)
        self.last = torch.zeros(rows, dtype=torch.int32)
        """The step that the moments of each row are those of."""
        self.moving = torch.zeros(rows, dtype=torch.bool)
        """Whether a row has momentum left."""
        table.catch_up = self.catch_up

    @property
    def by_rows(self) -> bool:
        """Whether rows are updated one by one."""
        return self.whole is None

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update the rows that the backward pass has reached; none where there was no such pass."""
        del closure
        table = self.table
        if self.by_rows and table.received is None:
            return
        if self.by_rows and self.step_number == 0 and self._reads_much():
            self._update_all_for_good()
        if self.whole is not None:
            self.whole.param_groups[0]["lr"] = self.param_groups[0]["lr"]
            self.whole.step()
            return
        for rows, gradient in self._gradients():
            self.catch_up(rows)
            self._update(rows, gradient)
        self.step_number += 1
        self.missed.advance(self.param_groups[0]["lr"])
        table.received = table.parameter.grad = None

    def catch_up(self, ids: AnyShape | None = None) -> None:
        """Make the moves that the rows `ids` [...], or all rows, have missed."""
        with torch.no_grad():
            if ids is None:
                behind = (self.moving & (self.last < self.step_number)).nonzero().squeeze(1)
            else:
                ids = ids.reshape(-1)
                late = self.last.index_select(0, ids) < self.step_number
                behind = ids[late & self.moving.index_select(0, ids)]
            for rows in torch.split(behind, CHUNK) if len(behind) else ():
                self._move(rows)

    def flush(self) -> None:
        """Bring all rows up to date; nothing before this step is remembered."""
        if self.by_rows:
            self.catch_up()
            self.missed.restart(self.step_number)

    def state_dict(self) -> dict[str, Any]:
        """The moments and their steps, of all rows brought up to date."""
        self.flush()
        if self.whole is not None:
            return {"whole": self.whole.state_dict()}
        names = ("step_number", "mean", "square", "last", "moving")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        if "whole" in state_dict:
            self._update_all_for_good()
            assert self.whole is not None
            self.whole.load_state_dict(state_dict["whole"])
            self.state = self.whole.state
            return
        self.step_number = state_dict["step_number"]
        for name in ("mean", "square", "last", "moving"):
            getattr(self, name).copy_(state_dict[name])
        self.missed.restart(self.step_number)

    def _reads_much(self) -> bool:
        """Whether the first step has read and reached so much that updating all is quicker."""
        table = self.table
        if table.is_input:
            return table.n_read > SHARE_OF_INPUT * len(table.parameter)
        reached = sum(len(ids) for ids, _ in table.received or ())
        cost = ROWS_PER_READ * table.n_read + ROWS_PER_UPDATE * reached
        return table.parameter.grad is not None or cost > len(table.parameter)

    def _update_all_for_good(self) -> None:
        """Hand the table over to Adam as torch has it, which updates all rows at once."""
        table, (group,) = self.table, self.param_groups
        if table.received is not None:
            table.whole()
        self.whole = Adam([table.parameter], group["lr"], self.betas, self.eps, fused=True)
        self.state = self.whole.state
        table.catch_up = table.received = None
        self.mean, self.square, self.last, self.moving = (torch.zeros(0) for _ in range(4))

    def _gradients(self) -> Any:
        """(rows [n], gradients [n, D]): each row of the table at most once."""
        gradient = self.table.parameter.grad
        if gradient is not None:
            for start in range(0, len(gradient), CHUNK):
                rows = torch.arange(start, min(start + CHUNK, len(gradient)))
                yield rows, gradient[start : start + CHUNK]
        elif received := self.table.received:
            ids = torch.cat([each for each, _ in received])
            rows, places = torch.unique(ids, return_inverse=True)
            total = self.mean.new_zeros(len(rows), self.mean.shape[1])
            parts = torch.split(places, [len(each) for each, _ in received])
            for part, (_, each) in zip(parts, received, strict=True):
                total.index_add_(0, part, each)
            yield from zip(torch.split(rows, CHUNK), torch.split(total, CHUNK), strict=True)

    def _move(self, rows: Tensor) -> None:
        """Move rows [n] by what they have missed; a row may stand in them more than once."""
        last = self.last.index_select(0, rows)
        moves, epsilons = self.missed.of(last)
        gap = (self.step_number - last).unsqueeze(1)
        values, mean, square = self._rows(rows)
        values.addcdiv_(mean * moves, square.sqrt().add_(epsilons * self.eps), value=-1)
        rests = gap >= self.missed.reach
        mean.mul_((self.betas[0] ** gap).masked_fill_(rests, 0))
        self._write(rows, values, mean, square.mul_(self.betas[1] ** gap))
        self.last.index_fill_(0, rows, self.step_number)
        self.moving.index_copy_(0, rows, ~rests.squeeze(1))

    def _update(self, rows: Tensor, gradient: Tensor) -> None:
        """Adam's step of rows [n], which stand in them once and are up to date."""
        step, (b1, b2) = self.step_number + 1, self.betas
        gap = (step - self.last.index_select(0, rows)).unsqueeze(1)
        values, mean, square = self._rows(rows)
        mean.lerp_(gradient, 1 - b1)
        square.mul_(b2**gap).addcmul_(gradient, gradient, value=1 - b2)
        below = square.sqrt().div_((1 - b2**step) ** 0.5).add_(self.eps)
        values.addcdiv_(mean, below, value=-self.param_groups[0]["lr"] / (1 - b1**step))
        self._write(rows, values, mean, square)
        self.last.index_fill_(0, rows, step)
        self.moving.index_fill_(0, rows, True)

    def _rows(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        tables = self.table.parameter.data, self.mean, self.square
        values, mean, square = (each.index_select(0, rows) for each in tables)
        return values, mean, square

    def _write(self, rows: Tensor, values: Tensor, mean: Tensor, square: Tensor) -> None:
        # By `data`: what a step has saved for its backward pass are rows that do not move in it.
        self.table.parameter.data.index_copy_(0, rows, values)
        self.mean.index_copy_(0, rows, mean)
        self.square.index_copy_(0, rows, square)
