"""Gaussian diffusion of embeddings: noise schedules, forward process, posterior, reverse steps.

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

from negbench.protocol import AnyShape, ItemVectors, Rows, StepValues, Vectors

FIRST_BETA = 1e-5
"""The value that the DiffRec family gives beta_1 of its `linear_var` schedule."""


@dataclass(frozen=True, eq=False)
class Schedule:
    """Noise schedule: abar of every step, [T + 1] float64, strictly decreasing from 1 at t = 0."""

    abar: Tensor

    def __post_init__(self) -> None:
        """Check that abar is a schedule. Raises ValueError if it is not."""
        falling = bool((self.abar.diff() < 0).all()) and float(self.abar[-1]) > 0
        if len(self.abar) < 2 or float(self.abar[0]) != 1 or not falling:
            raise ValueError("abar must begin at 1 and fall strictly, staying above 0")

    @classmethod
    def of(cls, betas: StepValues) -> Self:
        """The schedule of beta_1 .. beta_T, [T]."""
        steps = (1 - betas.to(torch.float64)).cumprod(0)
        return cls(torch.cat([torch.ones(1, dtype=torch.float64), steps]))

    @property
    def steps(self) -> int:
        """T."""
        return len(self.abar) - 1

    @cached_property
    def abar_list(self) -> list[float]:
        """abar as Python floats, read from the device once: no host sync at every step."""
        return [float(each) for each in self.abar.tolist()]

    @property
    def r(self) -> StepValues:
        """sqrt(abar), [T + 1]: the factor of x_0 in x_t."""
        return self.abar.sqrt()

    def to(self, device: torch.device) -> Self:
        """The schedule on a device."""
        return type(self)(self.abar.to(device))

    def snr(self, variance: float, noise: float = 1.0) -> float:
        """Signal-to-noise ratio at T: abar_T variance / ((1 - abar_T) noise)."""
        last = float(self.abar[-1])
        return last * variance / ((1 - last) * noise)

    def posterior(self, t: AnyShape) -> tuple[AnyShape, AnyShape, AnyShape]:
        """c1, c2 and the variance of q(x_{t-1} | x_t, x_0) for steps t >= 1, of the shape of t."""
        now, before = self.abar[t], self.abar[t - 1]
        alpha = now / before
        c1 = before.sqrt() * (1 - alpha) / (1 - now)
        c2 = alpha.sqrt() * (1 - before) / (1 - now)
        return c1, c2, (1 - alpha) * (1 - before) / (1 - now)

    def noised(self, x0: Vectors, t: Rows, eps: Vectors) -> Vectors:
        """Forward process: x_t of x_0 [B, D] at steps t [B], with the process's noise eps."""
        r = self.abar[t].sqrt().to(x0.dtype).unsqueeze(-1)
        return r * x0 + self._noise_factor(t, x0) * eps

    def _noise_factor(self, t: Tensor, like: Tensor) -> Tensor:
        """sqrt(1 - abar_t), [B, 1], in the dtype of `like`."""
        return (1 - self.abar[t]).sqrt().to(like.dtype).unsqueeze(-1)

    def clean(self, xt: Vectors, t: Rows, eps: Vectors, least: float = 1e-4) -> Vectors:
        """x_0 from x_t and its noise; abar is clamped to `least`, or x_0 explodes."""
        r = self.abar[t].clamp(min=least).sqrt().to(xt.dtype).unsqueeze(-1)
        return (xt - self._noise_factor(t, xt) * eps) / r

    def back(self, xt: Vectors, x0: Vectors, t: Rows, z: Vectors | None = None) -> Vectors:
        """Ancestral step: x_{t-1} from x_t and x_0, [B, D]; without z the posterior's mean."""
        c1, c2, variance = (part.to(xt.dtype).unsqueeze(-1) for part in self.posterior(t))
        mean = c1 * x0 + c2 * xt
        return mean if z is None else mean + variance.sqrt() * z

    def ddim(self, xt: Vectors, x0: Vectors, t: int, before: int) -> Vectors:
        """DDIM step: x at step `before` from x at t, without noise (eta = 0).

        Song et al., ICLR 2021. k1 x_0 + k2 x_t keeps the trajectory sqrt(abar) x_0 + sqrt(1 -
        abar) eps exactly.
        """
        now, then = self.abar_list[t], self.abar_list[before]
        k2 = math.sqrt((1 - then) / (1 - now))
        return (math.sqrt(then) - k2 * math.sqrt(now)) * x0 + k2 * xt


def linear(steps: int, first: float = 1e-4, last: float = 0.02) -> Schedule:
    """Linear schedule: beta rises evenly (Ho et al., NeurIPS 2020)."""
    return Schedule.of(torch.linspace(first, last, steps, dtype=torch.float64))


def cosine(steps: int, s: float = 0.008) -> Schedule:
    """Cosine schedule of Nichol and Dhariwal, ICML 2021.

    abar_t = f(t) / f(0), f(t) = cos^2((t/T + s) / (1 + s) pi/2); beta at most 0.999. The codes of
    DreamRec and PreferDiff cut beta at 1e-4 and 0.9999: abar differs by up to 3e-3.
    """
    t = torch.arange(steps + 1, dtype=torch.float64) / steps
    f = ((t + s) / (1 + s) * math.pi / 2).cos() ** 2
    return Schedule.of((1 - f[1:] / f[:-1]).clamp(max=0.999))


