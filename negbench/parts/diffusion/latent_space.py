"""The space in which a denoiser works, and the walk back through it.

    y = (x - mu) / s,   s^2 = mean variance of an item coordinate,   noise ~ N(0, Sigma / s^2)

This is the centred process of `diffusion` in units that do not depend on how large the vectors are
(ours). With `unit` noise y = x and the noise is N(0, I), as most papers have it.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, Self

import torch
from torch import Tensor

from negbench.errors import UserError
from negbench.ops import rng
from negbench.parts.diffusion.denoiser import Denoiser
from negbench.parts.diffusion.process import Catalogue, Schedule, signal_to_noise
from negbench.protocol import TrainContext

Noise = Literal["catalogue", "unit"]
TINY = 1e-6


@dataclass(frozen=True, eq=False)
class Space:
    """Item vectors in standard units, and the noise of the process there."""

    mean: Tensor
    scale: Tensor
    catalogue: Catalogue

    @classmethod
    @torch.no_grad()
    def of(cls, items: Tensor, noise: Noise = "catalogue") -> Self:
        """From item vectors [I, D]."""
        if noise == "unit":
            still = Catalogue.of(items, isotropic=1.0)
            return cls(still.mean, items.new_ones(()), still)
        mean = items.mean(0)
        scale = (items - mean).square().mean().sqrt().clamp(min=TINY)
        return cls(mean, scale, Catalogue.of((items - mean) / scale))

    def into(self, x: Tensor) -> Tensor:
        """Vectors [.., D] in standard units."""
        return (x - self.mean) / self.scale

    def out(self, y: Tensor) -> Tensor:
        """Back among the items' vectors."""
        return y * self.scale + self.mean

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """n draws of the process's noise, [n, D]."""
        return self.catalogue.noise(n, generator)

    def snr(self, schedule: Schedule, items: Tensor) -> float:
        """Signal to noise at T."""
        return signal_to_noise(schedule, self.into(items), self.catalogue)


def noised(
    space: Space, schedule: Schedule, x: Tensor, t: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """y_t of item vectors x [B, D] at steps t [B], and the noise in it."""
    eps = space.noise(len(x), generator)
    return schedule.noised(space.into(x), t, eps), eps


def any_step(n: int, schedule: Schedule, like: Tensor, generator: torch.Generator) -> Tensor:
    """n steps drawn evenly from 1 .. T, on the device of `like`."""
    return torch.randint(1, schedule.steps + 1, (n,), generator=generator, device=like.device)


def visited(steps: int, marks: Collection[int], stride: int = 1) -> list[int]:
    """The steps of a walk from T down to the least mark: every `stride`-th, and all marks."""
    grid = set(range(steps, min(marks), -stride))
    return sorted(grid | set(marks), reverse=True)


def walk(
    schedule: Schedule,
    start: Tensor,
    marks: Collection[int],
    clean: Callable[[Tensor, Tensor], Tensor],
    *,
    stride: int = 1,
    noise: Callable[[], Tensor] | None = None,
) -> dict[int, Tensor]:
    """y at every mark of one chain from start = y_T [n, D]; `clean(y_t, t [n])` guesses y_0.

    With `noise` (a draw of [n, D]) the steps are ancestral, and `stride` must be 1; without it they
    are DDIM's, which may skip. A mark is a step from 0 to T.
    """
    if noise is not None and stride != 1:
        raise ValueError(f"an ancestral walk takes every step; got {stride=}")
    kept, y = {schedule.steps: start}, start
    for now, before in pairwise(visited(schedule.steps, marks, stride)):
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
    """A fresh denoiser of the backbone's vectors, conditioned on another such vector or on nothing.

    A control (`trained=False`) is random in its last layer too, and takes no gradient; `zero=False`
    begins at random and learns. Each of several denoisers of one method has its own `name`.
    """
    if not context.width:
        raise UserError(
            "a method with a network must know the vectors' width before the first step; your own "
            "loop does not say it; add dim=D to negbench.attach"
        )
    dim, condition = context.width, context.width if conditioned else 0
    generator = rng.stream(context.seed, "denoiser", *([name] if name else []))
    net = Denoiser(dim, condition, hidden, generator=generator, zero=zero and trained)
    return net.to(context.device).requires_grad_(trained)


def learnt(net: Denoiser) -> list[torch.nn.Parameter]:
    """The parameters of a denoiser whose condition is never dropped: `null` is not among them."""
    return [p for name, p in net.named_parameters() if name != "null" and p.requires_grad]


class DenoiserPart:
    """A part that is led by one denoiser, `net`, and tells the signal to noise at T, `snr`."""

    net: Denoiser
    snr: float = math.nan

    def minimised(self) -> Iterable[torch.nn.Parameter]:
        """The denoiser's weights."""
        return learnt(self.net)

    def state_dict(self) -> dict[str, Any]:
        """The denoiser; all else is made anew every epoch."""
        return dict(self.net.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take it back."""
        self.net.load_state_dict(state)

    def epoch_metrics(self) -> Mapping[str, float]:
        """Signal to noise at T."""
        return {"snr_T": self.snr}
