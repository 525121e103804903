"""Spread: how a part of a split shares its pairs among the items, and how far from train.

With c_i the pairs of item i in the part, I items, p = c / sum c, and t_i those in train:

    gini       sum_k (2 k - I - 1) c_k / (I sum c), c rising: 0 all items alike, near 1 few items
    effective  exp(H), H = - sum p ln p: so many items alike would be as spread
    kl         sum p ln(p / q), q_i = (t_i + 1) / (sum t + I), in nats
    unseen     share of the part's pairs whose item has no pair in train

The one added to each count of train (our choice) keeps KL finite where test holds items that train
has not. A small part looks more uneven and farther from train than the law that it was drawn by, so
read a test part beside a valid part of its size.
"""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from negbench.data.interactions import Split
from negbench.ops.inequality import entropy, gini

PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class Spread:
    """The spread of one part; NaN where it has no pair."""

    gini: float
    effective: float
    kl: float
    unseen: float

    @classmethod
    def of(cls, counts: NDArray[np.int64], train: NDArray[np.int64]) -> "Spread":
        """Of a part with these counts of the items, against those of train; both [I]."""
        total = int(counts.sum())
        if not total:
            return cls(*[float("nan")] * 4)
        here = counts > 0
        p, q = counts[here] / total, (train[here] + 1) / (train.sum() + len(train))
        return cls(
            gini=gini(counts),
            effective=float(np.exp(entropy(counts))),
            kl=float((p * np.log(p / q)).sum()),
            unseen=float(counts[train == 0].sum() / total),
        )


def spreads(parts: Split) -> dict[str, Spread]:
    """The spread of train, valid and test."""
    return {part: Spread.of(getattr(parts, part).counts, parts.train.counts) for part in PARTS}


def spread_record(parts: Split) -> dict[str, dict[str, float]]:
    """The same for a cell's record."""
    return {part: asdict(found) for part, found in spreads(parts).items()}


def spread_line(parts: Split) -> str:
    """The same in a few words, of the parts that hold any pair."""
    known = {name: found for name, found in spreads(parts).items() if len(getattr(parts, name))}
    others = {name: found for name, found in known.items() if name != "train"}
    said = {
        "Gini": [f"{name} {found.gini:.3f}" for name, found in known.items()],
        "effective items": [f"{name} {found.effective:,.0f}" for name, found in known.items()],
        "KL from train": [f"{name} {found.kl:.3f}" for name, found in others.items()],
        "unseen": [f"{name} {found.unseen:.1%}" for name, found in others.items()],
    }
    return "   ".join(f"{measure}: {', '.join(words)}" for measure, words in said.items() if words)
