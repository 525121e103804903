"""ADAR-inspired virtual negatives: a positive noised, in closed form, to where it turns negative.

    x* = r e_i + (1 - r) mu + sqrt(1 - r^2) L z       L L^T = Sigma, z ~ N(0, I), r = sqrt(abar_t*)
    L  = (1 - w) loss(u, i, j) + w loss(u, i, x*)     j: the real negatives that came

The default has no denoiser: no network, no parameter. `mode=reverse` trains one, and
`preset=network` is that with the plain noise N(0, I), the nearest to what is public of: Li, Sun,
Zou, Zhu, Zhu & Ma, "Adaptive Diffusion-based Augmentation for Recommendation", 2026 (arXiv
2601.01448). From its abstract and from reviews: a positive is corrupted step by step; a noise
network conditioned on the user makes candidate negatives; a theorem gives the step at which a
positive turns negative, as a function of scores. Not to be had: the theorem, t*, T, weights, which
sample is used, all figures. So ours are: the rules for t* (`transition_rules.py`); mu and Sigma,
the catalogue's in place of N(0, I), renewed every epoch, of normed vectors under a cosine; the
mixture with real negatives; the warm-up; `bridge` and `snap`. The network learns on vectors without
gradient; its loss reaches nothing else, so under Adam its weight would change nothing: it has none.

Modes: `forward` corrupts in closed form; `reverse` walks from noise towards the user by the noise
network and stops each row at its t*: a noised draw of what the user likes; `bridge` corrupts
further than t* and walks back; `snap` takes the nearest item to x* that the user has not had.

Controls: `mode=forward` and `denoiser=untrained` for `reverse`; `rule=fixed` with `at`, and
`rule=random`, read no scores; with `w=1`, `noise=isotropic` draws all items into a line.

Cost per step: 3 dots and D^2 a row in `forward`, M dots more with `bound` mean or max, pool or I in
`snap`, up to T / stride passes of the network (H D) in `reverse`, `bridge`; I D^2 an epoch.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any, Literal

import torch

from negbench.ops.epoch_means import EpochMeans
from negbench.parts import BPR, Uniform
from negbench.parts.diffusion import process
from negbench.parts.diffusion.noise_network import NoiseNetwork
from negbench.parts.diffusion.process import Catalogue
from negbench.parts.score_space import catalogue_of, items_of, pair_of
from negbench.parts.selection.first_usable import first_usable
from negbench.parts.selection.mix_negatives import join
from negbench.parts.selection.nearest_item import nearest
from negbench.protocol import (
    Card,
    Epoch,
    Method,
    Negatives,
    Phase,
    Rows,
    Step,
    TrainContext,
    Vectors,
    check_ranges,
)

from . import transition_rules
from .transition_rules import Rule, ScoreStatistics

CARD = Card(
    title="ADAR-inspired: transition in closed form",
    family="diffusion",
    authors="Na Li, Fanghui Sun, Yan Zou, Yangfu Zhu, Xiatian Zhu and Ying Ma",
    year=2026,
    venue="arXiv",
    link="https://arxiv.org/abs/2601.01448",
    paper="Adaptive Diffusion-based Augmentation for Recommendation",
    moves=("stages",),
    needs=("catalogue",),
    provenance="specification",
    differs="The default has no denoiser; mode=reverse trains one. Written from the abstract and "
    "reviews: rules, noise of the catalogue's covariance, mixture and all defaults are ours.",
    search={
        "w": ("float", 0.1, 0.9),
        "z": ("float", 0.5, 2.5),
        "eta": ("float", 0.02, 0.3),
        "mode": ("of", "forward", "reverse", "snap"),
    },
    presets={"network": {"mode": "reverse", "noise": "unit"}},
)
LOG_EVERY = 8
"""Steps from one whose metrics are logged to the next."""


@dataclass(frozen=True)
class Config:
    """The settings; the paper's own values are not known."""

    mode: Literal["forward", "reverse", "bridge", "snap"] = "forward"
    """How x* is generated."""
    rule: Literal["min", "boundary", "quantile", "snr", "violation", "fixed", "random"] = "min"
    """Where the positive turns negative; min is the lesser r of boundary and violation."""
    bound: Literal["random", "mean", "max"] = "random"
    """b: mean + z spread of a random item's score, or the mean or max of M items drawn."""
    z: float = 1.28
    """0.5 to 2.5; 1.28 is the top tenth of random items."""
    candidates: int = 8
    """M, 1 or more; for `bound` mean and max."""
    p: float = 0.5
    """0 to 1; for rule quantile, of which 0.5 is boundary."""
    kappa: float = 2.0
    """Above 0, 1 to 3 are usual; for rule snr."""
    eta: float = 0.1
    """0 to 0.5; how often x* may outscore its positive, for rules violation and min."""
    at: float = 0.5
    """0 to 1; t / T of rule fixed."""
    r_max: float = 0.95
    """0 to 1; no rule goes closer to the positive."""
    discrete: bool = False
    """Round r* down to a step of the schedule, as walks back always do."""
    noise: Literal["catalogue", "isotropic", "unit"] = "catalogue"
    """N(mu, Sigma); N(0, s^2 I), s^2 the items' mean variance; unit is the plain N(0, I)."""
    w: float = 0.5
    """Weight of the virtual negative, 0 to 1; 1 for the collapse alone."""
    warmup: int = 5
    """Epochs of real negatives alone, so that scores mean something."""
    detach: bool = True
    """Stop the gradient through x*; false is for `forward` alone."""
    steps: int = 50
    """T, 20 to 200."""
    schedule: Literal["snr_matched", "linear", "cosine", "sqrt", "exp"] = "snr_matched"
    """`snr_matched` ends at the ratio `snr`, whatever the vectors are."""
    snr: float = 0.01
    """Above 0; signal to noise at T."""
    denoiser: Literal["trained", "untrained"] = "trained"
    """For `reverse` and `bridge`."""
    hidden: int = 256
    """H of the noise network."""
    stride: int = 5
    """1 to T; steps that a walk back takes at once."""
    ahead: float = 0.2
    """0 to 1; share of T that `bridge` goes beyond t*."""
    pool: int = 64
    """Items drawn that `snap` chooses among; 0 = the catalogue."""

    def __post_init__(self) -> None:
        """Check the settings."""
        for name, below in (("p", 1), ("eta", 0.5), ("kappa", inf), ("snr", inf)):
            if not 0 < (value := getattr(self, name)) < below:
                raise ValueError(f"`{name}` must lie between 0 and {below}; got {value}")
        least = {"candidates": 1, "steps": 1, "hidden": 1, "stride": 1, "warmup": 0, "pool": 0}
        shares = dict.fromkeys(("at", "r_max", "w", "ahead"), (0, 1))
        check_ranges(self, at_least=least, between=shares)
        if self.stride > self.steps:
            raise ValueError(f"`stride` must be at most `steps`; got {self.stride} > {self.steps}")
        if not self.detach and self.mode != "forward":
            raise ValueError(f"`detach=false` is for mode forward; got mode {self.mode}")


