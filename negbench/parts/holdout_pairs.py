"""Hold out a part of the train pairs, as the validation set of a method's own objective."""

import numpy as np

from negbench.ops import rng
from negbench.protocol import Csr


def hold_out(train: Csr, share: float, seed: int) -> tuple[Csr, Csr]:
    """The held-out and the remaining pairs: chosen at random, but every user keeps one pair.

    `share` of all pairs is held out as far as users can spare them, and at least one if any can. A
    pair that comes again counts once, so what is held out is not among what remains.
    """
    train = train.distinct
    order = rng.numpy_stream(seed, "carved").permutation(len(train))
    _, first = np.unique(train.rows[order], return_index=True)
    spare = np.delete(order, first)
    out = np.zeros(len(train), bool)
    out[spare[: max(1, round(share * len(train)))]] = True
    return _part(train, out), _part(train, ~out)


def _part(train: Csr, inside: np.ndarray) -> Csr:
    rows, columns = train.rows[inside], train.indices[inside]
    return Csr.of(rows, columns, n_rows=train.n_rows, n_columns=train.n_columns)
