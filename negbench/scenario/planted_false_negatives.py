"""Planted false negatives: train positives hidden on purpose, so that false negatives are known.

A share of the train pairs is moved to "unobserved": they may be drawn as negatives like any unseen
item of the user; only the probes know them. Every user keeps at least one train pair. In rankings
the planted pairs are masked as seen items: they are neither relevant nor irrelevant. The design is
that of SRNS (Ding et al., NeurIPS 2020).
"""

from dataclasses import replace

import numpy as np

from negbench.data.interactions import Csr, Split
from negbench.data.number_words import counted
from negbench.errors import UserError
from negbench.ops.rng import numpy_stream


def plant(parts: Split, share: float, *, seed: int = 0) -> tuple[Split, Csr]:
    """Hide this share of the train pairs: the split without them, and the planted pairs.

    Raises UserError if the share hides no pair.
    """
    train = parts.train
    order = numpy_stream(seed, "plant").permutation(len(train))
    # The first of a user's pairs in this order stays, so every user keeps a train pair.
    _, firsts = np.unique(train.rows[order], return_index=True)
    free = np.delete(order, firsts)
    wanted = round(share * len(train))
    if not min(wanted, len(free)):
        raise UserError(
            f"--plant must hide a train pair; {share:g} of {counted(len(train), 'train pair')} "
            f"hides none, since {wanted} were asked for and {len(free):,} may be hidden (every "
            "user keeps one); give a larger share, or another --split"
        )
    hidden = np.zeros(len(train), bool)
    hidden[free[:wanted]] = True
    kept, planted = (_select(train, which) for which in (~hidden, hidden))
    return replace(parts, train=kept), planted


def _select(pairs: Csr, which: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Csr:
    return Csr.of(
        pairs.rows[which], pairs.indices[which], n_rows=pairs.n_rows, n_columns=pairs.n_columns
    )
