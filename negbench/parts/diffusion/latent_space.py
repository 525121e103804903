"""Latent space of a diffusion model, its reverse chain, and the mixin of a part with a denoiser.

    y = (x - mu) / s,   s^2 = mean variance of an item coordinate,   noise ~ N(0, Sigma / s^2)

This is the centred process of `diffusion` in units that do not depend on how large the vectors are
(ours). With `unit` noise y = x and the noise is N(0, I), as most papers have it.
"""

import copy
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn

from negbench.ops import rng
from negbench.parts.diffusion.denoiser import Denoiser
from negbench.parts.diffusion.process import Catalogue, Schedule, signal_to_noise
from negbench.parts.requirements import width_of
from negbench.protocol import (
    AnyShape,
    AnyVectors,
    ItemVectors,
    Rows,
    Scalar,
    TrainContext,
    Vectors,
)

Noise = Literal["catalogue", "unit"]
TINY = 1e-6


@dataclass(frozen=True, eq=False)
class Space:
    """Standardised item vectors, and the noise of the process in the same units."""

    mean: Tensor
    scale: Tensor
    catalogue: Catalogue

    @classmethod
    @torch.no_grad()
    def of(cls, items: ItemVectors, noise: Noise = "catalogue") -> Self:
        """The space fitted to item vectors [I, D]."""
        if noise == "unit":
            unit = Catalogue.of(items, isotropic=1.0)
            return cls(unit.mean, items.new_ones(()), unit)
        mean = items.mean(0)
        scale = (items - mean).square().mean().sqrt().clamp(min=TINY)
        return cls(mean, scale, Catalogue.of((items - mean) / scale))

    def standardise(self, x: AnyVectors) -> AnyVectors:
        """Item vectors x [.., D] -> y in standard units."""
        return (x - self.mean) / self.scale

    def unstandardise(self, y: AnyVectors) -> AnyVectors:
        """Standardised vectors y [.., D] -> x in the units of the item vectors."""
        return y * self.scale + self.mean

    def noise(self, n: int, generator: torch.Generator) -> Vectors:
        """n draws of the process's noise, [n, D]."""
        return self.catalogue.noise(n, generator)

    def snr(self, schedule: Schedule, items: ItemVectors) -> float:
        """Signal-to-noise ratio at T."""
        return signal_to_noise(schedule, self.standardise(items), self.catalogue)


def noised(
    space: Space, schedule: Schedule, x: Vectors, t: Rows, generator: torch.Generator
) -> tuple[Vectors, Vectors]:
    """Forward process: y_t of item vectors x [B, D] at steps t [B], and its noise [B, D]."""
    eps = space.noise(len(x), generator)
    return schedule.noised(space.standardise(x), t, eps), eps


def random_steps(n: int, schedule: Schedule, like: AnyShape, generator: torch.Generator) -> Rows:
    """n diffusion steps drawn uniformly from 1 .. T, [n], on the device of `like`."""
    return torch.randint(1, schedule.steps + 1, (n,), generator=generator, device=like.device)


def chain_steps(steps: int, marks: Collection[int], stride: int = 1) -> list[int]:
    """Steps of a reverse chain from T down to the least mark: every `stride`-th, and all marks."""
    grid = set(range(steps, min(marks), -stride))
    return sorted(grid | set(marks), reverse=True)


def reverse_chain(
    schedule: Schedule,
    start: Vectors,
    marks: Collection[int],
    clean: Callable[[Vectors, Rows], Vectors],
    *,
    stride: int = 1,
    noise: Callable[[], Vectors] | None = None,
) -> dict[int, Vectors]:
    """y at every mark of one reverse chain from start = y_T [n, D]; `clean(y_t, t [n])` is y_0.

    With `noise` (a draw of [n, D]) the steps are ancestral, and `stride` must be 1; without it they
    are DDIM's, which may skip. A mark is a step from 0 to T. Raises ValueError for an ancestral
    chain with another `stride`.
    """
    if noise is not None and stride != 1:
        raise ValueError(f"an ancestral walk takes every step; got {stride=}")
    kept, y = {schedule.steps: start}, start
    for now, before in pairwise(chain_steps(schedule.steps, marks, stride)):
        t = torch.full((len(y),), now, device=y.device)
        guess = clean(y, t)
        if noise is None:
            y = schedule.ddim(y, guess, now, before)
        else:
            y = schedule.back(y, guess, t, noise())
        kept[before] = y
    return {mark: kept[mark] for mark in marks}


def denoiser_of(
    context: TrainContext,
    hidden: int,
    *,
    conditioned: bool,
    trained: bool = True,
    zero: bool = True,
    name: str = "",
) -> Denoiser:
    """A new denoiser of the backbone's vectors, conditioned on another such vector or on nothing.

    A control (`trained=False`) is random in its last layer too, and takes no gradient; `zero=False`
    starts at random and is trained. Each of several denoisers of one method has its own `name`.
    """
    dim = width_of(context)
    condition = dim if conditioned else 0
    generator = rng.stream(context.seed, "denoiser", *([name] if name else []))
    net = Denoiser(dim, condition, hidden, generator=generator, zero=zero and trained)
    return net.to(context.device).requires_grad_(trained)


def trainable(net: nn.Module) -> list[torch.nn.Parameter]:
    """Trainable parameters of a denoiser without condition dropout: all but `null`."""
    return [p for name, p in net.named_parameters() if name != "null" and p.requires_grad]


class DenoiserPart:
    """Mixin: parameters, state and logged SNR of a part with one denoiser, `net`.

    The denoiser is trained beside the backbone; or, where `adam` is set, by `fit` alone.
    """

    net: Denoiser
    adam: torch.optim.Optimizer | None = None
    snr: float = math.nan

    def fit(self, steps: int, error: Callable[[], Scalar]) -> None:
        """Train the denoiser by its own optimiser; `error` draws anew for each of the steps."""
        assert self.adam is not None
        with torch.enable_grad():
            for _ in range(steps):
                self.adam.zero_grad()
                torch.autograd.backward(error())
                self.adam.step()

    def minimised(self) -> Iterable[torch.nn.Parameter]:
        """The denoiser's parameters; none where it has an optimiser of its own."""
        return trainable(self.net) if self.adam is None else []

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the denoiser, and its optimiser; the rest is computed anew."""
        own = {} if self.adam is None else {"adam": self.adam.state_dict()}
        return {**self.net.state_dict(), **own}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        if self.adam is not None:
            self.adam.load_state_dict(copy.deepcopy(state["adam"]))  # or both would update one
        self.net.load_state_dict({k: value for k, value in state.items() if k != "adam"})

    def epoch_metrics(self) -> Mapping[str, float]:
        """The epoch's metrics: signal-to-noise ratio at T."""
        return {"snr_T": self.snr}
