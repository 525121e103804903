"""Hard but seldom false negatives, by a denoiser that detects likely positives of the user.

    rho(u, j) = E_t,eps [ ||e_j - D(x_t, null)||^2 - ||e_j - D(x_t, u)||^2 ]
    pi(u, j)  = sigmoid((rho - c_u) / (tau_f s))    c_u = alpha-quantile of rho over u's positives
    sampler:    p(j | u) ~ exp(s(u, j) / tau_h) (1 - pi)         of M candidates
    reweighter: loss of (u, i, j) times 1 - pi
    virtual:    x = (1 - g) e_j + g D(q(e_j, t), u), or e_j where x would outscore the positive

Ours, after the denoisers of DDRM (SIGIR 2024, arXiv 2401.06982). An item that is restored much
better when the user is known is one that the user is likely to want; subtracting the error without
the user removes how easy the item is by itself. D learns on the positives, on detached vectors in
the catalogue's units, beside the backbone; under Adam its loss needs no weight. c_u and s, the
spread of rho over positives, are measured once an epoch, in its first step: c_u over all of u's
train items where the backbone has user vectors, else one c over the rows of that batch. Up to
`warmup` the negatives stay unchanged. Only train pairs are read.

Controls: `denoiser=untrained` leaves D random; `use=reweighter` and `use=virtual` take the
negatives of another method, as in `popularity+ddrm_sampler(use=reweighter)`; `dns(candidates=16)`
is the sampler without the detector for a small tau_h.
Cost per step: M dots and 2 S M passes of D (H D) a row, M = 1 in `reweighter`, one pass in
`virtual`; 2 S passes a train pair in each epoch.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from negbench.ops.epoch_means import EpochMeans
from negbench.ops.group_quantiles import quantiles
from negbench.parts import BPR, Uniform
from negbench.parts.diffusion.latent_space import TINY
from negbench.parts.diffusion.process import snr_matched
from negbench.parts.requirements import ids_of
from negbench.parts.score_space import items_of, pair_of
from negbench.parts.selection.first_usable import first_usable
from negbench.protocol import (
    AnyVectors,
    Card,
    Epoch,
    Ids,
    ItemVectors,
    Method,
    Negatives,
    Phase,
    Rows,
    Scores,
    Step,
    TrainContext,
    UserVectors,
    check_ranges,
)

from .detector import Detector

CARD = Card(
    title="Diffusion-denoising sampling",
    family="diffusion",
    moves=("stages",),
    needs=("catalogue",),
    provenance="ours",
    differs="Ours; DDRM gives the pair-conditioned denoiser, which it uses for the model alone.",
    controls={"ddrm_sampler(denoiser=untrained)": "a random detector"},
    search={
        "use": ("of", "sampler", "reweighter", "virtual"),
        "alpha": ("float", 0.05, 0.75),
        "tau_h": ("log", 0.1, 10.0),
        "candidates": ("of", 8, 16, 32),
    },
)

PAIRS = 1 << 15
"""Train pairs whose rho is computed at once."""


@dataclass(frozen=True)
class Config:
    """The settings; all ours."""

    use: Literal["sampler", "reweighter", "virtual"] = "sampler"
    """How the detector is used."""
    candidates: int = 16
    """M of `sampler`, 1 or more; 16 to 64."""
    draws: int = 2
    """S, steps and noises that rho averages over, 1 or more; 2 to 4."""
    alpha: float = 0.25
    """Quantile of the user's positives that counts as looking positive, 0 to 1."""
    tau_f: float = 1.0
    """Softness of pi in units of the spread of rho, above 0."""
    tau_h: float = 1.0
    """Softness of the choice by score, above 0."""
    g: float = 0.2
    """Share of the restored vector in `virtual`, 0 to 1."""
    drop: float = 0.1
    """Probability of dropping the condition in training, 0 to 1, both excluded."""
    warmup: int = 5
    """Epochs of unchanged negatives, 0 or more, in which the vectors and D are trained first."""
    steps: int = 20
    """T, 1 or more."""
    snr: float = 0.1
    """Above 0; signal to noise at T."""
    hidden: int = 64
    """H of D, 1 or more."""
    denoiser: Literal["trained", "untrained"] = "trained"
    """untrained is the control."""

    def __post_init__(self) -> None:
        """Check the settings."""
        least = {"candidates": 1, "draws": 1, "warmup": 0, "steps": 1, "hidden": 1}
        check_ranges(self, at_least=least, between={"alpha": (0, 1), "g": (0, 1)})
        for name, below in (("drop", 1), ("tau_f", math.inf), ("tau_h", math.inf), ("snr", 1e9)):
            if not 0 < (value := getattr(self, name)) < below:
                raise ValueError(f"`{name}` must lie between 0 and {below}; got {value}")


