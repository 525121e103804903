"""Item vectors that are encoded when they are read: a catalogue that never exists as a matrix.

A user's own loop may give items as a function, encode(ids [n]) -> [n, D], instead of the matrix
[I, D], and a backbone of ours with a network over a large table does. Parts read them as before:
the two tensors here stand for the matrix and for the positives' rows, and hold no numbers. An id is
encoded once a step, or twice where it is read without gradient before it is read with it. To read
the whole catalogue, as a matrix or by all ids in their order, is refused where the function is a
user's; a backbone's own is asked for all ids then.
"""

from collections.abc import Callable
from typing import Any, Self, TypeVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.errors import UserError, shown
from negbench.ops.axes import AnyShape, AnyVectors, ItemVectors, Rows, Vectors

T = TypeVar("T", bound=Tensor)
CATALOGUE = "catalogue"
"""What the card of a method `needs` that reads all item vectors; every backbone has them."""
Encode = Callable[[Rows], Vectors]
"""`encode(ids [n]) -> [n, D]`: the vectors of n different items, int64 ids, with gradient."""
PER_ROW = 16
"""Of a catalogue of fewer items a row than this, what a step draws may be all."""


def catalogue_refused(method: str) -> UserError:
    """The error of a method that reads all item vectors where a function gives them by ids."""
    return UserError(
        f"{method} reads the vectors of all items, and a function encode(ids) is asked for what is "
        "drawn alone; give the item matrix [I, D], or take a method that reads its draws alone, "
        "such as random, popularity or dns"
    )


class Known:
    """The vectors of those ids that have been encoded."""

    def __init__(self, like: Vectors) -> None:
        """None yet; vectors will be of the kind of `like` [B, D]."""
        self.ids: Rows = torch.zeros(0, dtype=torch.int64, device=like.device)
        self.vectors: Vectors = like.new_zeros(0, like.shape[1])

    def missing(self, ids: AnyShape) -> Rows:
        """Those of ids [...] that are not known, each once and ascending: [n]."""
        distinct: Rows = torch.unique(ids)
        return distinct[~torch.isin(distinct, self.ids)]

    def add(self, ids: Rows, vectors: Vectors) -> None:
        """Add the vectors [n, D] of ids [n] that were missing."""
        self.ids, order = torch.cat([self.ids, ids]).sort()
        self.vectors = torch.cat([self.vectors, vectors]).index_select(0, order)

    def rows(self, ids: AnyShape) -> AnyVectors:
        """The vectors [..., D] of known ids [...]."""
        return F.embedding(torch.searchsorted(self.ids, ids), self.vectors)


