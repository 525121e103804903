"""The rows that a user's own training loop gives: their shapes, and which of them count."""

from typing import Any

import torch
from torch import Tensor

from negbench.ops.axes import ItemVectors, Mask, Rows, Vectors
from negbench.protocol.encoded_items import Encode
from negbench.training.given_values import require_tensor


def check_shapes(
    query: Vectors,
    items: ItemVectors | Encode,
    users: Rows,
    positives: Rows,
    mask: Mask | None,
    n_items: int,
) -> None:
    """Check query [B, D], items [I, D] or a function, users [B], positives [B] and mask [B].

    Raises ValueError where one is no tensor, a shape is another, or the mask is not bool.
    """
    given = {"query": query, "users": users, "positives": positives}
    for name, value in (given | ({} if mask is None else {"mask": mask})).items():
        require_tensor(value, name)
    if not callable(items):
        require_tensor(items, "items")
    rows, matrix = len(users) if users.dim() else 0, items if isinstance(items, Tensor) else None
    width = query.shape[-1] if matrix is None else matrix.shape[-1]
    if users.dim() != 1 or query.shape != (rows, width) or positives.shape != (rows,):
        beside = "a function" if matrix is None else list(matrix.shape)
        raise ValueError(
            f"`query` must be [B, D], `users` and `positives` [B]; got {list(query.shape)}, "
            f"{list(users.shape)} and {list(positives.shape)} with items {beside}"
        )
    if matrix is not None and matrix.shape != (n_items, width):
        raise ValueError(
            f"`items` must hold every item's vector, [{n_items}, D]; got {list(matrix.shape)}"
        )
    if mask is not None and (mask.shape != (rows,) or mask.dtype != torch.bool):
        raise ValueError(
            f"`mask` must be bool, [{rows}], True for the rows that count; got {mask.dtype}, "
            f"{list(mask.shape)}"
        )


def check_tables(
    items: ItemVectors | Encode, users: Vectors | None, n_items: int, n_users: int
) -> None:
    """Check the vectors of an epoch: of all items [I, D] or a function, and of all users [U, D].

    Raises ValueError where one is no tensor, or has another number of rows.
    """
    for name, vectors, n in (("items", items, n_items), ("users", users, n_users)):
        if vectors is None or (
            name == "items" and not isinstance(vectors, Tensor) and callable(vectors)
        ):
            continue
        require_tensor(vectors, name)
        assert isinstance(vectors, Tensor)
        if vectors.dim() != 2 or len(vectors) != n:
            raise ValueError(
                f"`{name}` must hold a vector of each, [{n}, D]; got {list(vectors.shape)}"
            )


def counted(positives: Rows, mask: Rows | None, ignore_index: int | None) -> Rows | None:
    """Which rows count, [B]: those of the mask whose positive is not `ignore_index`; None: all."""
    if ignore_index is None:
        return mask
    known = positives != ignore_index
    return known if mask is None else mask & known


def at_rest(given: Any) -> Any:
    """A tensor, or a function of tensors, without gradient; None stays.

    Tensors of `torch.inference_mode` are copied: no part could differentiate beside them.
    """
    if isinstance(given, Tensor):
        return given.clone() if given.is_inference() else given.detach()
    return torch.no_grad()(given) if callable(given) else given
