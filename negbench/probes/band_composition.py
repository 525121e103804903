"""The make-up of the negatives: which bands they come from, how popular, how many different.

neg_<band>     share of the used negatives that are items of the band
neg_divergence KL(shares || share of the catalogue's items in each band), in nats: 0 = uniform
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from negbench.probes.watched_rows import Sight


class MakeUp:
    """Counts every item over an epoch."""

    def __init__(self, counts: Tensor, labels: Tensor, names: Sequence[str]) -> None:
        """Know each item's train count [I] and its band [I]."""
        self.counts, self.labels, self.names = counts.double(), labels, names
        self.used = torch.zeros(len(counts), dtype=torch.long, device=counts.device)

    def see(self, sight: Sight) -> None:
        """Count one sight."""
        flat = sight.ids.reshape(-1)
        self.used.index_add_(0, flat, sight.mask.reshape(-1).long())

    def figures(self) -> dict[str, float]:
        """The epoch's make-up."""
        used, total = self.used.double(), float(self.used.sum())
        told = {
            "distinct": float((self.used > 0).sum()),
            "neg_popularity": float(used @ self.counts) / total if total else math.nan,
        }
        n = len(self.names)
        bands = torch.zeros(n, dtype=torch.double, device=used.device)
        shares = (bands.index_add_(0, self.labels, used) / max(total, 1)).tolist()
        catalogue = (torch.bincount(self.labels, minlength=n) / len(self.labels)).tolist()
        for name, share in zip(self.names, shares, strict=True):
            told[f"neg_{name}"] = share if total else math.nan
        told["neg_divergence"] = divergence(shares, catalogue) if total else math.nan
        self.used.zero_()
        return told


def divergence(p: Sequence[float], q: Sequence[float]) -> float:
    """Kullback-Leibler divergence of p from q, in nats."""
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a > 0 and b > 0)