def sqrt(steps: int, s: float = 1e-4) -> Schedule:
    """Square-root schedule: abar_t = 1 - sqrt(t/T + s); beta <= 0.999 (Li et al., NeurIPS 2022)."""
    t = torch.arange(steps + 1, dtype=torch.float64) / steps
    f = (1 - (t + s).sqrt()).clamp(min=0)
    return Schedule.of((1 - f[1:] / f[:-1]).clamp(max=0.999))


def exp(steps: int, low: float = 0.1, high: float = 10.0) -> Schedule:
    """Exponential schedule: alpha_t = exp(-low/T - (2t - 1)/(2 T^2) (high - low)).

    An even rise in continuous time, at the exact midpoint of a step; in the codes of DreamRec and
    PreferDiff it is off by up to one step (abar by up to .02 at T = 20, 2e-4 at T = 2000).
    """
    t = torch.arange(1, steps + 1, dtype=torch.float64)
    return Schedule.of(1 - (-low / steps - (2 * t - 1) / (2 * steps**2) * (high - low)).exp())


def linear_var(
    steps: int, scale: float, low: float, high: float, overwrite_first: bool = True
) -> Schedule:
    """Linear-variance schedule of the DiffRec family: 1 - abar_t from scale*low to scale*high.

    1 - abar_t rises evenly. `overwrite_first` sets beta_1 to 1e-5 afterwards, as that family does.
    """
    abar = 1 - torch.linspace(scale * low, scale * high, steps, dtype=torch.float64)
    betas = 1 - abar / torch.cat([torch.ones(1, dtype=torch.float64), abar[:-1]])
    if overwrite_first:
        betas[0] = FIRST_BETA
    return Schedule.of(betas)


def snr_matched(steps: int, snr: float, variance: float = 1.0, noise: float = 1.0) -> Schedule:
    """SNR-matched schedule (ours): exactly this signal-to-noise ratio at T; log abar ~ -t^2."""
    last = snr * noise / (snr * noise + variance)
    t = torch.arange(steps + 1, dtype=torch.float64) / steps
    return Schedule((math.log(last) * t**2).exp())


SCHEDULES: dict[str, Callable[[int], Schedule]] = {
    "linear": linear,
    "cosine": cosine,
    "sqrt": sqrt,
    "exp": exp,
}
"""The schedules that need no more than T; `linear_var` and `snr_matched` have parameters."""


def named(name: str, steps: int, snr: float = 0.01) -> Schedule:
    """A schedule by its name in the settings; `snr` is for `snr_matched`."""
    return snr_matched(steps, snr) if name == "snr_matched" else SCHEDULES[name](steps)


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Mean mu [D] of the item vectors and a root L [D, D] of their covariance: the noise's law."""

    mean: Tensor
    root: Tensor

    @classmethod
    @torch.no_grad()
    def of(cls, items: ItemVectors, *, isotropic: float | None = None) -> Self:
        """Fitted to item vectors [I, D]; with `isotropic` the plain process N(0, isotropic^2 I).

        Raises ArithmeticError if vectors are infinite or NaN.
        """
        d = items.shape[1]
        if isotropic is not None:
            return cls(items.new_zeros(d), isotropic * torch.eye(d).to(items))
        mean = items.mean(0)
        centred = (items - mean).double()
        try:
            values, vectors = torch.linalg.eigh(centred.T @ centred / max(1, len(items) - 1))
        # No look at the values beforehand: it would halt a GPU.
        except torch.linalg.LinAlgError as error:  # type: ignore[attr-defined]
            raise ArithmeticError(
                "item vectors must be finite numbers; some are infinite or NaN; lower lr"
            ) from error
        root = vectors * values.clamp(min=0).sqrt()  # a root exists where Sigma is singular too
        return cls(mean, root.to(items.dtype))

    def noise(self, n: int, generator: torch.Generator) -> Vectors:
        """n draws of N(0, Sigma), [n, D]."""
        z = torch.randn(
            n, len(self.mean), generator=generator, device=self.mean.device, dtype=self.mean.dtype
        )
        return z @ self.root.T

    def corrupted(self, x0: Vectors, r: Rows, generator: torch.Generator) -> Vectors:
        """Centred forward process: x_t [B, D] of x_0 [B, D] at r = sqrt(abar) [B]."""
        r = r.to(x0.dtype).unsqueeze(-1)
        kept = torch.lerp(self.mean, x0, r)
        return kept.addcmul((1 - r**2).clamp(min=0).sqrt(), self.noise(len(x0), generator))

    def moments(self, query: Vectors) -> tuple[Rows, Rows]:
        """Mean and standard deviation of a catalogue item's score for queries [B, D], [B] each."""
        both = query @ torch.cat([self.root, self.mean.unsqueeze(1)], 1)
        along = both[:, :-1]
        return both[:, -1], (along * along).sum(-1).sqrt()


def signal_to_noise(schedule: Schedule, items: ItemVectors, catalogue: Catalogue) -> float:
    """SNR at T of vectors [I, D] under a catalogue's noise, which every diffusion run logs."""
    variance = float(items.detach().var(0).mean())
    noise = float((catalogue.root**2).sum()) / len(catalogue.mean)
    return schedule.snr(variance, max(noise, 1e-30))
