"""A small conditional denoiser network: MLP on [x_t ; condition ; sinusoidal time] -> D."""

import math
from collections.abc import Sequence

import torch
from torch import nn

from negbench.protocol import AnyShape, AnyVectors, NegativeVectors, Rows, Vectors

TIME = 32
"""Width of the time embedding."""


class Denoiser(nn.Module):
    """MLP [D + C + 32] -> H -> D with SiLU; the last layer starts at zero, so its output does too.

    It predicts the noise or the clean vector, as it is trained. Weights are drawn from `generator`.
    A dropped condition is replaced by the learnt vector `null` [C]. Vectors may be of another
    precision than the weights: the output is of theirs.
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
        own = self.first.weight.dtype
        joined = torch.cat([each.to(own) for each in (x, condition, timestep(t))], dim=-1)
        output: AnyVectors = self.last(nn.functional.silu(self.first(joined)))
        return output.to(x.dtype)

    def given_each(
        self, x: NegativeVectors, t: Rows, conditions: Sequence[Vectors | None]
    ) -> list[NegativeVectors]:
        """x [B, M, D] denoised under each of some conditions [B, C] (None = dropped).

        The M vectors of a row share its step, t [B], and its condition. The first layer is linear:
        x goes through it once for all conditions, and what is the row's own once a row.
        """
        widths = [x.shape[-1], len(self.null), TIME]
        of_x, of_condition, of_time = torch.split(self.first.weight, widths, 1)
        inside = x.to(of_x.dtype) @ of_x.T
        time = nn.functional.linear(timestep(t).to(of_x.dtype), of_time, self.first.bias)
        outputs: list[NegativeVectors] = []
        for condition in conditions:
            own = self.null.unsqueeze(0) if condition is None else condition
            row = time + own.to(of_x.dtype) @ of_condition.T
            hidden = nn.functional.silu(inside + row.unsqueeze(1), inplace=True)
            outputs.append(self.last(hidden).to(x.dtype))
        return outputs

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
