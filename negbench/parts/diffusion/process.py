"""Diffusion on embeddings: schedules, the forward process, its posterior, and steps back.

    x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) eps            abar_t = prod_{k<=t} (1 - beta_k)
    q(x_{t-1} | x_t, x_0) = N(c1_t x_0 + c2_t x_t, v_t)      (Ho et al., NeurIPS 2020)

Steps count as in the papers: t = 1..T, and t = 0 is the clean vector; arrays here have T + 1
entries so that an index is a step. The centred form (ours) keeps noise inside the catalogue:

    x_t = r_t x_0 + (1 - r_t) mu + sqrt(1 - r_t^2) L z,      r_t = sqrt(abar_t),  L L^T = Sigma

mu and Sigma are the mean and the covariance of the item vectors: at T a sample looks like "some
item", not like noise beside all of them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

FIRST_BETA = 1e-5
"""What the DiffRec family writes over beta_1 of its `linear_var` schedule."""


@dataclass(frozen=True, eq=False)
class Schedule:
    """abar of every step, [T + 1] float64, from 1 at t = 0 strictly down."""

    abar: Tensor

    def __post_init__(self) -> None:
        """Refuse what is no schedule."""
        falling = bool((self.abar.diff() < 0).all()) and float(self.abar[-1]) > 0
        if len(self.abar) < 2 or float(self.abar[0]) != 1 or not falling:
            raise ValueError("abar must begin at 1 and fall strictly, staying above 0")

    @classmethod
    def of(cls, betas: Tensor) -> Self:
        """From beta_1 .. beta_T."""
        steps = (1 - betas.to(torch.float64)).cumprod(0)
        return cls(torch.cat([torch.ones(1, dtype=torch.float64), steps]))

    @property
    def steps(self) -> int:
        """T."""
        return len(self.abar) - 1

    @cached_property
    def plain(self) -> list[float]:
        """abar as numbers of the host: a step that read them one by one would wait each time."""
        return [float(each) for each in self.abar.tolist()]

    @property
    def r(self) -> Tensor:
        """sqrt(abar), [T + 1]: how much of x_0 is left."""
        return self.abar.sqrt()

    def to(self, device: torch.device) -> Self:
        """The same on this device."""
        return type(self)(self.abar.to(device))

    def snr(self, variance: float, noise: float = 1.0) -> float:
        """Signal to noise at T: abar_T variance / ((1 - abar_T) noise)."""
        last = float(self.abar[-1])
        return last * variance / ((1 - last) * noise)

    def posterior(self, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """c1, c2 and the variance of q(x_{t-1} | x_t, x_0) for steps t >= 1."""
        now, before = self.abar[t], self.abar[t - 1]
        alpha = now / before
        c1 = before.sqrt() * (1 - alpha) / (1 - now)
        c2 = alpha.sqrt() * (1 - before) / (1 - now)
        return c1, c2, (1 - alpha) * (1 - before) / (1 - now)

    def noised(self, x0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """x_t of x_0 [B, D] at steps t [B], with noise eps [B, D] of the process's covariance."""
        r = self.abar[t].sqrt().to(x0.dtype).unsqueeze(-1)
        return r * x0 + self.spread(t, x0) * eps

    def spread(self, t: Tensor, like: Tensor) -> Tensor:
        """sqrt(1 - abar_t), [B, 1], in the type of `like`."""
        return (1 - self.abar[t]).sqrt().to(like.dtype).unsqueeze(-1)

    def clean(self, xt: Tensor, t: Tensor, eps: Tensor, least: float = 1e-4) -> Tensor:
        """x_0 from x_t and its noise; abar below `least` counts as `least`, or it explodes."""
        r = self.abar[t].clamp(min=least).sqrt().to(xt.dtype).unsqueeze(-1)
        return (xt - self.spread(t, xt) * eps) / r

    def back(self, xt: Tensor, x0: Tensor, t: Tensor, z: Tensor | None = None) -> Tensor:
        """x_{t-1} from x_t [B, D] and a guess of x_0; without z [B, D] the posterior's mean."""
        c1, c2, variance = (part.to(xt.dtype).unsqueeze(-1) for part in self.posterior(t))
        mean = c1 * x0 + c2 * xt
        return mean if z is None else mean + variance.sqrt() * z

    def ddim(self, xt: Tensor, x0: Tensor, t: int, before: int) -> Tensor:
        """x at step `before` from x at t, without noise (Song et al., ICLR 2021, eta = 0).

        k1 x_0 + k2 x_t keeps the trajectory sqrt(abar) x_0 + sqrt(1 - abar) eps exactly.
        """
        now, then = self.plain[t], self.plain[before]
        k2 = math.sqrt((1 - then) / (1 - now))
        return (math.sqrt(then) - k2 * math.sqrt(now)) * x0 + k2 * xt


def linear(steps: int, first: float = 1e-4, last: float = 0.02) -> Schedule:
    """beta rises evenly (Ho et al., NeurIPS 2020)."""
    return Schedule.of(torch.linspace(first, last, steps, dtype=torch.float64))


