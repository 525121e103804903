"""Where on the path from a positive to noise it turns negative: rules for r = sqrt(abar).

The centred process of `diffusion` gives a corrupted positive's score s_t closed moments,

    E[s_t] = r s_0 + (1 - r) mean        Var[s_t] = (1 - r^2) spread^2

with mean and spread those of a catalogue item's score for this user. So each meaning of "turns
negative" has a closed form (ours; the paper's own function could not be read):

    boundary   E[s_t] = b                  r = (b - mean) / (s_0 - mean)
    quantile   P(s_t > b) = p              r = (m c + n sqrt(m^2 + n^2 - c^2)) / (m^2 + n^2)
    snr        separation / noise = kappa  r = kappa spread / hypot(kappa spread, m)
    violation  P(s_t > s_0) = eta          r = (m^2 - n^2) / (m^2 + n^2)

m = s_0 - mean, c = b - mean, n = z spread; z is the normal quantile of p, or of 1 - eta. Where a
rule has no answer, as for a positive that is not scored above its boundary, r = 0: pure noise.
"""

from dataclasses import dataclass
from statistics import NormalDist

import torch
from torch import Tensor

from negbench.protocol import Rows, StepValues


@dataclass(frozen=True, eq=False)
class ScoreStatistics:
    """Scores of the positives and the distribution of catalogue scores for each row, [B] each."""

    positive: Tensor
    """s_0."""
    mean: Tensor
    """Mean score of a catalogue item."""
    spread: Tensor
    """Standard deviation of it."""
    bound: Tensor
    """b: a score at which an item counts as a negative."""

    @property
    def margin(self) -> Rows:
        """m = s_0 - mean."""
        return self.positive - self.mean


def boundary(at: ScoreStatistics) -> Rows:
    """The expected score equals the bound."""
    r = _over(at.bound - at.mean, at.margin)
    return r.where(at.positive > at.bound, 0)


def quantile(at: ScoreStatistics, p: float) -> Rows:
    """The corrupted positive is above the bound with probability p; p = 1/2 is `boundary`."""
    m, n = at.margin, NormalDist().inv_cdf(p) * at.spread
    size = torch.hypot(m, n)
    size = size.where(size > 0, 1)
    c = ((at.bound - at.mean) / size).clamp(-1, 1)  # from -1 down no noise falls to the bound
    r = m / size * c + n / size * (1 - c**2).sqrt()
    return r.clamp(0, 1).where(at.positive > at.bound, 0)


def snr(at: ScoreStatistics, kappa: float) -> Rows:
    """The remaining margin is kappa standard deviations of the noise.

    The best threshold between the corrupted positive and noise errs with Phi(-kappa / 2). The
    spread of huge vectors may overflow: it is clamped to what can still be divided.
    """
    noise = (kappa * at.spread).clamp(max=torch.finfo(at.spread.dtype).max / 4)
    return _over(noise, torch.hypot(noise, at.margin)).where(at.margin > 0, 0)


def violation(at: ScoreStatistics, eta: float) -> Rows:
    """The corrupted positive outscores the positive itself with probability eta, below 1/2."""
    m, n = at.margin, NormalDist().inv_cdf(1 - eta) * at.spread
    q = _over(n, m) ** 2
    return ((1 - q) / (1 + q)).where((m > n) & (at.spread > 0), 0)


@dataclass(frozen=True)
class Rule:
    """A transition rule by name, with the parameters of all rules.

    `min` is the lesser of `boundary` and `violation`: boundary alone gives the weakest positives
    almost themselves as negatives, for with a bound z spreads above the mean it is z over their
    margin in spreads. `fixed` and `random` are controls: they read no scores.
    """

    name: str = "min"
    p: float = 0.5
    kappa: float = 2.0
    eta: float = 0.1
    at: float = 0.5
    """t / T of `fixed`."""
    r_max: float = 0.95
    """No rule that reads scores goes closer to the positive."""
    discrete: bool = False
    """Round r down to a step of the schedule."""

    def choose(self, at: ScoreStatistics, table: StepValues, generator: torch.Generator) -> Rows:
        """r of each row, [B]; `table` are a schedule's r_0 .. r_T."""
        table, shape = table.to(at.mean.dtype), at.mean.shape
        if self.name == "fixed":
            return table[round(self.at * (len(table) - 1))].expand(shape)
        if self.name == "random":
            device = table.device
            return table[torch.randint(1, len(table), shape, generator=generator, device=device)]
        r = self.from_scores(at).clamp(max=self.r_max)
        return table[step_of(r, table)].where(r > 0, 0) if self.discrete else r

    def from_scores(self, at: ScoreStatistics) -> Rows:
        """r by a rule that reads scores, [B]. Raises ValueError for an unknown rule."""
        match self.name:
            case "boundary":
                return boundary(at)
            case "quantile":
                return quantile(at, self.p)
            case "snr":
                return snr(at, self.kappa)
            case "violation":
                return violation(at, self.eta)
            case "min":
                return torch.minimum(boundary(at), violation(at, self.eta))
        raise ValueError(f"unknown rule {self.name!r}")


def step_of(r: Rows, table: StepValues) -> Rows:
    """t = min{t: r_t <= r} of r [B] in a schedule's falling table r_0 .. r_T, and T below it."""
    t = torch.searchsorted(-table, -r.to(table.dtype))
    return t.clamp(max=len(table) - 1)


def _over(top: Tensor, bottom: Tensor) -> Tensor:
    """top / bottom within 0 and 1; 0 where the bottom is not above 0."""
    sound = bottom > 0
    return (top / bottom.where(sound, 1)).clamp(0, 1).where(sound, 0)
