"""Train pairs that a method holds apart to judge what it learns by: it may see no other truth."""

import numpy as np

from negbench import rng
from negbench.protocol import Csr


def carve(train: Csr, share: float, seed: int) -> Csr:
    """A share of the train pairs at random; one pair of every user is left, whatever the share."""
    generator = rng.numpy_stream(seed, "carved")
    order = generator.permutation(len(train))
    _, first = np.unique(train.rows[order], return_index=True)
    taken = np.delete(order, first)[: round(share * len(train))]
    taken.sort()
    users, items = train.rows[taken], train.indices[taken]
    return Csr.of(users, items, n_rows=train.n_rows, n_columns=train.n_columns)
