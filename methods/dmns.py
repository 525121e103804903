"""Negatives synthesised by a diffusion model of the user's items, at several levels of hardness.

    L = (softplus(-s_i) + mean{softplus(s_j), w_l softplus(<e_u, x_l>)}) / 2 + lambda L_eps
    L_eps = mean |eps - eps_theta(y_t, t, e_u)|,   t ~ U{1 .. T}
    x_l = the vectors at t in {0, T/10, T/8, T/4, T/2} of one chain from T down, given e_u

After DMNS (WWW 2024, arXiv 2403.17259), there for links of a graph: here a node is a user, and its
neighbours are its train items. The denoiser learns their law given the user's vector; read at a
late t its output is noisy (easy), at an early one nearly an item that the user would like (hard).
Weights w_l are 0, 1, .9, .8, .7, as released; j is one ordinary negative of weight 1. The text has
f = log sigmoid; `form=plain` is the plain sigmoid of the released code. For centred Gaussian
positives of variance a and noise of variance b the law of x_t is that of the positives to the power
a / (abar_t a + (1 - abar_t) b), below 1 where a < b: the paper's sub-linear positivity. Noise of
the catalogue's covariance gives it to users whose items are alike.

What is ours: released, the chain begins at N(0, I), where training never comes (abar_T = .6): here
it begins at another row's positive noised to T (`start=noise` is the other). The denoiser takes one
step for each of the backbone's, on detached vectors and by its step size, where the released one is
fitted by 100 epochs for each (`inner=100`: so many steps on each batch, after the backbone's, by an
Adam of its own). The chain takes DDIM steps of `stride` (`stride=1,walk=ancestral` is the paper's).
Noise has the catalogue's mean and covariance; `noise=unit` is N(0, I). `preset=released` takes all
as released. The condition is the user's vector at unit scale. Negatives are detached. Controls:
`trained=false` keeps a random denoiser; `walk=direct` noises the row's own positive to t instead.
Cost per step: about T / stride + 5 `inner` passes of the denoiser over B rows.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F

from negbench.parts import Uniform
from negbench.parts.diffusion.latent_space import (
    DenoiserPart,
    Noise,
    Space,
    denoiser_of,
    noised,
    random_steps,
    reverse_chain,
    trainable,
)
from negbench.parts.diffusion.process import SCHEDULES
from negbench.parts.losses.functions import over_negatives
from negbench.parts.losses.objectives import weight
from negbench.parts.selection.first_usable import first_usable
from negbench.parts.selection.mix_negatives import join
from negbench.protocol import (
    Card,
    Epoch,
    Feedback,
    ItemVectors,
    Method,
    Negatives,
    Rows,
    Scalar,
    Scores,
    Step,
    TrainContext,
    Vectors,
    check_ranges,
)

CARD = Card(
    title="Diffusion-based multi-level negatives",
    family="diffusion",
    authors="Trung-Kien Nguyen and Yuan Fang",
    year=2024,
    venue="WWW",
    link="https://arxiv.org/abs/2403.17259",
    paper="Diffusion-based Negative Sampling on Graphs for Link Prediction",
    moves=("stages", "objective"),
    needs=("catalogue",),
    provenance="specification",
    differs="Users and their items stand for nodes and neighbours; the denoiser takes one step for "
    "each of the backbone's; the chain begins at the law it was trained on and takes DDIM steps.",
    controls={
        "dmns(trained=false)": "a random denoiser that never learns",
        "dmns(walk=direct)": "noised positives, without a denoiser",
    },
    search={"weight": ("of", 0.1, 1.0), "steps": ("of", 20, 50, 100)},
    presets={
        "released": {
            "stride": 1,
            "walk": "ancestral",
            "start": "noise",
            "noise": "unit",
            "form": "plain",
            "inner": 100,
        },
    },
    later=("inner", "inner_lr"),
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
    inner: int = 1
    """Steps of the denoiser for each of the backbone's, 1 or more; 100 in the released code."""
    inner_lr: float = 0.01
    """Adam's step for the denoiser where `inner` is above 1, above 0; .01 in the released code."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        least = {"steps": 10, "stride": 1, "hidden": 1, "inner": 1}
        check_ranges(self, at_least=least, above={"weight": 0, "inner_lr": 0})
        if min(_weights(self)) < 0 or max(_weights(self)) == 0:
            raise ValueError(
                f"weights of levels must be 0 or more, one of them above 0; got {_weights(self)}"
            )
        if self.walk == "ancestral" and self.stride != 1:
            raise ValueError(f"walk=ancestral takes `stride` = 1; got {self.stride}")

    @property
    def levels(self) -> dict[int, float]:
        """Weight by t, hardest first; only levels of weight above 0."""
        at = [0, *(self.steps // part for part in (10, 8, 4, 2))]
        weights: dict[int, float] = {}
        for t, w in zip(at, _weights(self), strict=True):
            weights[t] = weights.get(t, 0.0) + w
        return {t: w for t, w in weights.items() if w}


def _weights(config: Config) -> tuple[float, ...]:
    return (config.w_clean, config.w_tenth, config.w_eighth, config.w_quarter, config.w_half)


class Levels(DenoiserPart):
    """Stage: adds the levels of one reverse chain to each row, and trains the denoiser."""

    def __init__(self, config: Config) -> None:
        """The schedule and the denoiser are built in `begin`."""
        self.config = config

    def begin(self, context: TrainContext) -> None:
        """Callback before training: build the schedule and the denoiser."""
        config = self.config
        self.schedule = SCHEDULES[config.schedule](config.steps).to(context.device)
        self.net = denoiser_of(context, config.hidden, conditioned=True, trained=self.learns)
        self.space: Space | None = None
        self.snr = math.nan

    def refresh(self, epoch: Epoch) -> None:
        """Callback before each epoch: fit the space to the current item vectors."""
        self.fit_space(epoch.items)

    def fit_space(self, items: ItemVectors) -> Space:
        """The latent space of these item vectors [I, D], kept for the epoch."""
        self.space = Space.of(items.detach(), self.config.noise)
        self.snr = self.space.snr(self.schedule, items)
        return self.space

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """Vectors [B, N + levels, D]: the given ones at weight 1, the levels at their weights."""
        space = self.space or self.fit_space(step.view.items)
        if self.learns and self.adam is None:
            losses = {**negatives.losses, "denoising": self.config.weight * self.error(step, space)}
            negatives = replace(negatives, losses=losses)
        levels = self.levels(step, space)
        if negatives.ids is not None:
            # Ids are for the L2 penalty, that of a real one: a row without any has no levels.
            real = first_usable(step, negatives)
            mask = None if real.mask is None else real.mask.expand(-1, levels.n)
            ids = real.row_ids(len(step.batch)).expand(-1, levels.n)
            levels = replace(levels, ids=ids, mask=mask)
        return join(step, negatives, levels, levels.n / (levels.n + negatives.n))

    @property
    def learns(self) -> bool:
        """Whether there is a denoiser to train."""
        return self.config.trained and self.config.walk != "direct"

    def levels(self, step: Step, space: Space) -> Negatives:
        """Every level [B, levels, D] with its weight."""
        synthesise = self.noisy if self.config.walk == "direct" else self.chain
        by_step = synthesise(step, space)
        vectors = torch.stack(list(by_step.values()), 1)
        weights = vectors.new_tensor([self.config.levels[t] for t in by_step])
        return Negatives(vectors=vectors, logw=weights.log().expand(len(vectors), -1))

    @torch.no_grad()
    def noisy(self, step: Step, space: Space) -> dict[int, Vectors]:
        """The rows' positives [B, D] noised to each level t, without a chain."""
        x, by_step = step.view.positive.detach(), {}
        for level in self.config.levels:
            t = torch.full((len(x),), level, device=x.device)
            y, _ = noised(space, self.schedule, x, t, step.generator)
            by_step[level] = space.unstandardise(y)
        return by_step

    @torch.no_grad()
    def chain(self, step: Step, space: Space) -> dict[int, Vectors]:
        """Item vectors [B, D] at each level t of one reverse chain a row."""
        condition, g = unit(step.view.query), step.generator

        def clean(y: Vectors, t: Rows) -> Vectors:
            return self.schedule.clean(y, t, self.net(y, t, condition))

        ancestral = self.config.walk == "ancestral"
        by_step = reverse_chain(
            self.schedule,
            self.start(step, space),
            list(self.config.levels),
            clean,
            stride=self.config.stride,
            noise=(lambda: space.noise(len(condition), g)) if ancestral else None,
        )
        return {t: space.unstandardise(y) for t, y in by_step.items()}

    def start(self, step: Step, space: Space) -> Vectors:
        """Start of the chain y_T [B, D]: permuted positives noised to T, or noise alone."""
        x, g = step.view.positive.detach(), step.generator
        if self.config.start == "noise":
            return space.noise(len(x), g)
        permuted = x[torch.randperm(len(x), generator=g, device=x.device)]
        last = torch.full((len(x),), self.schedule.steps, device=x.device)
        return noised(space, self.schedule, permuted, last, g)[0]

    def error(self, step: Step, space: Space) -> Scalar:
        """Denoising loss: mean absolute error in the noise of the batch's positives, detached."""
        x = step.view.positive.detach()
        t = random_steps(len(x), self.schedule, x, step.generator)
        y, eps = noised(space, self.schedule, x, t, step.generator)
        error: Scalar = (self.net(y, t, unit(step.view.query.detach())) - eps).abs().mean()
        return error