class Augment:
    """Adds one virtual negative to each row."""

    def __init__(self, config: Config) -> None:
        """Build the noise schedule; the catalogue is measured in the first step of an epoch."""
        self.config = c = config
        self.schedule = process.named(c.schedule, c.steps, c.snr)
        self.rule = Rule(c.rule, c.p, c.kappa, c.eta, c.at, c.r_max, c.discrete)
        self.candidates, self.pool = Uniform(config.candidates), Uniform(max(1, config.pool))
        self.catalogue: Catalogue | None = None
        self.averages, self.snr = EpochMeans(), 0.0

    def begin(self, context: TrainContext) -> None:
        """Callback before training: move the schedule to the device."""
        self.schedule = self.schedule.to(context.device)
        self.candidates.begin(context)
        self.pool.begin(context)

    def refresh(self, epoch: Epoch) -> None:
        """Callback before each epoch: drop the catalogue, to measure it in the next step."""
        del epoch
        self.catalogue = None

    def own_phase(self) -> Phase | None:
        """The epochs with virtual negatives; none where these weigh nothing."""
        return Phase("virtual negatives", self.config.warmup + 1) if self.config.w else None

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """The given negatives with x* added."""
        catalogue = self.epoch_catalogue(step)
        if step.epoch <= self.config.warmup or not self.config.w:
            return negatives
        x0, query = pair_of(step)
        with torch.set_grad_enabled(not self.config.detach):
            x, r = self.generate(step, catalogue, x0, query)
        if step.number % LOG_EVERY == 1:
            self.log_step(step, x, r)
        real = first_usable(step, negatives)
        if self.config.mode == "snap":
            extra = nearest(step, x, self.pool.sample(step) if self.config.pool else None)
        else:
            # Vectors are what is scored. The id is for the L2 penalty: it stays that of the real
            # negatives alone, and a row that has none of these has no virtual one either.
            ids = real.ids if self.config.w < 1 else None
            extra = Negatives(ids, x.unsqueeze(1), mask=real.mask, losses=negatives.losses)
        return join(step, negatives, extra, self.config.w)

    def generate(
        self, step: Step, catalogue: Catalogue, x0: Vectors, query: Vectors
    ) -> tuple[Vectors, Rows]:
        """x* [B, D], and the r [B] that was chosen."""
        r = self.transition(step, catalogue, query)
        return catalogue.corrupted(x0, r, step.generator), r

    @torch.no_grad()
    def epoch_catalogue(self, step: Step) -> Catalogue:
        """The catalogue of this epoch, in the space in which scores are products."""
        if self.catalogue is None:
            items = items_of(step)
            self.catalogue = catalogue_of(items, self.config.noise)
            self.snr = process.signal_to_noise(self.schedule, items, self.catalogue)
        return self.catalogue

    @torch.no_grad()
    def transition(self, step: Step, catalogue: Catalogue, query: Vectors) -> Rows:
        """r* of each row, [B]."""
        at = self.score_statistics(step, catalogue, query)
        return self.rule.choose(at, self.schedule.r, step.generator)

    def score_statistics(self, step: Step, catalogue: Catalogue, query: Vectors) -> ScoreStatistics:
        """Score of each positive, mean and spread of the catalogue's scores, and the bound b."""
        mean, spread = catalogue.moments(query)
        bound = mean + self.config.z * spread
        if self.config.bound != "random":
            scores = step.scores_no_grad(self.candidates.sample(step))
            known = scores.isfinite()
            bound = scores.amax(1)
            if self.config.bound == "mean":
                bound = scores.where(known, 0).sum(1) / known.sum(1).clamp(min=1)
            bound = bound.where(known.any(1), torch.inf)  # no candidate: gated
        return ScoreStatistics(step.view.score_pair(step.view.positive), mean, spread, bound)

    @torch.no_grad()
    def log_step(self, step: Step, x: Vectors, r: Rows) -> None:
        """Log the chosen t and r, and how often x* outscores its positive."""
        s_pos, s_neg = step.view.score_pair(step.view.positive), step.view.score_pair(x)
        self.averages.add("t_mean", transition_rules.step_of(r, self.schedule.r))
        self.averages.add("r_mean", r)
        self.averages.add("gated", r == 0)
        self.averages.add("violation", s_neg > s_pos)

    def epoch_metrics(self) -> Mapping[str, float]:
        """Signal to noise at T, mean t and r, and the share of x* that outscores the positive."""
        return {"snr_T": self.snr, **self.averages.epoch_metrics()}