def cosine(steps: int, s: float = 0.008) -> Schedule:
    """abar_t = f(t) / f(0), f(t) = cos^2((t/T + s) / (1 + s) pi/2); beta at most 0.999.

    From Nichol and Dhariwal, ICML 2021.
    """
    t = torch.arange(steps + 1, dtype=torch.float64) / steps
    f = ((t + s) / (1 + s) * math.pi / 2).cos() ** 2
    return Schedule.of((1 - f[1:] / f[:-1]).clamp(max=0.999))


def sqrt(steps: int, s: float = 1e-4) -> Schedule:
    """abar_t = 1 - sqrt(t/T + s); beta at most 0.999 (Li et al., NeurIPS 2022)."""
    t = torch.arange(steps + 1, dtype=torch.float64) / steps
    f = (1 - (t + s).sqrt()).clamp(min=0)
    return Schedule.of((1 - f[1:] / f[:-1]).clamp(max=0.999))


def exp(steps: int, low: float = 0.1, high: float = 10.0) -> Schedule:
    """alpha_t = exp(-low/T - (2t - 1)/(2 T^2) (high - low)): an even rise in continuous time."""
    t = torch.arange(1, steps + 1, dtype=torch.float64)
    return Schedule.of(1 - (-low / steps - (2 * t - 1) / (2 * steps**2) * (high - low)).exp())


def linear_var(
    steps: int, scale: float, low: float, high: float, overwrite_first: bool = True
) -> Schedule:
    """1 - abar_t rises evenly from scale*low to scale*high: the DiffRec family's schedule.

    `overwrite_first` sets beta_1 to 1e-5 afterwards, as that family does.
    """
    abar = 1 - torch.linspace(scale * low, scale * high, steps, dtype=torch.float64)
    betas = 1 - abar / torch.cat([torch.ones(1, dtype=torch.float64), abar[:-1]])
    if overwrite_first:
        betas[0] = FIRST_BETA
    return Schedule.of(betas)


def snr_matched(steps: int, snr: float, variance: float = 1.0, noise: float = 1.0) -> Schedule:
    """Hits this signal-to-noise ratio at T exactly; log abar falls with the square of t (ours)."""
    last = snr * noise / (snr * noise + variance)
    t = torch.arange(steps + 1, dtype=torch.float64) / steps
    return Schedule((math.log(last) * t**2).exp())


SCHEDULES: dict[str, Callable[[int], Schedule]] = {
    "linear": linear,
    "cosine": cosine,
    "sqrt": sqrt,
    "exp": exp,
}
"""The schedules that need no more than T; `linear_var` and `snr_matched` ask for their numbers."""


def named(name: str, steps: int, snr: float = 0.01) -> Schedule:
    """A schedule by the name that a setting gives; `snr` is for `snr_matched`."""
    return snr_matched(steps, snr) if name == "snr_matched" else SCHEDULES[name](steps)


@dataclass(frozen=True, eq=False)
class Catalogue:
    """The mean mu [D] of the item vectors and a root L [D, D] of their covariance."""

    mean: Tensor
    root: Tensor

    @classmethod
    @torch.no_grad()
    def of(cls, items: Tensor, *, isotropic: float | None = None) -> Self:
        """From item vectors [I, D]; with `isotropic` the plain process N(0, isotropic^2 I)."""
        d = items.shape[1]
        if isotropic is not None:
            return cls(items.new_zeros(d), isotropic * torch.eye(d).to(items))
        mean = items.mean(0)
        centred = (items - mean).double()
        values, vectors = torch.linalg.eigh(centred.T @ centred / max(1, len(items) - 1))
        root = vectors * values.clamp(min=0).sqrt()  # a root exists where Sigma is singular too
        return cls(mean, root.to(items.dtype))

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """n draws of N(0, Sigma), [n, D]."""
        z = torch.randn(
            n, len(self.mean), generator=generator, device=self.mean.device, dtype=self.mean.dtype
        )
        return z @ self.root.T

    def corrupted(self, x0: Tensor, r: Tensor, generator: torch.Generator) -> Tensor:
        """The centred process at r = sqrt(abar), [B] -> [B, D]."""
        r = r.to(x0.dtype).unsqueeze(-1)
        kept = torch.lerp(self.mean, x0, r)
        return kept.addcmul((1 - r**2).clamp(min=0).sqrt(), self.noise(len(x0), generator))

    def moments(self, query: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of a catalogue item's score for queries [B, D], [B] each."""
        both = query @ torch.cat([self.root, self.mean.unsqueeze(1)], 1)
        along = both[:, :-1]
        return both[:, -1], (along * along).sum(-1).sqrt()


def signal_to_noise(schedule: Schedule, items: Tensor, catalogue: Catalogue) -> float:
    """SNR at T of vectors [I, D] under a catalogue's noise: what every diffusion run logs."""
    variance = float(items.detach().var(0).mean())
    noise = float((catalogue.root**2).sum()) / len(catalogue.mean)
    return schedule.snr(variance, max(noise, 1e-30))
