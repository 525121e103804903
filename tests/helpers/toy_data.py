"""Small data sets and train contexts shared by tests."""

import numpy as np
import torch

from negbench.data.interactions import Csr, Interactions
from negbench.data.membership import Membership
from negbench.protocol.context import TrainContext


def small_interactions(n_users=40, n_items=30, n=600, seed=0, order="time") -> Interactions:
    """Users of two tastes over two halves of the catalogue, so that a model can learn them."""
    rng = np.random.default_rng(seed)
    users = rng.integers(0, n_users, n)
    half = n_items // 2
    items = (rng.random(n) ** 2 * half).astype(int) + (users % 2) * half
    pairs = np.unique(np.stack([users, items], 1), axis=0)
    pairs = pairs[rng.permutation(len(pairs))]
    times = np.arange(len(pairs), dtype=float) if order == "time" else None
    return Interactions(
        "small", pairs[:, 0], pairs[:, 1], n_users, n_items, times=times, order=order
    )


def context_of(train: Csr, seed: int = 0) -> TrainContext:
    return TrainContext(
        train, torch.from_numpy(train.counts).float(), Membership.of(train), seed=seed
    )


def small_context(seed: int = 0, **size) -> TrainContext:
    data = small_interactions(**size)
    train = Csr.of(data.users, data.items, n_rows=data.n_users, n_columns=data.n_items)
    return context_of(train, seed)
