"""Popularity of the negatives: their bands, mean popularity and number of distinct items.

neg_<band>     share of the used negatives that are items of the band
neg_divergence KL(shares || share of the catalogue's items in each band), in nats: 0 = uniform
"""

import math
from collections.abc import Sequence

import torch

from negbench.ops.axes import ItemValues
from negbench.probes.watched_rows import WatchedRows


class BandComposition:
    """Counts the negatives of an epoch by item."""

    def __init__(self, counts: ItemValues, labels: ItemValues, names: Sequence[str]) -> None:
        """`counts` [I] are train counts, `labels` [I] the items' bands, indices into `names`."""
        self.counts, self.labels, self.names = counts.double(), labels, names
        self.used = torch.zeros(len(counts), dtype=torch.long, device=counts.device)

    def update(self, watched: WatchedRows) -> None:
        """Count the negatives of the watched rows."""
        flat = watched.ids.reshape(-1)
        self.used.index_add_(0, flat, watched.mask.reshape(-1).long())

    def epoch_metrics(self) -> dict[str, float]:
        """Metrics of the epoch by name; resets the counts."""
        used, total = self.used.double(), float(self.used.sum())
        metrics = {
            "distinct": float((self.used > 0).sum()),
            "neg_popularity": float(used @ self.counts) / total if total else math.nan,
        }
        n = len(self.names)
        bands = torch.zeros(n, dtype=torch.double, device=used.device)
        shares = (bands.index_add_(0, self.labels, used) / max(total, 1)).tolist()
        catalogue = (torch.bincount(self.labels, minlength=n) / len(self.labels)).tolist()
        for name, share in zip(self.names, shares, strict=True):
            metrics[f"neg_{name}"] = share if total else math.nan
        metrics["neg_divergence"] = divergence(shares, catalogue) if total else math.nan
        self.used.zero_()
        return metrics


def divergence(p: Sequence[float], q: Sequence[float]) -> float:
    """Kullback-Leibler divergence of p from q, in nats."""
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a > 0 and b > 0)
