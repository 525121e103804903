"""A small diffusion model over users' interaction vectors, in the manner of DiffRec.

    L = mean (f(x_t, t) - x_0)^2,   x_0 in {0, 1}^I a user's train items,   f: I + time -> H -> I
    preferences: x_T := x_0, then x_{t-1} = c1_t f(x_t, t) + c2_t x_t down to x_0

Wang, Xu, Feng, Lin, He & Chua, "Diffusion Recommender Model", SIGIR 2023. The schedule adds hardly
any noise (its `linear_var` ends at 1 - abar of `scale` times `high`), so what f learns from is
rather the half of the input that is dropped. Walking back begins at the user's own vector, without
noise, as that family does; the last step's f is the answer, so preferences are a product of what f
has in its middle and its last layer. Plain means: no weights by step or by time.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from negbench.ops import rng
from negbench.parts.diffusion.denoiser import TIME, timestep
from negbench.parts.diffusion.process import Schedule
from negbench.protocol import Csr, TrainContext

from .rank_band import Preferences

USERS = 256
"""Users in a step."""
DROP = 0.5
"""Share of the input that is dropped in training."""


@dataclass(frozen=True)
class Lesson:
    """How it is trained."""

    epochs: int
    """0 leaves it untrained: a control."""
    hidden: int
    lr: float
    schedule: Schedule


class DiffRec(nn.Module):
    """f, with tanh in its middle."""

    def __init__(self, n_items: int, hidden: int, generator: torch.Generator) -> None:
        """Draw the weights on the CPU, alike on every device."""
        super().__init__()
        self.first = nn.Linear(n_items + TIME, hidden)
        self.last = nn.Linear(hidden, n_items)
        for layer in (self.first, self.last):
            bound = 1 / math.sqrt(layer.in_features)
            with torch.no_grad():
                for weights in (layer.weight, layer.bias):
                    weights.uniform_(-bound, bound, generator=generator)

    def middle(self, x: Tensor, t: Tensor) -> Tensor:
        """x [B, I] at steps t [B] -> [B, H]."""
        made: Tensor = self.first(torch.cat([x, timestep(t).to(x.dtype)], 1))
        return made.tanh()

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """The guess of x_0, [B, I]."""
        made: Tensor = self.last(self.middle(x, t))
        return made


def preferences_of(context: TrainContext, lesson: Lesson) -> Preferences:
    """Train on the train part alone, and read what every user prefers; the seed decides it all."""
    schedule = lesson.schedule.to(context.device)
    net = DiffRec(context.n_items, lesson.hidden, rng.stream(context.seed, "diffrec", "init"))
    net.to(context.device)
    with torch.enable_grad():
        teach(net, context, schedule, lesson)
    with torch.no_grad():
        return read(net, context, schedule)


def teach(net: DiffRec, context: TrainContext, schedule: Schedule, lesson: Lesson) -> None:
    """Adam over all users, in an order drawn anew each epoch."""
    adam = torch.optim.Adam(net.parameters(), lr=lesson.lr)
    device = context.device
    generator = rng.stream(context.seed, "diffrec", device=device)
    for _ in range(lesson.epochs):
        order = torch.randperm(context.n_users, generator=generator, device=device)
        for users in parts(order):
            x = vectors(context.train, users)
            t = torch.randint(1, schedule.steps + 1, (len(x),), generator=generator, device=device)
            eps = torch.randn(x.shape, generator=generator, device=device)
            kept = torch.rand(x.shape, generator=generator, device=device) >= DROP
            seen = schedule.noised(x, t, eps) * kept / (1 - DROP)
            loss = (net(seen, t) - x).square().mean()
            adam.zero_grad()
            torch.autograd.backward(loss)
            adam.step()


def read(net: DiffRec, context: TrainContext, schedule: Schedule) -> Preferences:
    """Walk back from each user's own vector."""
    made: list[Tensor] = []
    for users in parts(torch.arange(context.n_users, device=context.device)):
        x = vectors(context.train, users)
        for now in range(schedule.steps, 1, -1):
            t = torch.full((len(x),), now, device=context.device)
            x = schedule.back(x, net(x, t), t)
        made.append(net.middle(x, torch.ones_like(users)))
    middle, bias = torch.cat(made), net.last.bias.unsqueeze(1)
    return Preferences(
        torch.cat([middle, torch.ones_like(middle[:, :1])], 1),
        torch.cat([net.last.weight, bias], 1),
    )


def vectors(train: Csr, users: Tensor) -> Tensor:
    """The interaction vectors of users [b], [b, I]."""
    rows = [train.row(user) for user in users.tolist()]
    x = torch.zeros(len(rows), train.n_columns)
    at = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    x[torch.from_numpy(at), torch.from_numpy(np.concatenate(rows).astype(np.int64))] = 1
    return x.to(users.device)


def parts(users: Tensor) -> tuple[Tensor, ...]:
    """Users [n] in even parts of about `USERS`."""
    return users.tensor_split(max(1, -(-len(users) // USERS)))