class EncodedItems(Tensor):
    """Stands for the item matrix [I, D] of a step: rows are encoded by their ids."""

    method: str
    encode: Encode
    learning: Known
    """What was read with gradient."""
    resting: Known
    """What was read without."""
    like: Tensor
    detached: bool
    refuses_all: bool
    """Whether a read of all items is an error; else `encode` is asked for all ids."""

    @classmethod
    def of(
        cls,
        encode: Encode,
        n_items: int,
        like: AnyVectors,
        method: str,
        *,
        refuses_all: bool = True,
    ) -> Self:
        """Items 0..I-1 beside the vectors `like` [B, D]: of their width, type and device.

        `method` is who reads them, for errors.
        """
        items = _stand_in(cls, n_items, like)
        items.method, items.encode, items.like, items.detached = method, encode, like, False
        items.refuses_all = refuses_all
        items.forget()
        return items

    def forget(self) -> None:
        """Encode anew from now on, as after an update of the model."""
        self.learning, self.resting = Known(self.like), Known(self.like)

    def rows(self, ids: AnyShape) -> AnyVectors:
        """The vectors [..., D] of ids [...], with gradient where it is enabled.

        Raises UserError where these are all ids in their order, and ValueError where `encode`
        returns another shape.
        """
        return self.encoded(ids).rows(ids)

    def encoded(self, *ids: AnyShape) -> Known:
        """Encode all of these, each [...], in one call, as far as they are not known.

        Raises UserError where one is all ids in their order, and ValueError where `encode` returns
        another shape.
        """
        if self.refuses_all and any(self._is_whole(each) for each in ids):
            raise catalogue_refused(self.method)
        learns = torch.is_grad_enabled() and not self.detached
        known = self.learning if learns else self.resting
        missing = known.missing(torch.cat([each.reshape(-1) for each in ids]))
        if len(missing):
            vectors = self._ask(missing, learns)
            known.add(missing, vectors)
            if learns:
                new = torch.isin(missing, self.resting.missing(missing))
                self.resting.add(missing[new], vectors.detach()[new])
        return known

    def _is_whole(self, ids: Tensor) -> bool:
        """Whether these are a mask of items, or all ids in their order."""
        if ids.dtype == torch.bool:
            return True
        n_items, rows = self.shape[0], len(self.like)
        if not ids.dim() or ids.shape[-1] != n_items or n_items <= PER_ROW * rows:
            return False
        return bool((ids.diff(dim=-1) == 1).all())

    def _ask(self, ids: Tensor, learns: bool) -> Tensor:
        expected = (len(ids), self.shape[1])
        if not self.shape[1]:
            raise UserError(
                f"{self.method} reads vectors before their width is known; add dim=D to "
                "negbench.attach"
            )
        with torch.set_grad_enabled(learns):
            vectors = self.encode(ids)
        if not isinstance(vectors, Tensor):
            raise ValueError(
                f"`items`, as a function, must return a tensor, {list(expected)}; got "
                f"{shown(vectors)}"
            )
        if vectors.shape != expected or not vectors.is_floating_point():
            raise ValueError(
                f"`items`, as a function, must return a vector of each id, {list(expected)}; got "
                f"{list(vectors.shape)}, {vectors.dtype}"
            )
        return vectors

    def at_rest(self) -> Self:
        """The same items without gradient; what is known is shared."""
        twin = self.of(
            self.encode, self.shape[0], self.like, self.method, refuses_all=self.refuses_all
        )
        twin.learning, twin.resting, twin.detached = self.learning, self.resting, True
        return twin

    def all_rows(self) -> ItemVectors:
        """The vectors of all items, [I, D]. Raises UserError where that is refused."""
        if self.refuses_all:
            raise catalogue_refused(self.method)
        return self.rows(torch.arange(self.shape[0], device=self.like.device))

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Encode the rows that are taken by ids. Raises UserError for a refused read of all."""
        if func in DESCRIBES:
            return _described(func, args, kwargs)
        match func, args:
            case torch.Tensor.detach, (EncodedItems() as items,):
                return items.at_rest()
            case torch.Tensor.__getitem__, (EncodedItems() as items, Tensor() as ids) if (
                items.refuses_all or ids.dtype == torch.int64
            ):
                return items.rows(ids)
            case F.embedding, (Tensor() as ids, EncodedItems() as items):
                return items.rows(ids)
            case torch.Tensor.index_select, (EncodedItems() as items, 0, Tensor() as ids):
                return items.rows(ids)
        return func(*read(args), **read(kwargs or {}))


class EncodedRows(Tensor):
    """Stands for the vectors [B, D] of the positives: they are encoded when they are first read.

    So the loss can have them encoded together with its negatives.
    """

    items: EncodedItems
    ids: Rows

    @classmethod
    def of(cls, items: EncodedItems, ids: Rows) -> Self:
        """The rows of ids [B]."""
        rows = _stand_in(cls, len(ids), items.like)
        rows.items, rows.ids = items, ids
        return rows

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Put the vectors in the place of what stands for them."""
        if func in DESCRIBES:
            return _described(func, args, kwargs)
        with torch.set_grad_enabled(torch.is_grad_enabled() and func is not torch.Tensor.detach):
            args, kwargs = read(args), read(kwargs or {})
        return func(*args, **kwargs)


DESCRIBES = {
    torch.Tensor.__len__,
    torch.Tensor.dim,
    torch.Tensor.numel,
    torch.Tensor.size,
    torch.Tensor.is_floating_point,
    *(
        cast(Any, getattr(torch.Tensor, name)).__get__
        for name in ("shape", "device", "dtype", "ndim", "is_cuda", "requires_grad")
    ),
}
"""What asks for the shape or the kind of a tensor, and reads none of its numbers."""


def _stand_in(cls: type[T], rows: int, like: Tensor) -> T:
    """A tensor [rows, D] without numbers: one NaN, repeated, which takes no memory."""
    nan = torch.full((1, 1), torch.nan, dtype=like.dtype, device=like.device)
    with torch._C.DisableTorchFunctionSubclass():
        stand_in = nan.expand(rows, like.shape[1]).as_subclass(cls).requires_grad_()
        stand_in.register_hook(_lost)  # type: ignore[no-untyped-call]
    return cast(T, stand_in)


def _described(func: Any, args: Any, kwargs: Any) -> Any:
    with torch._C.DisableTorchFunctionSubclass():
        return func(*args, **(kwargs or {}))


def _lost(gradient: Tensor) -> None:
    raise UserError(
        "a custom autograd function took item vectors that are encoded by their ids, and its "
        "gradient would be lost; read them by view.rows(ids), or give the item matrix [I, D]"
    )


def read(value: Any) -> Any:
    """The vectors in the place of what stands for them, also within lists, tuples and mappings.

    Raises UserError for all items where that is refused.
    """
    if isinstance(value, EncodedRows):
        return value.items.rows(value.ids)
    if isinstance(value, EncodedItems):
        return value.all_rows()
    if isinstance(value, list | tuple):
        return type(value)(map(read, value))
    return {name: read(each) for name, each in value.items()} if isinstance(value, dict) else value