class ReverseAugment(Augment):
    """Generates x* by the reverse process of a noise network: `reverse` and `bridge`."""

    def __init__(self, config: Config) -> None:
        """Build the noise network beside the schedule."""
        super().__init__(config)
        trained = config.denoiser == "trained"
        self.network = NoiseNetwork(self.schedule, config.stride, config.hidden, trained)

    def begin(self, context: TrainContext) -> None:
        """Callback before training: draw the network's weights too."""
        super().begin(context)
        self.network.begin(context)

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """Add the network's loss, in the warm-up as well, and then x*."""
        if self.network.trained:
            x0, query = pair_of(step)
            noise_loss = self.network.loss(x0, query, self.epoch_catalogue(step), step.generator)
            negatives = replace(negatives, losses={**negatives.losses, "noise": noise_loss})
        return super().apply(step, negatives)

    def generate(
        self, step: Step, catalogue: Catalogue, x0: Vectors, query: Vectors
    ) -> tuple[Vectors, Rows]:
        """x* by the reverse process, from noise or the corrupted positive, to each row's step."""
        network = self.network
        table = network.coarse.r.to(x0.dtype)
        r = self.transition(step, catalogue, query)
        stop = transition_rules.step_of(r, table)
        start, noised = torch.full_like(stop, network.coarse.steps), torch.zeros_like(r)
        if self.config.mode == "bridge":
            start = (stop + round(self.config.ahead * network.coarse.steps)).clamp(max=start)
            noised = table[start].where(r > 0, 0)
        x = catalogue.corrupted(x0, noised, step.generator)
        x = network.reverse_chain(x, start, stop, query, catalogue, step.generator)
        return x, table[stop].where(r > 0, 0)

    def minimised(self) -> Iterable[torch.nn.Parameter]:
        """The noise network's weights."""
        return self.network.minimised()

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the network."""
        return self.network.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        self.network.load_state_dict(state)


def build(config: Config) -> Method:
    """One real and one virtual negative under BPR."""
    stage = ReverseAugment(config) if config.mode in ("reverse", "bridge") else Augment(config)
    return Method(sampler=Uniform(1), stages=(stage,), objective=BPR())
