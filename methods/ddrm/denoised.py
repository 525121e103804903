"""DDRM's transform: its phases, the denoised pair in training and the denoised mean in ranking."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from negbench.parts.diffusion.denoiser import Denoiser
from negbench.parts.diffusion.latent_space import TINY, random_steps, trainable
from negbench.parts.user_history import Liked, noise_of_users
from negbench.protocol import (
    Epoch,
    ItemVectors,
    Phase,
    Rows,
    Step,
    TrainContext,
    UserVectors,
    Vectors,
    View,
)

from .networks import DeepDenoiser, networks_of
from .pairs import corrupted, frozen_view, reconstruction_error, walk_back, weights_of_users

if TYPE_CHECKING:
    from .method import Config


class Denoised:
    """Transform: pairs are scored by denoised vectors, users rank by their denoised mean item."""

    def __init__(self, config: "Config") -> None:
        """The denoisers are built in `begin`."""
        self.config = config

    def begin(self, context: TrainContext) -> None:
        """Callback before training: build both denoisers and read the users' histories."""
        config, device = self.config, context.device
        networks = networks_of(context, config.hidden, config.layers, config.activation)
        self.of_users, self.of_items = networks
        self.schedule = config.noise_schedule.to(device)
        self.liked, self.seed = Liked.of(context.train, device), context.seed
        self.weights = weights_of_users(self.liked, config.rows == "users")
        self.spreads, self.variance = torch.ones(2, device=device), 0.0
        self.frozen: tuple[UserVectors, ItemVectors] | None = None
        self.drawn: UserVectors | None = None

    def refresh(self, epoch: Epoch) -> None:
        """Callback before each epoch: measure spreads; freeze the vectors after the warm-up."""
        assert epoch.users is not None  # the card needs them
        if self.warming and epoch.number > self.config.warmup:
            self.frozen = (epoch.users.clone(), epoch.items.clone())
        users, items = self.frozen or (epoch.users, epoch.items)
        self.variance = float(items.var(0, correction=0).mean())
        if self.config.schedule == "snr_matched":
            spread = [x.var(0, correction=0).mean().sqrt() for x in (users, items)]
            self.spreads = torch.stack(spread).clamp(min=TINY)

    def own_phase(self) -> Phase | None:
        """The epochs on frozen vectors; none where all train together, or in the control."""
        scheduled = self.config.freeze and self.config.diffusion
        return Phase("frozen vectors", self.config.warmup + 1) if scheduled else None

    @property
    def warming(self) -> bool:
        """Whether the backbone still trains plainly: it ranks by its own vectors then."""
        return self.own_phase() is not None and self.frozen is None

    def view(self, step: Step) -> View:
        """Training: the denoised pair. Ranking: the reverse chain from the mean item."""
        if not step.training:
            return self.ranking(step)
        config, view = self.config, step.view
        if not config.diffusion:
            return view
        if self.warming:
            pair = view.query.detach(), view.positive.detach()
            error = reconstruction_error(pair, self.pair(step, *pair))
            mean = (self.weights[step.batch.users] * error).mean()
            return replace(view, losses={**view.losses, "reconstruction": mean})
        if self.frozen is not None:
            view = frozen_view(step, *self.frozen)
        hats = self.pair(step, view.query, view.positive)
        denoised = replace(view, query=hats[0], positive=hats[1])
        trust = denoised.score_pair(hats[1]).detach().sigmoid() ** config.gamma
        weight = self.weights[step.batch.users] * trust
        error = (weight * reconstruction_error((view.query, view.positive), hats)).mean()
        return replace(
            denoised,
            row_weight=(1 - config.lam) * weight,
            losses={**view.losses, "reconstruction": config.lam * error},
        )

    def pair(self, step: Step, user: Vectors, item: Vectors) -> tuple[Vectors, Vectors]:
        """h_u and h_i, [B, D] each: the same t for both, each with its own noise and dropout."""
        t = random_steps(len(user), self.schedule, user, step.generator)
        xu, xi = (
            corrupted(self.schedule, x, t, spread, self.config.dropout, step.generator)
            for x, spread in ((user, self.spreads[0]), (item, self.spreads[1]))
        )
        return self.of_users(xu, t, item), self.of_items(xi, t, user)

    @torch.no_grad()
    def ranking(self, step: Step) -> View:
        """Queries from the mean of the liked items; as they are in the warm-up, or without any."""
        view, users = step.view, step.batch.users
        if self.warming:
            return view
        query, items = view.query, view.items
        if self.frozen is not None:
            query, items = self.frozen[0][users], self.frozen[1]
        y = self.liked.mean(items, users)
        if self.config.diffusion:
            y = self.denoised_mean(y, query, users)
        known = (self.liked.sizes(users) > 0).unsqueeze(1)
        return replace(view, query=torch.where(known, y, query), items=items)

    def denoised_mean(self, mean: Vectors, query: Vectors, users: Rows) -> Vectors:
        """Reverse chain from q(a_u, T) to 0 by the posterior's mean, [b, D]."""
        eps = torch.zeros_like(mean)
        if self.config.noised:
            eps = self.spreads[1] * self.noise(mean)[users]
        t = torch.full((len(mean),), self.schedule.steps, device=mean.device)
        return walk_back(self.schedule, self.of_items, self.schedule.noised(mean, t, eps), query)

    def noise(self, like: Vectors) -> UserVectors:
        """Unit noise of every user, [U, D]: from the seed, the same in every ranking batch."""
        if self.drawn is None:
            self.drawn = noise_of_users(self.seed, len(self.liked.indptr) - 1, like)
        return self.drawn

    def epoch_metrics(self) -> Mapping[str, float]:
        """The epoch's metrics: signal-to-noise of items at T, and whether vectors are frozen."""
        if not self.config.diffusion:
            return {}
        snr = self.schedule.snr(self.variance, float(self.spreads[1]) ** 2)
        return {"snr_T": snr, "frozen": float(self.frozen is not None)}

    @property
    def nets(self) -> dict[str, Denoiser | DeepDenoiser]:
        """Both denoisers by name; none in the control."""
        return {"users": self.of_users, "items": self.of_items} if self.config.diffusion else {}

    def minimised(self) -> Iterable[torch.nn.Parameter]:
        """The denoisers' parameters."""
        return [p for net in self.nets.values() for p in trainable(net)]

    def own_lr(self) -> float | None:
        """The denoisers' own learning rate, where the settings have one."""
        return self.config.denoiser_lr

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: denoisers, spreads and the frozen vectors."""
        nets = {name: dict(net.state_dict()) for name, net in self.nets.items()}
        return {"nets": nets, "spreads": self.spreads, "frozen": self.frozen}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        for name, net in self.nets.items():
            net.load_state_dict(state["nets"][name])
        device = self.spreads.device
        self.spreads = state["spreads"].to(device)
        frozen = state["frozen"]
        self.frozen = frozen and (frozen[0].to(device), frozen[1].to(device))
