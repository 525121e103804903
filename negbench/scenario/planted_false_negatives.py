"""Planted false negatives: train positives hidden on purpose, so that it is known what they are.

A share of the train pairs is moved to "unobserved": they may be drawn as negatives like any item
that the user has not had, and only the probes know better. Every user keeps one train pair at
least. When items are ranked the planted pairs are masked, as if they were seen: they are neither
right nor wrong answers. The design is that of SRNS (Ding et al., NeurIPS 2020).
"""

from dataclasses import replace

import numpy as np

from negbench.data.interactions import Csr, Split
from negbench.ops.rng import numpy_stream


def plant(parts: Split, share: float, *, seed: int = 0) -> tuple[Split, Csr]:
    """Hide this share of the train pairs: the split without them, and the planted pairs."""
    train = parts.train
    order = numpy_stream(seed, "plant").permutation(len(train))
    # The first of a user's pairs in this order stays: every user keeps something to learn from.
    _, firsts = np.unique(train.rows[order], return_index=True)
    free = np.delete(order, firsts)
    hidden = np.zeros(len(train), bool)
    hidden[free[: round(share * len(train))]] = True
    kept, planted = (_pick(train, which) for which in (~hidden, hidden))
    return replace(parts, train=kept), planted


def _pick(pairs: Csr, which: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Csr:
    return Csr.of(
        pairs.rows[which], pairs.indices[which], n_rows=pairs.n_rows, n_columns=pairs.n_columns
    )
