"""A network that is taught the noise of the centred process, and the walk back that it steers.

    L = E_t || eps - tau(x_t, t, e_u) ||^2 / D       x_t, eps in units of the catalogue's spread

It learns on vectors without gradient: with gradient the backbone would shrink its items until their
noise is easy to tell. So its loss reaches its own parameters alone. Untrained it is a control: the
same walk, led by chance.
"""

from typing import Any

import torch
from torch import Tensor, nn

from negbench.parts.diffusion.latent_space import any_step, denoiser_of, learnt
from negbench.parts.diffusion.process import Catalogue, Schedule
from negbench.protocol import TrainContext

REACH = 3.0
"""A guess of the clean vector stays within so many typical radii of the catalogue's centre."""


class NoiseNetwork:
    """tau, conditioned on the user's vector."""

    def __init__(self, schedule: Schedule, stride: int, hidden: int, trained: bool = True) -> None:
        """Walk back `stride` steps at a time."""
        self.schedule, self.hidden, self.trained = schedule, hidden, trained
        grid = range(schedule.steps, 0, -stride)
        self.grid = torch.tensor([0, *reversed(grid)])
        self.coarse = Schedule(schedule.abar[self.grid])

    def begin(self, context: TrainContext) -> None:
        """Draw the weights."""
        self.net = denoiser_of(context, self.hidden, conditioned=True, trained=self.trained)
        self.grid = self.grid.to(context.device)
        self.schedule, self.coarse = (s.to(context.device) for s in (self.schedule, self.coarse))

    def loss(
        self, x0: Tensor, query: Tensor, catalogue: Catalogue, generator: torch.Generator
    ) -> Tensor:
        """The mean squared error in the noise of vectors [B, D] at drawn steps, a scalar."""
        t = any_step(len(x0), self.schedule, x0, generator)
        eps = catalogue.noise(len(x0), generator)
        xt = self.schedule.noised(x0.detach() - catalogue.mean, t, eps)
        unit = scale(catalogue)
        error: Tensor = self.net(xt / unit, t, query.detach()) - eps / unit
        return (error**2).mean()

    @torch.no_grad()
    def walk(
        self,
        x: Tensor,
        start: Tensor,
        stop: Tensor,
        query: Tensor,
        catalogue: Catalogue,
        generator: torch.Generator,
    ) -> Tensor:
        """Rows x [B, D] that stand at places `start` [B] of the grid, walked back to `stop` [B].

        Ancestral steps on the coarse grid; each row rests where it stops and costs no more.
        """
        unit, made = scale(catalogue), x - catalogue.mean
        for place in range(self.coarse.steps, 0, -1):
            rows = ((start >= place) & (stop < place)).nonzero().squeeze(1)
            if not len(rows):
                continue
            here, now = made[rows], torch.full_like(rows, place)
            eps = unit * self.net(here / unit, self.grid[now], query[rows])
            clean = within(self.coarse.clean(here, now, eps), REACH * unit)
            z = catalogue.noise(len(rows), generator)
            made = made.index_copy(0, rows, self.coarse.back(here, clean, now, z))
        return made + catalogue.mean

    def minimised(self) -> list[nn.Parameter]:
        """What is learnt; nothing where it is a control."""
        return learnt(self.net)

    def state_dict(self) -> dict[str, Any]:
        """The weights."""
        return dict(self.net.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take them back."""
        self.net.load_state_dict(state)


def scale(catalogue: Catalogue) -> Tensor:
    """The root mean square of the noise's coordinates, above 0."""
    return (catalogue.root**2).sum(1).mean().sqrt().clamp(min=1e-12)


def within(x: Tensor, unit: Tensor) -> Tensor:
    """Vectors [B, D] shortened to root mean squares of at most `unit`.

    Near T a small error in the noise is a large one in x_0; image models clip for the same reason.
    """
    size: Tensor = (x**2).mean(-1, keepdim=True).sqrt()
    return x * (unit / size.clamp(min=1e-30)).clamp(max=1)
