"""Train pairs that a method holds apart to judge what it learns by: it may see no other truth."""

import numpy as np

from negbench.ops import rng
from negbench.protocol import Csr


def carve(train: Csr, share: float, seed: int) -> tuple[Csr, Csr]:
    """What is carved and what is left: random pairs, but one pair of every user is left.

    `share` of all pairs is carved as far as users can spare them, and at least one if any can.
    """
    order = rng.numpy_stream(seed, "carved").permutation(len(train))
    _, first = np.unique(train.rows[order], return_index=True)
    spare = np.delete(order, first)
    out = np.zeros(len(train), bool)
    out[spare[: max(1, round(share * len(train)))]] = True
    return _part(train, out), _part(train, ~out)


def _part(train: Csr, inside: np.ndarray) -> Csr:
    rows, columns = train.rows[inside], train.indices[inside]
    return Csr.of(rows, columns, n_rows=train.n_rows, n_columns=train.n_columns)
