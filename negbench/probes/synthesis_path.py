"""Position of synthesised negatives on the path from their positive to noise.

    place(x) = <x - mu, e_i - mu> / |e_i - mu|^2        mu: mean of the item vectors

Under the centred diffusion process x = r e_i + (1 - r) mu + noise its mean is r: 1 is the positive
itself, 0 is "some item". The synthesised negatives of an epoch are put into five bins of place,
from 0 to 1; each bin gives its share, its mean score gap to the positive and its false-negative
rate (by the nearest unseen item of the user). Vectors that equal an item's vector are left out.
"""

import torch

from negbench.ops.epoch_means import EpochMeans
from negbench.probes.held_out import HeldOut
from negbench.probes.watched_rows import WatchedRows

BINS = 5
OWN = 1e-5
"""A vector this near to an item, by cosine distance, is that item's vector."""


class SynthesisPath:
    """Bins the synthesised negatives of an epoch by their place."""

    def __init__(self, held_out: HeldOut) -> None:
        """False negatives are the `held_out` pairs."""
        self.held_out, self.sums = held_out, EpochMeans()

    def update(self, watched: WatchedRows) -> None:
        """Bin the negatives of the watched rows."""
        if watched.vectors is None or watched.distance is None:
            return
        synthesised = watched.mask & (watched.distance > OWN)
        view = watched.step.view
        mean = view.items.detach().mean(0)
        towards = (view.positive.detach()[watched.rows] - mean).unsqueeze(1)
        length = (towards**2).sum(-1).clamp(min=1e-12)
        place = ((watched.vectors - mean) * towards).sum(-1) / length
        bins = (place * BINS).long().clamp(0, BINS - 1)
        false = self.held_out.pairs.contains(watched.users, watched.ids)
        gap = watched.s_neg - watched.s_pos.unsqueeze(1)
        for at in range(BINS):
            here = synthesised & (bins == at)
            self.sums.add_sum(f"n{at}", here.sum())
            self.sums.add_sum(f"gap{at}", torch.where(here, gap, 0).double().sum())
            self.sums.add_sum(f"false{at}", (here & false).sum())
        self.sums.add_sum("n", synthesised.sum())

    def epoch_metrics(self) -> dict[str, float]:
        """Metrics of the epoch by name, bin 1 (noise) to 5 (the positive); resets the sums."""
        sums, self.sums = self.sums, EpochMeans()
        if not sums.total("n"):
            return {}
        metrics = {}
        for at in range(BINS):
            metrics[f"path_share_{at + 1}"] = sums.share(f"n{at}", "n")
            metrics[f"path_gap_{at + 1}"] = sums.share(f"gap{at}", f"n{at}")
            if self.held_out.of_train:
                metrics[f"path_fnr_{at + 1}"] = sums.share(f"false{at}", f"n{at}")
        return metrics
