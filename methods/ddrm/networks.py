"""The two denoisers of DDRM: ours with one hidden layer, or deep ones as released."""

from collections.abc import Sequence

import torch
from torch import nn

from negbench.ops import rng
from negbench.parts.diffusion.denoiser import Denoiser, timestep
from negbench.parts.diffusion.latent_space import denoiser_of
from negbench.parts.requirements import width_of
from negbench.protocol import Rows, TrainContext, Vectors

TIME = 10
"""Width of the time embedding in the released network."""
ACTIVATIONS = {"relu": torch.relu, "sigmoid": torch.sigmoid}


class DeepDenoiser(nn.Module):
    """MLP [D ; D ; time] -> layers -> D: a learnt map of the time, weights Xavier normal."""

    def __init__(
        self, dim: int, layers: Sequence[int], activation: str, generator: torch.Generator
    ) -> None:
        """Draw the weights on the CPU, so that they are the same on every device; biases are 0."""
        super().__init__()
        self.activation = ACTIVATIONS[activation]
        self.time = nn.Linear(TIME, TIME)
        widths = [2 * dim + TIME, *layers, dim]
        self.linear = nn.ModuleList(
            nn.Linear(width, after) for width, after in zip(widths, widths[1:], strict=False)
        )
        with torch.no_grad():
            for parameter in self.parameters():
                if parameter.dim() > 1:
                    std = (2 / sum(parameter.shape)) ** 0.5
                    parameter.normal_(std=std, generator=generator)
                else:
                    parameter.zero_()

    def forward(self, x: Vectors, t: Rows, condition: Vectors) -> Vectors:
        """Denoise x [B, D] at steps t [B] given a condition [B, D]."""
        hidden = torch.cat([x, condition, self.time(timestep(t, TIME).to(x.dtype))], 1)
        for layer in self.linear[:-1]:
            hidden = self.activation(layer(hidden))
        vectors: Vectors = self.linear[-1](hidden)
        return vectors


def networks_of(
    context: TrainContext, hidden: int, layers: Sequence[int], activation: str
) -> tuple[Denoiser | DeepDenoiser, Denoiser | DeepDenoiser]:
    """New denoisers of users and of items: with `layers` as released, else one layer `hidden`."""

    def network(name: str) -> Denoiser | DeepDenoiser:
        if not layers:
            return denoiser_of(context, hidden, conditioned=True, zero=False, name=name)
        generator = rng.stream(context.seed, "denoiser", name)
        deep = DeepDenoiser(width_of(context), layers, activation, generator)
        return deep.to(context.device)

    return network("users"), network("items")
