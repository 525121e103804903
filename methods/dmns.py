"""Negatives made by a diffusion over what the user likes, at several levels of hardness.

    L = (softplus(-s_i) + mean{softplus(s_j), w_l softplus(<e_u, x_l>)}) / 2 + lambda L_eps
    L_eps = mean |eps - eps_theta(y_t, t, e_u)|,   t ~ U{1 .. T}
    x_l = the stations at t in {0, T/10, T/8, T/4, T/2} of one chain from T down, given e_u

After DMNS (WWW 2024, arXiv 2403.17259), there for links of a graph: here a node is a user, and its
neighbours are the items that it met. The denoiser learns their law given the user's vector; read at
a late t it says something noisy (easy), at an early one nearly an item that the user would like
(hard). Weights w_l are 0, 1, .9, .8, .7, as released; j is one ordinary negative of weight 1. The
text has f = log sigmoid; `form=plain` is the plain sigmoid of the released code. For centred
Gaussian positives of variance a and noise of variance b the law of x_t is the law of the positives
to the power a / (abar_t a + (1 - abar_t) b), below 1 where a < b: the sub-linear positivity that
the paper asks for. With noise of the catalogue's covariance that holds for every user whose items
are closer to each other than items at large.

What is ours: released, the chain begins at N(0, I), where training never comes (abar_T = .6): here
it begins at somebody's positive noised to T, the very law that the denoiser has seen
(`start=noise` is the other). The denoiser takes one step for each of the backbone's, on detached
vectors, instead of 100 epochs for each; the chain takes DDIM steps of `stride` (`stride=1,
walk=ancestral` is the paper's). By default noise has the catalogue's mean and covariance;
`noise=unit` is N(0, I). The condition is the user's vector at unit scale. The denoiser is an MLP
that does use its condition. Negatives are detached.

Controls. `trained=false` is the same chain, led by a random denoiser that never learns;
`walk=direct` is the matched Gaussian noise: x_l is the row's own positive noised to t, without a
denoiser. Cost per step: about T / stride + 5 passes of the denoiser over B rows.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.parts import Uniform
from negbench.parts.diffusion.latent_space import (
    DenoiserPart,
    Noise,
    Space,
    any_step,
    denoiser_of,
    noised,
    walk,
)
from negbench.parts.diffusion.process import SCHEDULES
from negbench.parts.losses.functions import over_negatives
from negbench.parts.losses.objectives import weight
from negbench.parts.selection.mix_negatives import join
from negbench.protocol import Card, Epoch, Method, Negatives, Step, TrainContext

CARD = Card(
    title="Diffusion-based multi-level negatives",
    family="diffusion",
    year=2024,
    venue="WWW",
    link="https://arxiv.org/abs/2403.17259",
    moves=("stages", "objective"),
    provenance="specification",
    differs="Users and their items stand for nodes and neighbours; the denoiser takes one step for "
    "each of the backbone's; the chain begins at the law it was trained on and takes DDIM steps.",
    search={"weight": ("of", 0.1, 1.0), "steps": ("of", 20, 50, 100)},
)


@dataclass(frozen=True)
class Config:
    """The settings."""

    w_clean: float = 0.0
    """Weight of the level t = 0, 0 or more; released 0. A level of weight 0 is not made."""
    w_tenth: float = 1.0
    """Of t = T/10; released 1."""
    w_eighth: float = 0.9
    """Of t = T/8; released .9."""
    w_quarter: float = 0.8
    """Of t = T/4; released .8."""
    w_half: float = 0.7
    """Of t = T/2; released .7."""
    weight: float = 1.0
    """lambda of the diffusion loss, above 0; not known of the paper."""
    steps: int = 50
    """T, 10 or more; 50 in the released code."""
    stride: int = 5
    """Steps that the chain takes at once, 1 or more; 1 in the released code."""
    walk: Literal["ddim", "ancestral", "direct"] = "ddim"
    """ancestral, the paper's, asks for stride=1; direct is the control without a denoiser."""
    start: Literal["matched", "noise"] = "matched"
    """matched: a positive of the batch, another row's, noised to T; noise: the released start."""
    hidden: int = 32
    """H of the denoiser, 1 or more; 32 in the released code."""
    schedule: Literal["linear", "cosine", "sqrt", "exp"] = "linear"
    """linear is the paper's."""
    noise: Noise = "catalogue"
    """catalogue: the items' mean and covariance; unit: N(0, I), the paper's."""
    form: Literal["log", "plain"] = "log"
    """log: f = log sigmoid, the text's; plain: f = sigmoid, the released code's."""
    trained: bool = True
    """False is the control with an untrained denoiser."""

    def __post_init__(self) -> None:
        """Refuse what cannot be made."""
        for name, least in (("steps", 10), ("stride", 1), ("hidden", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"`{name}` must be at least {least}; got {getattr(self, name)}")
        if not self.weight > 0:
            raise ValueError(f"`weight` must be above 0; got {self.weight}")
        if min(_weights(self)) < 0 or max(_weights(self)) == 0:
            raise ValueError(
                f"weights of levels must be 0 or more, one of them above 0; got {_weights(self)}"
            )
        if self.walk == "ancestral" and self.stride != 1:
            raise ValueError(f"walk=ancestral takes `stride` = 1; got {self.stride}")

    @property
    def levels(self) -> dict[int, float]:
        """Weight by t, hardest first; the levels that count."""
        at = [0, *(self.steps // part for part in (10, 8, 4, 2))]
        made: dict[int, float] = {}
        for t, w in zip(at, _weights(self), strict=True):
            made[t] = made.get(t, 0.0) + w
        return {t: w for t, w in made.items() if w}


def _weights(config: Config) -> tuple[float, ...]:
    return (config.w_clean, config.w_tenth, config.w_eighth, config.w_quarter, config.w_half)


class Levels(DenoiserPart):
    """Adds the levels of one chain for each row, and teaches the denoiser beside."""

    def __init__(self, config: Config) -> None:
        """Remember the settings."""
        self.config = config

    def begin(self, context: TrainContext) -> None:
        """A schedule and a denoiser."""
        config = self.config
        self.schedule = SCHEDULES[config.schedule](config.steps).to(context.device)
        self.net = denoiser_of(context, config.hidden, conditioned=True, trained=self.learns)
        self.space: Space | None = None
        self.snr = math.nan

    def refresh(self, epoch: Epoch) -> None:
        """The catalogue as it is now."""
        self.look(epoch.items)

    def look(self, items: Tensor) -> Space:
        """The space of these item vectors [I, D], kept for the epoch."""
        self.space = Space.of(items.detach(), self.config.noise)
        self.snr = self.space.snr(self.schedule, items)
        return self.space

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """Vectors [B, N + levels, D]: what came, at weight 1 each, and the levels at theirs."""
        space = self.space or self.look(step.view.items)
        if self.learns:
            losses = {**negatives.losses, "denoising": self.config.weight * self.error(step, space)}
            negatives = replace(negatives, losses=losses)
        made = self.made(step, space)
        if negatives.ids is not None:
            # Vectors are what is scored; ids are for the L2 penalty, which stays the real one's:
            # a row that has none has no levels either.
            real = negatives.ids.expand(len(step.batch), -1)[:, :1]
            mask = None if negatives.mask is None else negatives.mask[:, :1].expand(-1, made.n)
            made = replace(made, ids=real.expand(-1, made.n), mask=mask)
        return join(step, negatives, made, made.n / (made.n + negatives.n))

    @property
    def learns(self) -> bool:
        """Whether there is a denoiser to teach."""
        return self.config.trained and self.config.walk != "direct"

    def made(self, step: Step, space: Space) -> Negatives:
        """Every level [B, levels, D] with its weight."""
        make = self.noisy if self.config.walk == "direct" else self.chain
        levels = make(step, space)
        vectors = torch.stack(list(levels.values()), 1)
        weights = vectors.new_tensor([self.config.levels[t] for t in levels])
        return Negatives(vectors=vectors, logw=weights.log().expand(len(vectors), -1))

    @torch.no_grad()
    def noisy(self, step: Step, space: Space) -> dict[int, Tensor]:
        """The rows' positives [B, D] noised to each level t at once."""
        x, made = step.view.positive.detach(), {}
        for level in self.config.levels:
            t = torch.full((len(x),), level, device=x.device)
            made[level] = space.out(noised(space, self.schedule, x, t, step.generator)[0])
        return made

    @torch.no_grad()
    def chain(self, step: Step, space: Space) -> dict[int, Tensor]:
        """The item vectors [B, D] at each level t of one chain a row."""
        condition, g = unit(step.view.query), step.generator

        def clean(y: Tensor, t: Tensor) -> Tensor:
            return self.schedule.clean(y, t, self.net(y, t, condition))

        def noise() -> Tensor:
            return space.noise(len(condition), g)

        made = walk(
            self.schedule,
            self.start(step, space),
            list(self.config.levels),
            clean,
            stride=self.config.stride,
            noise=noise if self.config.walk == "ancestral" else None,
        )
        return {t: space.out(y) for t, y in made.items()}

    def start(self, step: Step, space: Space) -> Tensor:
        """y_T [B, D]: positives dealt anew to the rows and noised to T, or noise alone."""
        x, g = step.view.positive.detach(), step.generator
        if self.config.start == "noise":
            return space.noise(len(x), g)
        dealt = x[torch.randperm(len(x), generator=g, device=x.device)]
        last = torch.full((len(x),), self.schedule.steps, device=x.device)
        return noised(space, self.schedule, dealt, last, g)[0]

    def error(self, step: Step, space: Space) -> Tensor:
        """The mean absolute error in the noise of the batch's positives, detached."""
        x = step.view.positive.detach()
        t = any_step(len(x), self.schedule, x, step.generator)
        y, eps = noised(space, self.schedule, x, t, step.generator)
        made: Tensor = (self.net(y, t, unit(step.view.query.detach())) - eps).abs().mean()
        return made


def unit(query: Tensor) -> Tensor:
    """Vectors [B, D] scaled to a root mean square of 1."""
    return F.normalize(query, dim=-1) * math.sqrt(query.shape[1])


@dataclass(frozen=True)
class Halves:
    """(f(-s_i) + mean_j w_j f(s_j)) / 2 with f = softplus, or sigmoid in the plain form."""

    form: Literal["log", "plain"] = "log"

    def rows(self, step: Step, s_pos: Tensor, s_neg: Tensor, negatives: Negatives) -> Tensor:
        """The loss of each row, [B]."""
        f = F.softplus if self.form == "log" else torch.sigmoid
        against = over_negatives(f(s_neg), weight(negatives), negatives.mask)
        return (f(-s_pos) + against) / 2


def build(config: Config) -> Method:
    """An ordinary negative and the levels under the halved loss."""
    return Method(Uniform(1), Halves(config.form), (Levels(config),))
