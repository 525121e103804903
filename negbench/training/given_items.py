"""Item vectors as a user's own loop gives them: a matrix, or a function of ids."""

import torch

from negbench.ops.axes import AnyVectors, ItemVectors, Rows, Vectors
from negbench.protocol.encoded_items import (
    CATALOGUE,
    Encode,
    EncodedItems,
    EncodedRows,
    catalogue_refused,
)
from negbench.training.precision import Precision


def item_vectors(
    items: ItemVectors | Encode,
    like: AnyVectors,
    precision: Precision,
    n_items: int,
    method: str,
    needs: tuple[str, ...],
) -> ItemVectors:
    """The matrix [I, D], or what stands for it where a function gives rows like `like` [B, D].

    Raises UserError for a function where the card of the method says that it reads all items.
    """
    if isinstance(items, torch.Tensor):
        return precision.vectors(items)
    if CATALOGUE in needs:
        raise catalogue_refused(method)
    encode = precision.encoder(items, like.device)
    return EncodedItems.of(encode, n_items, precision.vectors(like.detach()), method)


def rows_of(items: ItemVectors, ids: Rows) -> Vectors:
    """The vectors [B, D] of ids [B]; those of a function are encoded when they are read."""
    return EncodedRows.of(items, ids) if isinstance(items, EncodedItems) else items[ids]