@dataclass(frozen=True, eq=False)
class Units:
    """Scales of the vectors, and of rho over positives, measured once an epoch."""

    mean: Tensor
    scale: Tensor
    of_queries: Tensor
    level: Tensor
    """c of each user, [U], or of all, [1]."""
    spread: Tensor

    def items(self, x: AnyVectors) -> AnyVectors:
        """Item vectors in the catalogue's units."""
        return (x - self.mean) / self.scale

    def queries(self, x: AnyVectors) -> AnyVectors:
        """Users' vectors with coordinates of about 1."""
        return x / self.of_queries


class Detect:
    """Trains the detector, and selects, weights or moves negatives by it."""

    def __init__(self, config: Config) -> None:
        """Build the detector; the units are measured in the first step of an epoch."""
        self.config = config
        trained = config.denoiser == "trained"
        schedule = snr_matched(config.steps, config.snr)
        self.detector = Detector(schedule, config.hidden, config.draws, config.drop, trained)
        self.averages = EpochMeans()
        self.units: Units | None = None

    def begin(self, context: TrainContext) -> None:
        """Callback before training: draw the weights."""
        self.detector.begin(context)
        self.units = None

    def refresh(self, epoch: Epoch) -> None:
        """Callback before each epoch: drop the units, to measure them in the next step."""
        del epoch
        self.units = None

    def own_phase(self) -> Phase:
        """The epochs in which the detector is used."""
        return Phase("detector", self.config.warmup + 1)

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """Selected, weighted or moved negatives, and the detector's loss."""
        units = self.epoch_units(step)
        if self.config.denoiser == "trained":
            x, query = pair_of(step)
            loss = self.detector.loss(units.items(x), units.queries(query), step.generator)
            negatives = replace(negatives, losses={**negatives.losses, "denoising": loss})
        if not negatives.n:
            return negatives
        if step.epoch <= self.config.warmup:
            return first_usable(step, negatives) if self.config.use == "sampler" else negatives
        if self.config.use == "virtual":
            return self.virtual(step, units, negatives)
        log_true = self.log_true_negative(step, units, negatives)
        if self.config.use == "sampler":
            return self.select(step, negatives, log_true)
        base = 0.0 if negatives.logw is None else negatives.logw
        return replace(negatives, logw=base + log_true)

    @torch.no_grad()
    def select(self, step: Step, negatives: Negatives, log_true: Scores) -> Negatives:
        """One candidate a row, p ~ exp(s / tau_h) (1 - pi), by the Gumbel-max trick."""
        wanted = step.scores_no_grad(negatives) / self.config.tau_h + log_true
        coin = torch.rand(wanted.shape, generator=step.generator, device=wanted.device)
        gumbel = -(-coin.clamp(min=1e-20).log()).clamp(min=1e-20).log()
        return negatives.take((wanted + gumbel).argmax(1, keepdim=True))

    @torch.no_grad()
    def log_true_negative(self, step: Step, units: Units, negatives: Negatives) -> Scores:
        """log(1 - pi) of each negative, [B, N]."""
        ids = ids_of(step, negatives, "ddrm_sampler")
        rho = self.rho(step, units, ids)
        level = units.level[step.batch.users if len(units.level) > 1 else 0].reshape(-1, 1)
        z = (rho - level) / (self.config.tau_f * units.spread)
        self.averages.add("pi_fn", z.sigmoid())
        return logsigmoid(-z)

    def rho(self, step: Step, units: Units, ids: Ids) -> Scores:
        """rho [B, N] of the step's users and items ids [B, N]."""
        query = units.queries(pair_of(step)[1].detach())
        return self.detector.rho(units.items(items_of(step, ids)), query, step.generator)

    def virtual(self, step: Step, units: Units, negatives: Negatives) -> Negatives:
        """e_j moved towards its restoration by D for the user; the gradient to e_j stays."""
        view, g = step.view, self.config.g
        ids = ids_of(step, negatives, "ddrm_sampler")
        assert negatives.ids is not None
        rows = view.similarity.prepare(view.rows(negatives.ids)).expand(*ids.shape, -1)
        query = units.queries(pair_of(step)[1].detach())
        condition = query.unsqueeze(1).expand_as(rows).flatten(0, 1)
        clean = units.items(rows.detach()).flatten(0, 1)
        restored = self.detector.restore(clean, condition, step.generator).view_as(rows)
        restored = restored * units.scale + units.mean
        mixed = (1 - g) * rows + g * restored
        with torch.no_grad():
            over = view.score_rows(mixed) > view.score_pair(view.positive).unsqueeze(1)
            self.averages.add("capped", over)
        vectors = torch.where(over.unsqueeze(-1), rows, mixed)
        return replace(negatives, ids=ids, vectors=vectors, shared=False)

    @torch.no_grad()
    def epoch_units(self, step: Step) -> Units:
        """The units of this epoch, with the level and the spread of rho over train positives."""
        if self.units is not None:
            return self.units
        items, kind = items_of(step), step.view.similarity
        queries = pair_of(step)[1] if step.view.users is None else kind.query(step.view.users)
        mean = items.mean(0)
        scale = (items - mean).square().mean().sqrt().clamp(min=TINY)
        of_queries = queries.square().mean().sqrt().clamp(min=TINY)
        zero = items.new_zeros(1)
        self.units = Units(mean, scale, of_queries, zero, items.new_ones(()))
        if step.epoch > self.config.warmup:
            groups, rho = self.rho_of_positives(step, self.units, items, queries)
            count = step.context.n_users if step.view.users is not None else 1
            level = quantiles(groups, rho, count, self.config.alpha)
            spread = rho.std(correction=0).clamp(min=TINY)
            self.averages.add("rho_positive", rho)
            self.units = replace(self.units, level=level, spread=spread)
        return self.units

    def rho_of_positives(
        self, step: Step, units: Units, items: ItemVectors, queries: UserVectors
    ) -> tuple[Rows, Rows]:
        """Groups [n] and rho [n]: train pairs by user, or the batch's rows as one group."""
        if step.view.users is None:
            rho = self.rho(step, units, step.batch.items.unsqueeze(1))
            return torch.zeros_like(step.batch.users), rho.squeeze(1)
        train, device = step.context.train, items.device
        users = torch.tensor(train.rows, device=device)
        liked = torch.tensor(train.indices, device=device).long()
        blocks = [
            self.detector.rho(
                units.items(items[i].unsqueeze(1)), units.queries(queries[u]), step.generator
            )
            for u, i in zip(torch.split(users, PAIRS), torch.split(liked, PAIRS), strict=True)
        ]
        return users, torch.cat(blocks).squeeze(1)

    def epoch_metrics(self) -> Mapping[str, float]:
        """Signal to noise at T, and the epoch's means of pi and of rho over positives."""
        return {"snr_T": self.config.snr, **self.averages.epoch_metrics()}

    def minimised(self) -> Iterable[torch.nn.Parameter]:
        """The detector's weights."""
        return self.detector.minimised()

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the detector."""
        return self.detector.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        self.detector.load_state_dict(state)


def detection(stage: Detect, step: Step, ids: Ids) -> Scores:
    """rho [B, N] of a step's users and items ids [B, N], for tests and scripts that know the truth.

    The step's epoch must be beyond the warm-up for pi; rho needs no more than a view.
    """
    return stage.rho(step, stage.epoch_units(step), ids)


def build(config: Config) -> Method:
    """M uniform candidates (one without selection) under BPR."""
    n = config.candidates if config.use == "sampler" else 1
    return Method(sampler=Uniform(n), stages=(Detect(config),), objective=BPR())
