"""Adam for an embedding table, at the cost of the rows that a step touches.

Dense Adam moves every row in every step, by what is left of its momentum. Here a row is moved when
it is next read or touched, by the sum of what it has missed (`missed_moves`): its moments decay
exactly, and its place is that of dense Adam within the bound given there.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch.optim import Adam, Optimizer

from negbench.ops.axes import AnyShape, Rows, Vectors
from negbench.protocol.row_table import RowTable
from negbench.training.missed_moves import GREATEST_RATIO, ratio
from negbench.training.row_moments import RowMoments

LEAST_ROWS = 50_000
"""Tables of fewer rows are updated whole."""
ROWS_PER_READ, ROWS_PER_UPDATE = 6, 24
"""Rows of a table that dense Adam updates in the time of a late row's read, and of its update.

Measured at D = 64 on one thread, 300,000 to 1 million rows: `random` is as fast either way at about
200,000 rows, `dns(candidates=32)`, which reads eleven times as many, at about 600,000.
"""
COMPILED_ROWS_PER_READ, COMPILED_ROWS_PER_UPDATE = 2, 4
"""The same of compiled loops: 2 and 3 at 70,000 rows, 1 and 5 at a million."""
SHARE_OF_INPUT = 0.5
"""Of rows that a network reads: it takes 6 microseconds a row, one by one or all of them (two
towers, a million items, one thread), much more than Adam, and a row is read twice in some steps."""
STATE = ("mean", "square", "last", "moving")
"""What is kept of each row."""
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
        self.table = table
        # By `data`: what a step has saved for its backward pass are rows that do not move in it.
        self.moments: RowMoments | None = RowMoments(table.parameter.data, betas, eps)
        self.whole: Adam | None = None
        """Set where the first step has read so many rows that updating all is quicker."""
        table.catch_up = self.catch_up

    @property
    def by_rows(self) -> bool:
        """Whether rows are updated one by one."""
        return self.moments is not None

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update the rows that the backward pass has reached; none where there was no such pass."""
        del closure
        table, moments, lr = self.table, self.moments, self.param_groups[0]["lr"]
        if moments is not None and table.received is None:
            return
        if moments is not None and moments.step == 0 and self._reads_much(moments):
            self._update_all_for_good()
        if self.whole is not None:
            self.whole.param_groups[0]["lr"] = lr
            self.whole.step()
        elif moments is not None:
            for rows, gradient in self._gradients(moments):
                self._catch_up(moments, rows)
                moments.update(rows, gradient, lr)
            moments.advance(lr)
            table.received = table.parameter.grad = None

    @torch.no_grad()
    def catch_up(self, ids: AnyShape | None = None) -> None:
        """Make the moves that the rows `ids` [...], or all rows, have missed."""
        if self.moments is not None:
            rows = self.moments.behind() if ids is None else ids.reshape(-1)
            for each in torch.split(rows, CHUNK) if len(rows) else ():
                self._catch_up(self.moments, each)

    def flush(self) -> None:
        """Bring all rows up to date; nothing before this step is remembered."""
        if self.moments is not None:
            self.catch_up()
            self.moments.missed.restart(self.moments.step)

    def state_dict(self) -> dict[str, Any]:
        """The moments and their steps, of all rows brought up to date."""
        self.flush()
        if self.moments is None:
            assert self.whole is not None
            return {"whole": self.whole.state_dict()}
        return {
            "step_number": self.moments.step,
            **{name: getattr(self.moments, name) for name in STATE},
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        if "whole" in state_dict:
            self._update_all_for_good()
            assert self.whole is not None
            self.whole.load_state_dict(state_dict["whole"])
            self.state = self.whole.state
        elif (moments := self.moments) is not None:
            moments.step = state_dict["step_number"]
            for name in STATE:
                getattr(moments, name).copy_(state_dict[name])
            moments.missed.restart(moments.step)

    def _catch_up(self, moments: RowMoments, rows: Rows) -> None:
        moments.catch_up(rows)

    def _reads_much(self, moments: RowMoments) -> bool:
        """Whether the first step has read and reached so much that updating all is quicker."""
        table = self.table
        if table.is_input:
            return table.n_read > SHARE_OF_INPUT * len(table.parameter)
        reached = sum(len(ids) for ids, _ in table.received or ())
        per_read, per_update = ROWS_PER_READ, ROWS_PER_UPDATE
        if moments.compiled:
            per_read, per_update = COMPILED_ROWS_PER_READ, COMPILED_ROWS_PER_UPDATE
        cost = per_read * table.n_read + per_update * reached
        return table.parameter.grad is not None or cost > len(table.parameter)

    def _update_all_for_good(self) -> None:
        """Hand the table over to Adam as torch has it, which updates all rows at once."""
        table, (group,) = self.table, self.param_groups
        if table.received is not None:
            table.whole()
        options = group["lr"], group["betas"], group["eps"]
        self.whole = Adam([table.parameter], *options, fused=True)
        self.state = self.whole.state
        self.moments = table.catch_up = table.received = None

    def _gradients(self, moments: RowMoments) -> Iterator[tuple[Rows, Vectors]]:
        """(rows [n], gradients [n, D]): each row of the table at most once."""
        gradient = self.table.parameter.grad
        if gradient is None:
            rows, gradient = moments.summed(self.table.received or [])
        else:
            rows = torch.arange(len(gradient))
        yield from zip(torch.split(rows, CHUNK), torch.split(gradient, CHUNK), strict=True)
