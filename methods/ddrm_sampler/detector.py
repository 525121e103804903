"""How much better an item is restored when the user is known: a detector of hidden positives.

    rho(u, j) = E_t,eps [ ||e_j - D(x_t, null)||^2 - ||e_j - D(x_t, u)||^2 ]     x_t = q(e_j, t)

Both terms see the same t and eps, and all items of a row too, so that much of the noise cancels. D
is taught e_i on the positives, its condition dropped now and then. Weighed by the fall of the
signal-to-noise ratio, and with ideal denoisers, the sum is twice log p(e_j | u) - log p(e_j)
(pointwise I-MMSE); here steps count alike. Vectors are in the catalogue's units, taken without
gradient, so its loss reaches its own parameters alone.
"""

from typing import Any

import torch
from torch import Tensor, nn

from negbench.parts.diffusion.latent_space import any_step, denoiser_of
from negbench.parts.diffusion.process import Schedule
from negbench.protocol import TrainContext

BLOCK = 1 << 17
"""Vectors that go through the denoiser at once."""


class Detector:
    """D, conditioned on the user's vector or on nothing."""

    def __init__(
        self, schedule: Schedule, hidden: int, draws: int, drop: float, trained: bool = True
    ) -> None:
        """Average over `draws` steps and noises; drop the condition with probability `drop`."""
        self.schedule, self.hidden, self.draws = schedule, hidden, draws
        self.drop, self.trained = drop, trained

    def begin(self, context: TrainContext) -> None:
        """Draw the weights."""
        self.net = denoiser_of(context, self.hidden, conditioned=True, trained=self.trained)
        self.schedule = self.schedule.to(context.device)

    def loss(self, x0: Tensor, condition: Tensor, generator: torch.Generator) -> Tensor:
        """The mean squared error in vectors [B, D] at drawn steps, a scalar."""
        x0, condition = x0.detach(), condition.detach()
        t = any_step(len(x0), self.schedule, x0, generator)
        xt = self.schedule.noised(x0, t, noise(x0, generator))
        told = self.net.dropped(condition, self.drop, generator)
        error: Tensor = (self.net(xt, t, told) - x0).square().mean()
        return error

    @torch.no_grad()
    def rho(self, items: Tensor, condition: Tensor, generator: torch.Generator) -> Tensor:
        """rho [B, M] of item vectors [B, M, D] for users' vectors [B, D]."""
        size = max(1, BLOCK // max(1, items.shape[1]))
        blocks = zip(torch.split(items, size), torch.split(condition, size), strict=True)
        return torch.cat([self._rho(*block, generator) for block in blocks])

    def _rho(self, items: Tensor, condition: Tensor, generator: torch.Generator) -> Tensor:
        total = items.new_zeros(items.shape[:2])
        for part in range(self.draws):
            t = self.step(part, len(items), items, generator).unsqueeze(1).expand(items.shape[:2])
            eps = noise(items[:, 0], generator).unsqueeze(1)
            xt = self.schedule.noised(items, t, eps)
            told = condition.unsqueeze(1).expand(-1, items.shape[1], -1)
            without, given = self.net(xt, t), self.net(xt, t, told)
            total += (items - without).square().sum(-1) - (items - given).square().sum(-1)
        return total / self.draws

    def step(self, part: int, n: int, like: Tensor, generator: torch.Generator) -> Tensor:
        """Steps [n] from the `part`-th of as many equal strata of 1..T as there are draws."""
        share = torch.rand(n, generator=generator, device=like.device)
        at = (part + share) / self.draws * self.schedule.steps
        return at.long().clamp_(max=self.schedule.steps - 1) + 1

    @torch.no_grad()
    def guess(self, items: Tensor, condition: Tensor, generator: torch.Generator) -> Tensor:
        """D(q(e_j, t), u) at a drawn t, [B, D], for item vectors [B, D]."""
        t = any_step(len(items), self.schedule, items, generator)
        made: Tensor = self.net(
            self.schedule.noised(items, t, noise(items, generator)), t, condition
        )
        return made

    def minimised(self) -> list[nn.Parameter]:
        """What is learnt, `null` too; nothing where it is a control."""
        return [p for p in self.net.parameters() if p.requires_grad and self.trained]

    def state_dict(self) -> dict[str, Any]:
        """The weights."""
        return dict(self.net.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take them back."""
        self.net.load_state_dict(state)


def noise(like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal draws of this shape."""
    return torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)
