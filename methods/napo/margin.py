"""Adaptive reward margin: smaller for negatives that a frozen model scores high.

    gamma = gamma_0 (1 - alpha (M - Mbar) / sd),   Mbar <- m Mbar + (1 - m) M

M is the mean score of a group's pool: likely items may be unobserved positives, so their margin is
smaller. Mbar starts at the first step's M and moves after its use, in training alone. As
published M is not divided by sd, the spread of the scores (`standardise=False`). As released Mbar
starts at 0 and moves before its use (`mean_first=True`): M is then m (M - Mbar) away from it, so
that alpha counts m times.
"""

from typing import Literal

import torch

from negbench.protocol import AnyShape, Mask, Scores

from .neighbour_pools import Pool


class Margin:
    """The margin gamma and the running mean Mbar."""

    def __init__(
        self,
        kind: Literal["off", "fixed", "batch", "per_negative"],
        gamma: float,
        alpha: float,
        momentum: float = 0.9,
        *,
        standardise: bool = True,
        clamp: bool = True,
        mean_first: bool = False,
    ) -> None:
        """Start without a running mean."""
        self.mean_first = mean_first
        self.kind, self.gamma, self.alpha, self.momentum = kind, gamma, alpha, momentum
        self.standardise, self.clamp = standardise, clamp
        self.mean: float | None = None
        self.observed: float | None = None

    @property
    def uses_scores(self) -> bool:
        """Whether gamma depends on scores."""
        return self.kind in ("batch", "per_negative")

    @torch.no_grad()
    def of(self, scores: Scores | None, pool: Pool, mask: Mask) -> AnyShape | float:
        """gamma: a number, [B] by group or [B, P], from the scores [B, P] of the pools."""
        if self.kind == "off":
            return 0.0
        if scores is None or not self.uses_scores:
            return self.gamma
        unmasked = scores[mask]
        if not len(unmasked):
            return self.gamma
        mean = float(unmasked.mean())
        spread = unmasked.std(correction=0).clamp(min=1e-6)
        if self.kind == "per_negative":
            return self.from_deviation((scores - mean) / spread)
        means = pool.means(scores, mask)
        self.observed = mean
        deviation = means - (self.moved() if self.mean_first else self.before())
        return self.from_deviation(deviation / spread if self.standardise else deviation)[
            pool.group
        ]

    def from_deviation(self, deviation: AnyShape) -> AnyShape:
        """gamma_0 (1 - alpha deviation), with `clamp` kept from 0 to 2 gamma_0."""
        gamma = self.gamma * (1 - self.alpha * deviation)
        return gamma.clamp(0, 2 * self.gamma) if self.clamp else gamma

    def before(self) -> float:
        """Mbar before this step: at the first the step's own M, or 0 where it moves first."""
        assert self.observed is not None
        start = 0.0 if self.mean_first else self.observed
        return start if self.mean is None else self.mean

    def moved(self) -> float:
        """Mbar after this step."""
        assert self.observed is not None
        return self.momentum * self.before() + (1 - self.momentum) * self.observed

    def update_mean(self) -> None:
        """Update the running mean by the mean score of the last step, after a training step."""
        if self.observed is not None:
            self.mean, self.observed = self.moved(), None
