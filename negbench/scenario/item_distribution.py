"""Item distribution of the parts of a split: inequality, and divergence from train.

With c_i the pairs of item i in the part, I items, p = c / sum c, and t_i those in train:

    gini       sum_k (2 k - I - 1) c_k / (I sum c), c rising: 0 all items alike, near 1 few items
    effective  exp(H), H = - sum p ln p: the number of equally frequent items with this entropy
    kl         sum p ln(p / q), q_i = (t_i + 1) / (sum t + I), in nats
    unseen     share of the part's pairs whose item has no pair in train

The one added to each count of train (our choice) keeps KL finite where test holds items that train
has not. A small part looks more uneven and farther from train than the law that it was drawn by, so
compare a test part with a valid part of its size.
"""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from negbench.data.interactions import Split
from negbench.ops.inequality import entropy, gini

PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class ItemDistribution:
    """Item distribution of one part; NaN where it has no pair."""

    gini: float
    effective: float
    kl: float
    unseen: float

    @classmethod
    def of(cls, counts: NDArray[np.int64], train: NDArray[np.int64]) -> "ItemDistribution":
        """From the item counts [I] of a part and those of train [I]."""
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


def item_distributions(parts: Split) -> dict[str, ItemDistribution]:
    """The item distribution of train, valid and test."""
    return {
        part: ItemDistribution.of(getattr(parts, part).counts, parts.train.counts) for part in PARTS
    }


def distribution_record(parts: Split) -> dict[str, dict[str, float]]:
    """The item distributions for a cell's record."""
    return {part: asdict(distribution) for part, distribution in item_distributions(parts).items()}


def distribution_line(parts: Split) -> str:
    """The item distributions in one line of text, of the parts that hold any pair."""
    parts_by_name = item_distributions(parts)
    known = {name: d for name, d in parts_by_name.items() if len(getattr(parts, name))}
    others = {name: d for name, d in known.items() if name != "train"}
    texts = {
        "Gini of item counts": [f"{name} {d.gini:.3f}" for name, d in known.items()],
        "effective items": [f"{name} {d.effective:,.0f}" for name, d in known.items()],
        "KL from train": [f"{name} {d.kl:.3f}" for name, d in others.items()],
        "pairs of items unseen in train": [f"{name} {d.unseen:.1%}" for name, d in others.items()],
    }
    return "   ".join(f"{measure}: {', '.join(words)}" for measure, words in texts.items() if words)
