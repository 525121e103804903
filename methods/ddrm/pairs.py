"""Pairs of a user and an item in DDRM: corruption, reconstruction error, weight, frozen vectors."""

from collections.abc import Callable

import torch

from negbench.parts.diffusion.process import Schedule
from negbench.parts.user_history import Liked
from negbench.protocol import (
    ItemVectors,
    Leaves,
    Rows,
    Scalar,
    Step,
    UserValues,
    UserVectors,
    Vectors,
    View,
)


def corrupted(
    schedule: Schedule,
    x: Vectors,
    t: Rows,
    spread: Scalar,
    dropout: float,
    generator: torch.Generator,
) -> Vectors:
    """Forward process q(x, t), with dropout of coordinates (the rest scaled up)."""
    eps = spread * torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
    xt = schedule.noised(x, t, eps)
    if not dropout:
        return xt
    keep = torch.rand(x.shape, generator=generator, device=x.device) >= dropout
    return xt * keep / (1 - dropout)


def reconstruction_error(pair: tuple[Vectors, Vectors], hats: tuple[Vectors, Vectors]) -> Rows:
    """L_re of each row, [B]; its targets are detached."""
    of_user, of_item = (
        (x.detach() - hat).square().mean(-1) for x, hat in zip(pair, hats, strict=True)
    )
    return (of_user + of_item) / 2


def weights_of_users(liked: Liked, evenly: bool) -> UserValues:
    """Weight of a row by its user, [U]: 1, or what makes all users with a history count alike.

    Over the train pairs the mean is 1, so a mean over pairs is in expectation the mean over users
    drawn evenly and then one of the items of each.
    """
    sizes = (liked.indptr[1:] - liked.indptr[:-1]).float()
    if not evenly:
        return torch.ones_like(sizes)
    return sizes.mean() * len(sizes) / (sizes > 0).sum() / sizes.clamp(min=1)


def walk_back(
    schedule: Schedule, denoiser: Callable[..., Vectors], y: Vectors, condition: Vectors
) -> Vectors:
    """Reverse chain from y_T [b, D] to 0 by the posterior's mean, [b, D]."""
    for step in range(schedule.steps, 0, -1):
        t = torch.full((len(y),), step, device=y.device)
        y = schedule.back(y, denoiser(y, t, condition), t)
    return y


def frozen_view(step: Step, users: UserVectors, items: ItemVectors) -> View:
    """The step's view over frozen vectors: no gradient reaches the backbone."""
    query, positive = users[step.batch.users], items[step.batch.items]
    return View(query, items, positive, step.view.similarity, users, leaves=Leaves())
