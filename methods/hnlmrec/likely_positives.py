"""Likely positives of each user: what users with common items have, two hops in train."""

import numpy as np
import torch

from negbench.protocol import TrainContext, UserItems

BLOCK = 1 << 23
"""Counts that are held at once."""


def likely_positives(context: TrainContext, n: int = 20) -> tuple[UserItems, UserItems]:
    """The n unseen items of each user with the largest count in X X' X, [U, n], and a mask.

    X [U, I] is train. The mask is False where a user has fewer items at two hops.
    """
    train, n = context.train.matrix(), min(n, context.n_items)
    other, id_blocks, count_blocks = train.T.tocsr(), [], []
    size = max(1, BLOCK // context.n_items)
    for start in range(0, context.n_users, size):
        own = train[start : start + size]
        paths = np.asarray((own @ other @ train).todense(), np.float32)
        paths[own.nonzero()] = 0
        best = np.argsort(-paths, axis=1, kind="stable")[:, :n]
        id_blocks.append(best)
        count_blocks.append(np.take_along_axis(paths, best, 1))
    ids, mask = np.concatenate(id_blocks), np.concatenate(count_blocks) > 0
    return (
        torch.from_numpy(ids.astype(np.int64)).to(context.device),
        torch.from_numpy(mask).to(context.device),
    )
