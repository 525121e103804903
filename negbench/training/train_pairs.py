"""The training context of a user's own pairs, for training loops outside the suite."""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from negbench.data.interactions import Csr
from negbench.data.membership import Membership
from negbench.errors import UserError
from negbench.protocol.context import TrainContext


def context_of_pairs(
    users: ArrayLike,
    items: ArrayLike,
    n_users: int | None,
    n_items: int | None,
    *,
    seed: int,
    device: str,
    width: int = 0,
) -> TrainContext:
    """Train pairs by their ids [n], counted from 0, which are excluded as negatives.

    Raises UserError for lists of two lengths, for what are no ids, and for ids out of range.
    """
    rows, columns = _ids(users, "users"), _ids(items, "items")
    if rows.shape != columns.shape or rows.ndim != 1 or not len(rows):
        raise UserError(
            f"`users` and `items` must be two lists of ids of one length; got {rows.shape} and "
            f"{columns.shape}"
        )
    n_users, n_items = n_users or int(rows.max()) + 1, n_items or int(columns.max()) + 1
    for name, ids, n in (("users", rows, n_users), ("items", columns, n_items)):
        if ids.min() < 0 or ids.max() >= n:
            wrong = ids[(ids < 0) | (ids >= n)][0]
            raise UserError(f"`{name}` must lie in 0..{n - 1}, counted from 0; got {wrong}")
    train = Csr.of(rows, columns, n_rows=n_users, n_columns=n_items)
    where = torch.device(device)
    return TrainContext(
        train=train,
        counts=torch.from_numpy(train.counts.astype(np.float32)).to(where),
        excluded=Membership.of(train, device=where),
        device=where,
        seed=seed,
        width=width,
    )


def _ids(values: ArrayLike, name: str) -> NDArray[Any]:
    ids = np.asarray(values)
    if ids.dtype.kind not in "iu":
        raise UserError(
            f"`{name}` must be whole numbers, ids counted from 0; got {ids.dtype}; number them, "
            "for instance by pandas.factorize"
        )
    return ids.astype(np.int64)
