"""A small diffusion model over users' interaction vectors, in the manner of DiffRec.

    L = mean (f(x_t, t) - x_0)^2,   x_0 in {0, 1}^I a user's train items,   f: I + time -> H -> I
    preferences: x_T := x_0, then x_{t-1} = c1_t f(x_t, t) + c2_t x_t down to x_0

Wang, Xu, Feng, Lin, He & Chua, "Diffusion Recommender Model", SIGIR 2023. The schedule adds hardly
any noise (its `linear_var` ends at 1 - abar of `scale` times `high`), so what f learns from is
rather the half of the input that is dropped. The reverse process starts at the user's own vector,
without noise, as in that family; the last step's f is the answer, so preferences are a product of
f's hidden and last layer. `step_weights` weighs an error at step t by the fall of the
signal-to-noise ratio abar / (1 - abar) from t - 1 to t, and by 1 at t = 1, as that family does.
No weights by time.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from negbench.ops import rng
from negbench.parts.diffusion.denoiser import TIME, timestep
from negbench.parts.diffusion.process import Schedule
from negbench.protocol import (
    Csr,
    ItemScores,
    Rows,
    StepValues,
    TrainContext,
    UserValues,
    Vectors,
)

from .rank_band import Preferences

USERS = 256
"""Users whose preferences are predicted at once."""
DROP = 0.5
"""Share of the input that is dropped in training."""


@dataclass(frozen=True)
class DiffRecTraining:
    """Hyperparameters of the diffusion model and its training."""

    epochs: int
    """0 leaves it untrained: a control."""
    hidden: int
    lr: float
    schedule: Schedule
    decay: float = 0.0
    """Weight decay of AdamW."""
    batch: int = USERS
    """Users in a training step."""
    step_weights: bool = False
    """Weigh the errors by the fall of the signal-to-noise ratio at their step."""


class DiffRec(nn.Module):
    """The denoiser f: two layers with tanh."""

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

    def hidden(self, x: ItemScores, t: Rows) -> Vectors:
        """Hidden layer [B, H] of x [B, I] at steps t [B]."""
        linear: Vectors = self.first(torch.cat([x, timestep(t).to(x.dtype)], 1))
        return linear.tanh()

    def forward(self, x: ItemScores, t: Rows) -> ItemScores:
        """The estimate of x_0, [B, I]."""
        estimate: ItemScores = self.last(self.hidden(x, t))
        return estimate


def preferences_of(context: TrainContext, training: DiffRecTraining) -> Preferences:
    """Train on the train part alone, and predict every user's preferences; fixed by the seed."""
    schedule = training.schedule.to(context.device)
    net = DiffRec(context.n_items, training.hidden, rng.stream(context.seed, "diffrec", "init"))
    net.to(context.device)
    with torch.enable_grad():
        train_diffrec(net, context, schedule, training)
    with torch.no_grad():
        return predict(net, context, schedule)


def train_diffrec(
    net: DiffRec, context: TrainContext, schedule: Schedule, training: DiffRecTraining
) -> None:
    """Train with AdamW over all users, in a new random order each epoch."""
    decay, fused = training.decay, context.device.type == "cpu"
    adam = torch.optim.AdamW(net.parameters(), training.lr, weight_decay=decay, fused=fused)
    device, weights = context.device, step_weights(schedule)
    generator = rng.stream(context.seed, "diffrec", device=device)
    for _ in range(training.epochs):
        order = torch.randperm(context.n_users, generator=generator, device=device)
        for users in user_blocks(order, training.batch):
            x = interaction_vectors(context.train, users)
            t = torch.randint(1, schedule.steps + 1, (len(x),), generator=generator, device=device)
            eps = torch.randn(x.shape, generator=generator, device=device)
            kept = torch.rand(x.shape, generator=generator, device=device).ge_(DROP)
            seen = schedule.noised(x, t, eps).mul_(kept).div_(1 - DROP)
            if training.step_weights:
                errors = F.mse_loss(net(seen, t), x, reduction="none")
                loss = (weights[t] * errors.mean(1)).mean()
            else:
                loss = F.mse_loss(net(seen, t), x)
            adam.zero_grad()
            torch.autograd.backward(loss)
            adam.step()


def predict(net: DiffRec, context: TrainContext, schedule: Schedule) -> Preferences:
    """Preferences by the reverse process from each user's own vector."""
    hidden_blocks = []
    for users in user_blocks(torch.arange(context.n_users, device=context.device)):
        x = interaction_vectors(context.train, users)
        for now in range(schedule.steps, 1, -1):
            t = torch.full((len(x),), now, device=context.device)
            x = schedule.back(x, net(x, t), t)
        hidden_blocks.append(net.hidden(x, torch.ones_like(users)))
    hidden, bias = torch.cat(hidden_blocks), net.last.bias.unsqueeze(1)
    return Preferences(
        torch.cat([hidden, torch.ones_like(hidden[:, :1])], 1),
        torch.cat([net.last.weight, bias], 1),
    )


def interaction_vectors(train: Csr, users: Rows) -> ItemScores:
    """The interaction vectors of users [b], 1 at train items, [b, I]."""
    rows = [train.row(user) for user in users.tolist()]
    x = torch.zeros(len(rows), train.n_columns)
    at = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    x[torch.from_numpy(at), torch.from_numpy(np.concatenate(rows).astype(np.int64))] = 1
    return x.to(users.device)


def step_weights(schedule: Schedule) -> StepValues:
    """Weight of the error at every step, [T + 1]: the fall of abar / (1 - abar); 1 at t = 1."""
    ratio = schedule.abar / (1 - schedule.abar)
    weights = torch.ones_like(ratio)
    weights[2:] = ratio[1:-1] - ratio[2:]
    return weights.float()


def user_blocks(users: UserValues, size: int = USERS) -> tuple[Rows, ...]:
    """Users [n] in equal blocks of about `size`."""
    return users.tensor_split(max(1, -(-len(users) // size)))
