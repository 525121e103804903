"""An embedding table that an optimiser may update row by row, where each read makes rows ready.

Adam moves a row long after its last gradient, by what is left of its momentum. An optimiser that
puts these moves off has to make them before the row is read. So a step is given `LateRows`, which
stand for the table: rows that are taken by ids are brought up to date first, and all rows where
anything else is done. Without such an optimiser (`by_rows` is off) a step has the plain table.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, Protocol, Self, cast, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from negbench.ops.add_rows import add_rows
from negbench.ops.axes import AnyShape, ItemVectors, Scores, UserVectors, Vectors
from negbench.protocol.encoded_items import DESCRIBES
from negbench.protocol.view import View

GIVES_NO_ROWS = DESCRIBES | {
    torch.Tensor.requires_grad_,
    cast(Any, torch.Tensor.grad).__get__,
    cast(Any, torch.Tensor.is_leaf).__get__,
}
"""What is asked of a table without reading its numbers."""


FEW = 0.25
"""Share of the rows up to which they are zeroed one by one."""


class RowTable:
    """A table [R, D], brought up to date where it is read, and the gradients that its rows receive.

    The backbone gives a step `parts` of it and calls `begin` and `add` in its backward pass; the
    optimiser sets `catch_up`, and takes `received` or `whole` in its step.
    """

    def __init__(self, parameter: nn.Parameter, *, is_input: bool = False) -> None:
        """Of a parameter [R, D]; `is_input` where a network computes the vectors of its rows."""
        self.parameter, self.is_input = parameter, is_input
        self.catch_up: Callable[[Tensor | None], None] | None = None
        """The optimiser's: makes the moves that these rows, or all, have been spared so far."""
        self.received: list[tuple[Tensor, Tensor]] | None = None
        """(row ids [n], gradients [n, D]) of this step; None before its backward pass."""
        self.n_read = 0
        """Rows read in this step, a row each time that it is."""
        self.declared = False
        """Whether what is read has been brought up to date already."""
        self.touched: list[Tensor] | None = None
        """The ids of the rows whose gradient may not be 0; None where any may not."""

    @property
    def by_rows(self) -> bool:
        """Whether an optimiser updates the table row by row."""
        return self.catch_up is not None

    def parts(self, n_users: int) -> tuple[UserVectors, ItemVectors]:
        """The rows of the users and of the items, without gradient, for a step that begins."""
        table, self.n_read = self.parameter.detach(), 0
        users, items = table[:n_users], table[n_users:]
        if not self.by_rows:
            return users, items
        return LateRows.of(users, self, 0), LateRows.of(items, self, n_users)

    def read(self, ids: AnyShape | None = None) -> None:
        """Bring the rows `ids` [...], or all of them, up to date, as they are to be read."""
        if self.catch_up is not None and not self.declared:
            self.n_read += len(self.parameter) if ids is None else ids.numel()
            self.catch_up(ids)

    def begin(self) -> None:
        """Begin the backward pass of a step: even one without a gradient is a step of Adam."""
        if self.by_rows:
            self.received = []
        elif self.parameter.grad is None:
            self.whole()

    def add(self, ids: AnyShape, gradients: AnyShape) -> None:
        """Add gradients [..., D] to those of the rows `ids` [...]."""
        ids, gradients = ids.reshape(-1), gradients.reshape(-1, self.parameter.shape[1])
        if self.received is not None and self.parameter.grad is None:
            self.received.append((ids, gradients))
        else:
            add_rows(self.at(ids), ids, gradients)

    def at(self, ids: AnyShape) -> AnyShape:
        """The gradient of all rows [R, D], in which only the rows `ids` [...] are changed."""
        touched = None if self.parameter.grad is None else self.touched
        gradient = self.whole()
        self.touched = None if touched is None else [*touched, ids]
        return gradient

    def zero(self) -> None:
        """Zero the gradient: of the rows that were touched, where these are few.

        All of it where none was touched here: autograd may have filled it, as that of a network's
        input.
        """
        gradient, touched = self.parameter.grad, self.touched
        self.touched = []
        if gradient is None:
            return
        few = FEW * len(gradient)
        if self.is_input or not touched or sum(map(torch.numel, touched)) > few:
            gradient.zero_()
        else:
            for ids in touched:
                gradient.index_fill_(0, ids.reshape(-1), 0)

    def whole(self) -> AnyShape:
        """The gradient of all rows [R, D], with what single rows have received before."""
        self.touched = None
        if self.parameter.grad is None:
            self.parameter.grad = torch.zeros_like(self.parameter)
            for ids, gradients in self.received or ():
                add_rows(self.parameter.grad, ids, gradients)
        return self.parameter.grad

    def __deepcopy__(self, memo: dict[int, Any]) -> "RowTable":
        """A copy of the table as it is read now, without the optimiser."""
        self.read()
        copy = RowTable(deepcopy(self.parameter, memo), is_input=self.is_input)
        copy.parameter.data.copy_(self.parameter.data)
        return copy


@runtime_checkable
class HasRowTable(Protocol):
    """A backbone with a table that may be updated row by row."""

    rows: RowTable


class LateRows(Tensor):
    """Stands for rows of a table, from row `first` on, which are brought up to date when read."""

    table: RowTable
    first: int

    @classmethod
    def of(cls, rows: AnyShape, table: RowTable, first: int) -> Self:
        """These rows [n, D] of the table; nothing is copied."""
        late = rows.as_subclass(cls)
        late.table, late.first = table, first
        return late

    @contextmanager
    def reading(self, ids: AnyShape | None) -> Iterator[None]:
        """Within, the rows `ids` [...] alone are read (all, where None), whatever takes them."""
        self.table.read(None if ids is None else ids + self.first)
        self.table.declared = True
        try:
            yield
        finally:
            self.table.declared = False

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Bring up to date what is read, and give plain tensors."""
        match func, args:
            case torch.Tensor.detach, (LateRows() as late,) if not late.table.declared:
                with torch._C.DisableTorchFunctionSubclass():
                    return cls.of(late.detach(), late.table, late.first)
            case F.embedding, (Tensor() as ids, LateRows() as late, *_):
                late.table.read(ids + late.first)
            case torch.Tensor.index_select, (LateRows() as late, 0, Tensor() as ids):
                late.table.read(ids + late.first)
            case torch.Tensor.__getitem__, (LateRows() as late, Tensor() as ids) if is_ids(ids):
                late.table.read(ids % len(late) + late.first)  # -1 is the last row
            case _ if func not in GIVES_NO_ROWS:
                for late in all_late([args, list((kwargs or {}).values())]):
                    late.table.read()
        with torch._C.DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {}))


def is_ids(index: AnyShape) -> bool:
    """Whether an index is a tensor of ids, and not a mask."""
    return index.dtype == torch.int64


def all_late(values: Any) -> Iterator[LateRows]:
    """The `LateRows` in nested lists and tuples."""
    if isinstance(values, list | tuple):
        for value in values:
            yield from all_late(value)
    elif isinstance(values, LateRows):
        yield values


class RowView(View):
    """A View of `LateRows`: products that read items in place say which."""

    def _sampled_dot(self, ids: AnyShape, query: Vectors) -> Scores:
        if not isinstance(self.items, LateRows):
            return super()._sampled_dot(ids, query)
        by_ids = self.similarity.kind == "dot"  # else the lengths of all items may be read
        with self.items.reading(ids if by_ids else None):
            return super()._sampled_dot(ids, query)
