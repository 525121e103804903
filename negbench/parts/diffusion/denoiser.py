"""A small conditional denoiser network: MLP on [x_t ; condition ; sinusoidal time] -> D."""

import math

import torch
from torch import nn

from negbench.protocol import AnyShape, AnyVectors, Vectors

TIME = 32
"""Width of the time embedding."""


class Denoiser(nn.Module):
    """MLP [D + C + 32] -> H -> D with SiLU; the last layer starts at zero, so its output does too.

    It predicts the noise or the clean vector, as it is trained. Weights are drawn from `generator`.
    A dropped condition is replaced by the learnt vector `null` [C].
    """

    def __init__(
        self,
        dim: int,
        condition: int,
        hidden: int = 256,
        *,
        generator: torch.Generator,
        zero: bool = True,
    ) -> None:
        """Draw the weights on the CPU, so that they are the same on every device."""
        super().__init__()
        self.first = nn.Linear(dim + condition + TIME, hidden)
        self.last = nn.Linear(hidden, dim)
        self.null = nn.Parameter(torch.zeros(condition))
        for layer in (self.first, self.last):
            bound = 1 / math.sqrt(layer.in_features)
            with torch.no_grad():
                for weights in (layer.weight, layer.bias):
                    weights.uniform_(-bound, bound, generator=generator)
        if zero:
            nn.init.zeros_(self.last.weight)
            nn.init.zeros_(self.last.bias)

    def forward(
        self, x: AnyVectors, t: AnyShape, condition: AnyVectors | None = None
    ) -> AnyVectors:
        """Denoise x [..., D] at steps t [...] given a condition [..., C] (None = dropped)."""
        if condition is None:
            condition = self.null.expand(*x.shape[:-1], -1)
        time = timestep(t).to(x.dtype)
        hidden = nn.functional.silu(self.first(torch.cat([x, condition, time], dim=-1)))
        output: AnyVectors = self.last(hidden)
        return output

    def dropped(self, condition: Vectors, p: float, generator: torch.Generator) -> Vectors:
        """Condition dropout: each row of the condition [B, C] becomes `null` with probability p."""
        coin = torch.rand(len(condition), 1, generator=generator, device=condition.device)
        return torch.where(coin < p, self.null, condition)


def timestep(t: AnyShape, width: int = TIME, longest: float = 10_000.0) -> AnyVectors:
    """Sinusoidal time embedding of t [...] at frequencies from 1 to 1/longest: [..., width]."""
    half = width // 2
    frequency = torch.arange(half, device=t.device, dtype=torch.float32) / half
    angle = t.unsqueeze(-1).float() * (-math.log(longest) * frequency).exp()
    return torch.cat([angle.sin(), angle.cos()], dim=-1)
