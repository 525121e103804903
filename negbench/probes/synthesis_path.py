"""Where on the path from its positive to noise a synthesised negative lies, told from outside.

    place(x) = <x - mu, e_i - mu> / |e_i - mu|^2        mu: mean of the item vectors

Under the centred diffusion process x = r e_i + (1 - r) mu + noise its mean is r: 1 is the positive
itself, 0 is "some item". The synthesised negatives of an epoch are put into five bins of place,
from 0 to 1, and each bin tells its share, its mean gap to the positive and its rate of false
negatives (by the nearest item that the user has not had). Vectors that are an item's own say
nothing here.
"""

import torch

from negbench.ops.epoch_means import Tally
from negbench.probes.held_out import HeldOut
from negbench.probes.watched_rows import Sight

BINS = 5
OWN = 1e-5
"""A vector this near to an item, by cosine distance, is that item's own."""


class Path:
    """Bins synthesised negatives by their place."""

    def __init__(self, held_out: HeldOut) -> None:
        """Know the held-out pairs."""
        self.held_out, self.sums = held_out, Tally()

    def see(self, sight: Sight) -> None:
        """Bin one sight."""
        if sight.vectors is None or sight.distance is None:
            return
        made = sight.mask & (sight.distance > OWN)
        view = sight.step.view
        mean = view.items.detach().mean(0)
        towards = (view.positive.detach()[sight.rows] - mean).unsqueeze(1)
        length = (towards**2).sum(-1).clamp(min=1e-12)
        place = ((sight.vectors - mean) * towards).sum(-1) / length
        bins = (place * BINS).long().clamp(0, BINS - 1)
        false = self.held_out.pairs.contains(sight.users, sight.ids)
        gap = sight.s_neg - sight.s_pos.unsqueeze(1)
        for at in range(BINS):
            here = made & (bins == at)
            self.sums.add(f"n{at}", here.sum())
            self.sums.add(f"gap{at}", torch.where(here, gap, 0).double().sum())
            self.sums.add(f"false{at}", (here & false).sum())
        self.sums.add("n", made.sum())

    def figures(self) -> dict[str, float]:
        """The epoch's shares, gaps and rates, bin 1 (noise) to 5 (the positive)."""
        sums, self.sums = self.sums, Tally()
        if not sums.get("n"):
            return {}
        told = {}
        for at in range(BINS):
            told[f"path_share_{at + 1}"] = sums.share(f"n{at}", "n")
            told[f"path_gap_{at + 1}"] = sums.share(f"gap{at}", f"n{at}")
            told[f"path_fnr_{at + 1}"] = sums.share(f"false{at}", f"n{at}")
        return told
