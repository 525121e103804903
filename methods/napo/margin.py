"""A reward margin by how likely a frozen model finds what is called negative.

    gamma = gamma_0 (1 - alpha (M - Mbar) / sd),   Mbar <- m Mbar + (1 - m) M

M is the mean score of a group's pool: likely items may be positives in hiding, so they ask for less
margin. Mbar begins at the first step's M and moves after it was used, in training alone. As
published M is not divided by sd, the spread of the scores (`standardise=False`).
"""

from typing import Literal

import torch
from torch import Tensor

from .neighbour_pools import Pool


class Margin:
    """gamma, and the running mean that it is measured from."""

    def __init__(
        self,
        kind: Literal["off", "fixed", "batch", "per_negative"],
        gamma: float,
        alpha: float,
        momentum: float = 0.9,
        *,
        standardise: bool = True,
        clamp: bool = True,
    ) -> None:
        """Nothing seen."""
        self.kind, self.gamma, self.alpha, self.momentum = kind, gamma, alpha, momentum
        self.standardise, self.clamp = standardise, clamp
        self.mean: float | None = None
        self.seen: float | None = None

    @property
    def reads(self) -> bool:
        """Whether scores move it."""
        return self.kind in ("batch", "per_negative")

    @torch.no_grad()
    def of(self, scores: Tensor | None, pool: Pool, mask: Tensor) -> Tensor | float:
        """gamma: a number, [B] by group or [B, P], from the scores [B, P] of the pools."""
        if self.kind == "off":
            return 0.0
        if scores is None or not self.reads:
            return self.gamma
        held = scores[mask]
        if not len(held):
            return self.gamma
        mean = float(held.mean())
        spread = held.std(correction=0).clamp(min=1e-6)
        if self.kind == "per_negative":
            return self.moved((scores - mean) / spread)
        means = pool.means(scores, mask)
        self.seen = mean
        away = means - (mean if self.mean is None else self.mean)
        return self.moved(away / spread if self.standardise else away)[pool.group]

    def moved(self, away: Tensor) -> Tensor:
        """gamma_0 (1 - alpha away), kept from 0 to 2 gamma_0 if so asked."""
        gamma = self.gamma * (1 - self.alpha * away)
        return gamma.clamp(0, 2 * self.gamma) if self.clamp else gamma

    def move(self) -> None:
        """After a training step: the running mean takes in what was seen."""
        if self.seen is None:
            return
        kept = self.seen if self.mean is None else self.mean
        self.mean = self.momentum * kept + (1 - self.momentum) * self.seen
        self.seen = None
