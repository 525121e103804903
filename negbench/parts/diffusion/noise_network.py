"""Noise prediction network of the centred process, and the reverse chain that it guides.

    L = E_t || eps - tau(x_t, t, e_u) ||^2 / D       x_t, eps in units of the catalogue's spread

It is trained on detached vectors: with gradient the backbone would shrink its items until their
noise is easy to predict. So its loss reaches its own parameters alone. Untrained it is a control:
the same chain, guided by a random network.
"""

from typing import Any

import torch
from torch import nn

from negbench.parts.diffusion.latent_space import denoiser_of, random_steps, trainable
from negbench.parts.diffusion.process import Catalogue, Schedule
from negbench.protocol import Rows, Scalar, TrainContext, Vectors

REACH = 3.0
"""A guess of the clean vector is clipped to so many typical radii of the catalogue's centre."""


class NoiseNetwork:
    """The noise predictor tau, conditioned on the user's vector."""

    def __init__(self, schedule: Schedule, stride: int, hidden: int, trained: bool = True) -> None:
        """The reverse chain takes `stride` steps at a time."""
        self.schedule, self.hidden, self.trained = schedule, hidden, trained
        grid = range(schedule.steps, 0, -stride)
        self.grid = torch.tensor([0, *reversed(grid)])
        self.coarse = Schedule(schedule.abar[self.grid])

    def begin(self, context: TrainContext) -> None:
        """Callback before training: draw the weights."""
        self.net = denoiser_of(context, self.hidden, conditioned=True, trained=self.trained)
        self.grid = self.grid.to(context.device)
        self.schedule, self.coarse = (s.to(context.device) for s in (self.schedule, self.coarse))

    def loss(
        self, x0: Vectors, query: Vectors, catalogue: Catalogue, generator: torch.Generator
    ) -> Scalar:
        """Mean squared error in the predicted noise of vectors [B, D] at random steps."""
        t = random_steps(len(x0), self.schedule, x0, generator)
        eps = catalogue.noise(len(x0), generator)
        xt = self.schedule.noised(x0.detach() - catalogue.mean, t, eps)
        unit = noise_scale(catalogue)
        error: Vectors = self.net(xt / unit, t, query.detach()) - eps / unit
        return (error**2).mean()

    @torch.no_grad()
    def reverse_chain(
        self,
        x: Vectors,
        start: Rows,
        stop: Rows,
        query: Vectors,
        catalogue: Catalogue,
        generator: torch.Generator,
    ) -> Vectors:
        """Denoise rows x [B, D] from places `start` [B] of the coarse grid down to `stop` [B].

        Ancestral steps on the coarse grid; a row that has reached its `stop` costs no more.
        """
        unit, centred = noise_scale(catalogue), x - catalogue.mean
        for place in range(self.coarse.steps, 0, -1):
            rows = ((start >= place) & (stop < place)).nonzero().squeeze(1)
            if not len(rows):
                continue
            here, now = centred[rows], torch.full_like(rows, place)
            eps = unit * self.net(here / unit, self.grid[now], query[rows])
            clean = clip_rms(self.coarse.clean(here, now, eps), REACH * unit)
            z = catalogue.noise(len(rows), generator)
            centred = centred.index_copy(0, rows, self.coarse.back(here, clean, now, z))
        return centred + catalogue.mean

    def minimised(self) -> list[nn.Parameter]:
        """The trainable parameters; none where it is a control."""
        return trainable(self.net)

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the weights."""
        return dict(self.net.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        self.net.load_state_dict(state)


def noise_scale(catalogue: Catalogue) -> Scalar:
    """Root mean square of the noise's coordinates, above 0."""
    return (catalogue.root**2).sum(1).mean().sqrt().clamp(min=1e-12)


def clip_rms(x: Vectors, unit: Scalar) -> Vectors:
    """Vectors [B, D] clipped to root mean squares of at most `unit`.

    Near T a small error in the noise is a large one in x_0; image models clip for the same reason.
    """
    size = (x**2).mean(-1, keepdim=True).sqrt()
    return x * (unit / size.clamp(min=1e-30)).clamp(max=1)
