"""The training context of a user's own pairs, for training loops outside the suite."""

import numpy as np
import torch
from numpy.typing import ArrayLike

from negbench.data.interactions import Csr
from negbench.data.membership import Membership
from negbench.errors import UserError
from negbench.protocol.context import TrainContext
from negbench.training.given_values import MOST, own_device, pair_ids, whole_number


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

    Raises UserError for lists of two lengths or without any pair, for what are no ids, for ids out
    of range, and for a device that is not here.
    """
    rows, columns = pair_ids(users, "users"), pair_ids(items, "items")
    if rows.shape != columns.shape or rows.ndim != 1 or not len(rows):
        raise UserError(
            "`users` and `items` must be two lists of ids of one length, of one train pair at "
            f"least; got {rows.shape} and {columns.shape}"
        )
    sizes = []
    for name, ids, n in (("users", rows, n_users), ("items", columns, n_items)):
        size = int(ids.max()) + 1 if n is None else whole_number(n, f"n_{name}", 1)
        if size > MOST:
            raise UserError(f"`n_{name}` must be at most {MOST:,}; got {size}")
        if ids.min() < 0 or ids.max() >= size:
            wrong = ids[(ids < 0) | (ids >= size)][0]
            raise UserError(f"`{name}` must lie in 0..{size - 1}, counted from 0; got {wrong}")
        sizes.append(size)
    where = own_device(device)
    train = Csr.of(rows, columns, n_rows=sizes[0], n_columns=sizes[1])
    return TrainContext(
        train=train,
        counts=torch.from_numpy(train.counts.astype(np.float32)).to(where),
        excluded=Membership.of(train, device=where),
        device=where,
        seed=seed,
        width=width,
    )
