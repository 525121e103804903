"""Items that a user is likely to like: what users with common items have, two hops in train."""

import numpy as np
import torch
from torch import Tensor

from negbench.protocol import TrainContext

BLOCK = 1 << 23
"""Counts that are held at once."""


def likely_positives(context: TrainContext, n: int = 20) -> tuple[Tensor, Tensor]:
    """The n unmet items of each user with the largest count in X X' X, [U, n], and a mask.

    X [U, I] is train. Masked are places where fewer items are met at two hops.
    """
    train, n = context.train.matrix(), min(n, context.n_items)
    other, found, counts = train.T.tocsr(), [], []
    size = max(1, BLOCK // context.n_items)
    for start in range(0, context.n_users, size):
        own = train[start : start + size]
        met = np.asarray((own @ other @ train).todense(), np.float32)
        met[own.nonzero()] = 0
        best = np.argsort(-met, axis=1, kind="stable")[:, :n]
        found.append(best)
        counts.append(np.take_along_axis(met, best, 1))
    ids, mask = np.concatenate(found), np.concatenate(counts) > 0
    return (
        torch.from_numpy(ids.astype(np.int64)).to(context.device),
        torch.from_numpy(mask).to(context.device),
    )
