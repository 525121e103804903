"""Denoised users and items: both vectors of a pair go through a denoiser before they are scored.

    h_u = D_U(q(e_u, t), t | e_i),  h_i = D_I(q(e_i, t), t | e_u)         t ~ U{1..T}, the same
    L   = w ((1 - lam) loss(<h_u, h_i>, <h_u, e_j>) + lam L_re),  w = sg(sigmoid <h_u, h_i>)^gamma
    L_re = (mean_d (e_u - h_u)^2 + mean_d (e_i - h_i)^2) / 2
    ranking: a_u = mean of u's train items, y = q(a_u, T), back to 0 by D_I given e_u, s = <y, e_j>

"Denoising Diffusion Recommender Model", SIGIR 2024 (arXiv 2401.06982). Negatives stay raw and come
from any sampler and stages: `ddrm+dns(candidates=8)`, for the last method provides what is open.

Published is a backbone that was trained before and is frozen (`freeze`). Here the first `warmup`
epochs train it plainly, by the same negatives and loss, and the denoisers L_re on detached vectors;
the backbone itself is validated. Then user and item vectors are copied, and the denoisers alone
learn on the copies, which also rank: best epoch and patience start anew. The backbone's own table,
which the L2 penalty goes on shrinking, is no longer used. `freeze=false` trains all from the first
step; targets of L_re are detached then, lest the vectors shrink until denoising is easy.

It differs also in one hidden layer for two, SiLU, a time embedding of 32, and denoisers that learn
by the backbone's step size. Defaults are those of MF on ml-1m: there the noise at T is about .003,
next to nothing, and the dropout is what corrupts; `schedule=snr_matched` reaches the ratio `snr`
by noise in units of the vectors' own spread. Needs user vectors, for the freeze copies them: a
sequence backbone has none, and its query changes with the position in the history.

Control: `diffusion=false` ranks by the plain mean a_u, over a plainly trained backbone: what it
gains over `random` is the mean's, and what `ddrm` gains over it the denoising's.
Cost per step: two passes of a denoiser (H D) a row; ranking: T passes a user.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

from negbench.parts import BPR, Uniform
from negbench.parts.diffusion.denoiser import Denoiser
from negbench.parts.diffusion.latent_space import denoiser_of, random_steps, trainable
from negbench.parts.diffusion.process import Schedule, linear_var, snr_matched
from negbench.parts.user_history import Liked, noise_of_users
from negbench.protocol import (
    Card,
    Epoch,
    ItemVectors,
    Leaves,
    Method,
    Phase,
    Rows,
    Scalar,
    Step,
    TrainContext,
    UserVectors,
    Vectors,
    View,
    check_ranges,
)

CARD = Card(
    title="Denoising diffusion recommender model",
    family="diffusion",
    year=2024,
    venue="SIGIR",
    link="https://arxiv.org/abs/2401.06982",
    moves=("transform",),
    needs=("users",),
    provenance="specification",
    differs="The backbone is trained in the first epochs of the same run and then frozen, not "
    "loaded; one hidden layer of SiLU; the denoisers learn by the backbone's step size.",
    controls={"ddrm(diffusion=false)": "the mean of the liked items' vectors, without denoising"},
    search={
        "lam": ("float", 0.1, 0.6),
        "gamma": ("float", 0.0, 1.0),
        "steps": ("of", 3, 20, 50),
        "warmup": ("of", 10, 20, 40),
    },
)

TINY = 1e-6


@dataclass(frozen=True)
class Config:
    """The settings; the released ones are of MF on ml-1m."""

    freeze: bool = True
    """Freeze the vectors after `warmup` epochs, as published, or train all together."""
    warmup: int = 20
    """Epochs of plain training before the freeze, 0 or more; the paper loads a trained backbone."""
    diffusion: bool = True
    """False is the control: train plainly, rank by the mean of the liked items' vectors."""
    lam: float = 0.4
    """Weight of the reconstruction, 0 to 1; .1 to .6 in the released settings."""
    gamma: float = 1.0
    """Power of the row's weight, 0 (none) or more; 0 to 1 in the released settings."""
    steps: int = 20
    """T, 1 or more; 3 to 50 in the released settings."""
    schedule: Literal["linear_var", "snr_matched"] = "linear_var"
    """linear_var is the released one, with unit noise."""
    scale: float = 1e-4
    """Noise scale of linear_var, above 0; 1e-2 to 1e-4 released."""
    low: float = 1e-4
    """Least noise of linear_var; 1e-4 or 1e-3 released."""
    high: float = 1e-3
    """Most noise of linear_var, above `low`, `scale` times it below 1; 1e-3 to 1e-1 released."""
    snr: float = 1.0
    """Above 0; signal to noise at T of snr_matched."""
    dropout: float = 0.5
    """Share of a corrupted vector's coordinates set to 0 in training, 0 to 1; .5 released."""
    hidden: int = 256
    """H, 1 or more; the released layers are 100 to 300 and 600 to 1100 wide."""
    noised: bool = True
    """Start the ranking chain at a noised mean (one draw a user, from the seed), or at its mean."""
    negatives: int = 1
    """N, 1 or more, where no other method draws."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        check_ranges(
            self,
            at_least={"warmup": 0, "gamma": 0, "steps": 1, "hidden": 1, "negatives": 1},
            above={"snr": 0},
            between={"lam": (0, 1)},
        )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"`dropout` must be from 0 to below 1; got {self.dropout}")
        if not (0 < self.low < self.high and 0 < self.scale * self.high < 1):
            raise ValueError(
                "`low` must be above 0 and below `high`, and `scale` times `high` between 0 and 1; "
                f"got {self.low}, {self.high} and {self.scale}"
            )


def schedule_of(config: Config) -> Schedule:
    """The noise schedule of the settings."""
    if config.schedule == "snr_matched":
        return snr_matched(config.steps, config.snr)
    return linear_var(config.steps, config.scale, config.low, config.high)


class Denoised:
    """Transform: pairs are scored by denoised vectors, users rank by their denoised mean item."""

    def __init__(self, config: Config) -> None:
        """The denoisers are built in `begin`."""
        self.config = config

    def begin(self, context: TrainContext) -> None:
        """Callback before training: build both denoisers and read the users' histories."""
        hidden, device = self.config.hidden, context.device
        self.of_users, self.of_items = (
            denoiser_of(context, hidden, conditioned=True, zero=False, name=name)
            for name in ("users", "items")
        )
        self.schedule = schedule_of(self.config).to(device)
        self.liked, self.seed = Liked.of(context.train, device), context.seed
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
            error = reconstruction_error(pair, self.pair(step, *pair)).mean()
            return replace(view, losses={**view.losses, "reconstruction": error})
        if self.frozen is not None:
            view = frozen_view(step, *self.frozen)
        hats = self.pair(step, view.query, view.positive)
        denoised = replace(view, query=hats[0], positive=hats[1])
        trust = denoised.score_pair(hats[1]).detach().sigmoid() ** config.gamma
        error = (trust * reconstruction_error((view.query, view.positive), hats)).mean()
        return replace(
            denoised,
            row_weight=(1 - config.lam) * trust,
            losses={**view.losses, "reconstruction": config.lam * error},
        )

    def pair(self, step: Step, user: Vectors, item: Vectors) -> tuple[Vectors, Vectors]:
        """h_u and h_i, [B, D] each: the same t for both, each with its own noise and dropout."""
        t = random_steps(len(user), self.schedule, user, step.generator)
        return (
            self.of_users(self.corrupted(step, user, t, self.spreads[0]), t, item),
            self.of_items(self.corrupted(step, item, t, self.spreads[1]), t, user),
        )

    def corrupted(self, step: Step, x: Vectors, t: Rows, spread: Scalar) -> Vectors:
        """Forward process q(x, t), with dropout of coordinates (the rest scaled up)."""
        g, p = step.generator, self.config.dropout
        eps = spread * torch.randn(x.shape, generator=g, device=x.device, dtype=x.dtype)
        xt = self.schedule.noised(x, t, eps)
        if not p:
            return xt
        keep = torch.rand(x.shape, generator=g, device=x.device) >= p
        return xt * keep / (1 - p)

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
        y = self.schedule.noised(mean, t, eps)
        for _ in range(self.schedule.steps):
            y, t = self.schedule.back(y, self.of_items(y, t, query), t), t - 1
        return y

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
    def nets(self) -> dict[str, Denoiser]:
        """Both denoisers by name; none in the control."""
        return {"users": self.of_users, "items": self.of_items} if self.config.diffusion else {}

    def minimised(self) -> Iterable[torch.nn.Parameter]:
        """The denoisers' parameters."""
        return [p for net in self.nets.values() for p in trainable(net)]

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


def reconstruction_error(pair: tuple[Vectors, Vectors], hats: tuple[Vectors, Vectors]) -> Rows:
    """L_re of each row, [B]; its targets are detached."""
    of_user, of_item = (
        (x.detach() - hat).square().mean(-1) for x, hat in zip(pair, hats, strict=True)
    )
    return (of_user + of_item) / 2


def frozen_view(step: Step, users: UserVectors, items: ItemVectors) -> View:
    """The step's view over frozen vectors: no gradient reaches the backbone."""
    query, positive = users[step.batch.users], items[step.batch.items]
    return View(query, items, positive, step.view.similarity, users, leaves=Leaves())


def build(config: Config) -> Method:
    """Uniform negatives with BPR, scored by denoised vectors."""
    return Method(Uniform(config.negatives), BPR(), transform=Denoised(config))