class FittedLevels(Levels):
    """The levels of a denoiser that is fitted by `inner` steps after each of the backbone's."""

    def begin(self, context: TrainContext) -> None:
        """Callback before training: build the denoiser's own optimiser too."""
        super().begin(context)
        self.adam = torch.optim.Adam(trainable(self.net), lr=self.config.inner_lr)

    def observe(self, feedback: Feedback) -> None:
        """Callback after each step: fit the denoiser to its batch, each time with new draws."""
        step, space = feedback.step, self.space or self.fit_space(feedback.step.view.items)
        self.fit(self.config.inner, lambda: self.error(step, space))


def unit(query: Vectors) -> Vectors:
    """Vectors [B, D] scaled to a root mean square of 1."""
    return F.normalize(query, dim=-1) * math.sqrt(query.shape[1])


@dataclass(frozen=True)
class HalvedLoss:
    """DMNS loss (f(-s_i) + mean_j w_j f(s_j)) / 2, f = softplus, or sigmoid in the plain form."""

    form: Literal["log", "plain"] = "log"

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B]."""
        f = F.softplus if self.form == "log" else torch.sigmoid
        against = over_negatives(f(s_neg), weight(negatives), negatives.mask)
        return (f(-s_pos) + against) / 2


def build(config: Config) -> Method:
    """A uniform negative and the levels with the halved loss."""
    levels = Levels(config)
    if levels.learns and config.inner > 1:
        levels = FittedLevels(config)
    return Method(Uniform(1), HalvedLoss(config.form), (levels,))
