"""Detector of false negatives: how much better an item is denoised with the user as condition.

    rho(u, j) = E_t,eps [ ||e_j - D(x_t, null)||^2 - ||e_j - D(x_t, u)||^2 ]     x_t = q(e_j, t)

Both terms see the same t and eps, and all items of a row too, so that much of the noise cancels. D
learns to denoise e_i of the positives, its condition dropped with some probability (classifier-free
guidance). Weighed by the fall of the signal-to-noise ratio, and with ideal denoisers, the sum is
twice log p(e_j | u) - log p(e_j) (pointwise I-MMSE); here steps count alike. Vectors are in the
catalogue's units, taken without gradient, so its loss reaches its own parameters alone.
"""

from typing import Any

import torch
from torch import nn

from negbench.parts.diffusion.latent_space import denoiser_of, random_steps
from negbench.parts.diffusion.process import Schedule
from negbench.protocol import AnyShape, NegativeVectors, Rows, Scalar, Scores, TrainContext, Vectors

BLOCK = 1 << 17
"""Vectors whose steps and noises are drawn at once."""
CELLS = 1 << 18
"""Coordinates that pass through the denoiser at once: what stays in a processor's cache."""


class Detector:
    """The denoiser D, conditioned on the user's vector or on nothing, and rho."""

    def __init__(
        self, schedule: Schedule, hidden: int, draws: int, drop: float, trained: bool = True
    ) -> None:
        """Average over `draws` steps and noises; drop the condition with probability `drop`."""
        self.schedule, self.hidden, self.draws = schedule, hidden, draws
        self.drop, self.trained = drop, trained

    def begin(self, context: TrainContext) -> None:
        """Callback before training: draw the weights."""
        self.net = denoiser_of(context, self.hidden, conditioned=True, trained=self.trained)
        self.schedule = self.schedule.to(context.device)

    def loss(self, x0: Vectors, condition: Vectors, generator: torch.Generator) -> Scalar:
        """The mean squared error of vectors [B, D] at random steps, a scalar."""
        x0, condition = x0.detach(), condition.detach()
        t = random_steps(len(x0), self.schedule, x0, generator)
        xt = self.schedule.noised(x0, t, standard_normal(x0, generator))
        condition = self.net.dropped(condition, self.drop, generator)
        error: Scalar = (self.net(xt, t, condition) - x0).square().mean()
        return error

    @torch.no_grad()
    def rho(self, items: NegativeVectors, condition: Vectors, generator: torch.Generator) -> Scores:
        """rho [B, M] of item vectors [B, M, D] for users' vectors [B, D]."""
        size = max(1, BLOCK // max(1, items.shape[1]))
        blocks = zip(torch.split(items, size), torch.split(condition, size), strict=True)
        return torch.cat([self._rho(*block, generator) for block in blocks])

    def _rho(
        self, items: NegativeVectors, condition: Vectors, generator: torch.Generator
    ) -> Scores:
        total = items.new_zeros(items.shape[:2])
        size = max(1, CELLS // max(1, items[0].numel())) if len(items) else 1
        for part in range(self.draws):
            t = self.stratified_steps(part, len(items), items, generator)
            eps = standard_normal(items[:, 0], generator)
            for start in range(0, len(items), size):
                here = slice(start, start + size)
                total[here] += self._gain(items[here], condition[here], t[here], eps[here])
        return total / self.draws

    def _gain(self, items: NegativeVectors, condition: Vectors, t: Rows, eps: Vectors) -> Scores:
        """How much less the error is with the condition [B, C] than without: [B, M]."""
        xt = self.schedule.noised(items, t.unsqueeze(1), eps.unsqueeze(1))
        errors = [
            restored.sub_(items).square_().sum(-1)
            for restored in self.net.given_each(xt, t, (None, condition))
        ]
        return errors[0] - errors[1]

    def stratified_steps(
        self, part: int, n: int, like: AnyShape, generator: torch.Generator
    ) -> Rows:
        """Random steps [n] from the `part`-th of `draws` equal strata of 1..T."""
        share = torch.rand(n, generator=generator, device=like.device)
        at = (part + share) / self.draws * self.schedule.steps
        return at.long().clamp_(max=self.schedule.steps - 1) + 1

    @torch.no_grad()
    def restore(self, items: Vectors, condition: Vectors, generator: torch.Generator) -> Vectors:
        """D(q(e_j, t), u) at a random t, [B, D], for item vectors [B, D]."""
        t = random_steps(len(items), self.schedule, items, generator)
        xt = self.schedule.noised(items, t, standard_normal(items, generator))
        restored: Vectors = self.net(xt, t, condition)
        return restored

    def minimised(self) -> list[nn.Parameter]:
        """The denoiser's weights, `null` too; none in the control."""
        return [p for p in self.net.parameters() if p.requires_grad and self.trained]

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the weights."""
        return dict(self.net.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        self.net.load_state_dict(state)


def standard_normal(like: AnyShape, generator: torch.Generator) -> AnyShape:
    """Standard normal draws of this shape."""
    return torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)
