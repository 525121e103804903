"""The mean gradient of several processes, exchanged by touched rows where these are the less."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice

import torch
from torch import distributed, nn
from torch.optim import Optimizer

from negbench.ops.add_rows import add_rows
from negbench.ops.axes import AnyShape, Rows, Vectors
from negbench.protocol.row_table import RowTable
from negbench.training.optimisers import parameters_of
from negbench.training.row_adam import RowAdam
from negbench.training.row_moments import RowMoments, Saved

ROWS = 4096
"""Gradients of fewer rows are always exchanged whole."""


class AlikeRowAdam(RowAdam):
    """Adam by rows in several processes, which read other rows each and stay alike to the bit.

    Moves that a row has missed are made at once or in parts, by where it is read, and the sum of
    parts has other last bits. So a read is taken back before the step, and the rows that the
    processes have touched together are moved for good in all of them alike.
    """

    def __init__(self, table: RowTable, lr: float, betas: tuple[float, float]) -> None:
        """Of a table that all processes hold."""
        self._read: list[Saved] = []
        super().__init__(table, lr, betas)

    def step(self, closure: object = None) -> None:  # type: ignore[override]
        """Update the rows that any process has reached."""
        self._take_back()
        super().step(closure)
        self._read = []

    def flush(self) -> None:
        """Bring all rows up to date, in all processes alike."""
        self._take_back()
        super().flush()
        self._read = []

    def _catch_up(self, moments: RowMoments, rows: Rows) -> None:
        late = moments.behind(rows)
        self._read.append(moments.saved(late))
        super()._catch_up(moments, late)

    @torch.no_grad()
    def _take_back(self) -> None:
        if self.moments is not None:
            for saved in self._read:
                self.moments.restore(saved)
        self._read = []


@dataclass(frozen=True, eq=False)
class Sparse:
    """The rows that a gradient has reached: each once, in order."""

    ids: Rows
    rows: Vectors

    @classmethod
    def of_whole(cls, gradient: AnyShape) -> "Sparse":
        """Of a gradient [R, D] that is 0 at the other rows."""
        ids = (gradient != 0).any(1).nonzero().squeeze(1)
        return cls(ids, gradient.index_select(0, ids))

    @classmethod
    def received(cls, table: RowTable) -> "Sparse":
        """Of what single rows have received, a row maybe more than once."""
        width = table.parameter.shape[1]
        pieces = table.received or [(torch.zeros(0, dtype=torch.long), torch.zeros(0, width))]
        ids, part = torch.unique(torch.cat([ids for ids, _ in pieces]), return_inverse=True)
        rows = torch.zeros(len(ids), width)
        add_rows(rows, part, torch.cat([gradients for _, gradients in pieces]))
        return cls(ids, rows)

    def exchanged(self, counts: Sequence[int], share: float) -> list["Sparse"]:
        """Those of all processes, which have so many rows each, times each one's `share`."""
        most = max(counts)
        if not most:
            return []
        missing = most - len(self.ids)
        ids = gathered(torch.cat([self.ids, self.ids.new_zeros(missing)]))
        width = self.rows.shape[1]
        rows = gathered(torch.cat([self.rows * share, self.rows.new_zeros(missing, width)]))
        return [Sparse(i[:n], r[:n]) for i, r, n in zip(ids, rows, counts, strict=True)]


class OfParameter:
    """The gradient of a parameter that is updated whole."""

    def __init__(self, parameter: nn.Parameter) -> None:
        """Look which rows of it a step has touched, where it is a table of many."""
        self.parameter = parameter
        wide = parameter.dim() == 2 and len(parameter) > ROWS
        self.touched = Sparse.of_whole(whole(parameter)) if wide else None

    @property
    def header(self) -> list[int]:
        """What the other processes must know before the exchange."""
        touched = -1 if self.touched is None else len(self.touched.ids)
        return [self.parameter.grad is not None, touched]

    def exchange(self, share: float, headers: list[list[int]]) -> bool:
        """Exchange touched rows where they are few; whether it is still to be summed whole."""
        present, counts = headers
        if not any(present):
            return False
        gradient = self.parameter.grad = whole(self.parameter)
        if self.touched is None or len(counts) * max(counts) >= len(self.parameter):
            gradient.mul_(share)
            return True
        gradient.zero_()
        for each in self.touched.exchanged(counts, share):
            gradient.index_add_(0, each.ids, each.rows)
        return False


class OfTable:
    """The gradient of a table that is updated by rows."""

    def __init__(self, table: RowTable) -> None:
        """Sum up what each row has received."""
        self.table, self.parameter = table, table.parameter
        self.touched = Sparse.received(table)

    @property
    def header(self) -> list[int]:
        """What the other processes must know before the exchange."""
        table = self.table
        begun, all_rows = table.received is not None, table.parameter.grad is not None
        return [begun, all_rows, len(self.touched.ids), table.n_read]

    def exchange(self, share: float, headers: list[list[int]]) -> bool:
        """Exchange touched rows, unless a process has all; whether it is to be summed whole."""
        begun, all_rows, counts, reads = headers
        if not any(begun):
            return False
        self.table.n_read = sum(reads)
        if any(all_rows):
            self.table.whole().mul_(share)
            self.table.received = []  # a step all the same
            return True
        rows = self.touched.exchanged(counts, share)
        self.table.received = [(each.ids, each.rows) for each in rows]
        return False


def average(optimisers: Sequence[Optimizer], rows: int) -> None:
    """Set every gradient to its mean over all processes, weighted by the `rows` of each.

    A parameter that no process has a gradient of is left without. All processes hold the same
    bits afterwards.
    """
    late = [each.table for each in optimisers if isinstance(each, RowAdam) and each.by_rows]
    own = {id(table.parameter) for table in late}
    others = [p for p in parameters_of(optimisers) if id(p) not in own]
    gradients: list[OfParameter | OfTable] = [*map(OfParameter, others), *map(OfTable, late)]
    headers = [each.header for each in gradients]
    of_all = torch.stack(gathered(torch.tensor([rows, *chain(*headers)])))
    share, columns = rows / int(of_all[:, 0].sum()), iter(of_all.T[1:].tolist())
    left = [
        each.parameter
        for each, header in zip(gradients, headers, strict=True)
        if each.exchange(share, list(islice(columns, len(header))))
    ]
    sum_up([whole(parameter) for parameter in left])


def whole(parameter: nn.Parameter) -> AnyShape:
    """The gradient of a parameter, zeros where it has none yet."""
    if parameter.grad is None:
        return torch.zeros_like(parameter)
    return parameter.grad


def sum_up(gradients: Sequence[AnyShape]) -> None:
    """Sum these gradients over all processes, in place and in one message."""
    if not gradients:
        return
    flat = torch.cat([each.reshape(-1) for each in gradients])
    distributed.all_reduce(flat)
    totals = torch.split(flat, [each.numel() for each in gradients])
    for each, total in zip(gradients, totals, strict=True):
        each.copy_(total.view_as(each))


def gathered(values: AnyShape) -> list[AnyShape]:
    """The values [...] of all processes, of one shape, in their order."""
    parts = [torch.empty_like(values) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, values)
    return parts
