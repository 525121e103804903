r"""synthetic: preference and exposure are planted, so every true preference is known.

**Preference.** $p_u, q_i \sim N(0, I_d)$ and $x_{ui} = p_u^\top q_i / \sqrt d$, of unit variance.
The relevant items $R_u$ of user u, the `truth`, are the $R = \lceil \rho I \rceil$ of the greatest
$x_{ui}$.

**Exposure.** Items are ranked at random, $k_i = 1 .. I$, independently of preference. With the
popularity law $w_i = k_i^{-a} / \sum_j k_j^{-a}$, an item is exposed with weight
$e_i = (1 - b) / I + b\, w_i$; b is the exposure bias: 0 exposes all items alike, 1 by the law.

**Observation.** User u has $n_u$ pairs ($\sum_u n_u$ = `interactions`, alike up to one):
$m_u = n_u - \mathrm{round}(s\, n_u)$ from $R_u$ and the noise share s from outside $R_u$, both one
after another without replacement, each draw with probability proportional to $e_i$ among
what is left. This is done exactly by keeping the items with the least $E_{ui} / e_i$,
$E_{ui} \sim \mathrm{Exp}(1)$. Times are 0 .. n - 1 in random order, so order carries no signal.
With `shown` above 0 the race outside $R_u$ goes on: so many more items were shown in vain to each.

**Words.** An item's text describes its vector: `up3` or `down3`, by the sign of coordinate 3 of
$q_i$, $\mathrm{round}(2 |q_{i3}|)$ times. So methods that read texts meet a known truth.

Cost: U x I for scores and draws, in blocks; a million pairs of 10,000 x 2,000 in about two seconds.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from negbench.data.download.file_cache import FileCache
from negbench.data.interactions import Csr, Interactions, Ints
from negbench.ops.rng import numpy_stream
from negbench.plugins.card import Card
from negbench.plugins.config_ranges import check_ranges

CARD = Card(
    title="Synthetic: planted preference and exposure",
    family="planted",
    provides=("order", "texts", "truth"),
    provenance="ours",
    licence="none needed: it is drawn, not collected",
    size="2,000 x 1,000; 60,000 by default",
)

BLOCK = 4_000_000
"""Cells of the user-item matrix held at a time."""


@dataclass(frozen=True)
class Config:
    """Parameters of the generator; see the module for the formulas."""

    users: int = 2000
    """U."""
    items: int = 1000
    """I."""
    interactions: int = 60_000
    """Pairs in all; a user may have at most as many as relevant items."""
    dim: int = 16
    """d, the width of the planted preference vectors."""
    relevant: float = 0.1
    """rho, the share of the items that a user truly likes."""
    popularity_exponent: float = 1.0
    """a, from 0 (all items alike) to 5."""
    exposure_bias: float = 0.5
    """b, from 0 (all items exposed alike) to 1 (exposed by the popularity law)."""
    noise: float = 0.05
    """s, share of a user's pairs that are not relevant, from 0 to 1."""
    shown: int = 0
    """Items, not relevant ones, that each user was shown and did not choose; 0 or more."""
    seed: int = 0
    """Another seed is another data set."""

    def __post_init__(self) -> None:
        """Check the ranges; raises ValueError for settings that cannot be drawn."""
        shares = dict.fromkeys(("relevant", "exposure_bias", "noise"), (0, 1))
        check_ranges(
            self,
            at_least={**dict.fromkeys(("users", "items", "interactions", "dim"), 1), "shown": 0},
            # beyond 5 the rarest weights vanish in float32
            between={**shares, "popularity_exponent": (0, 5)},
        )
        most = math.ceil(self.interactions / self.users)
        if most - round(self.noise * most) > self.n_relevant:
            raise ValueError(
                f"{most} pairs a user are more than the {self.n_relevant} relevant items a user"
                " has; raise items or relevant, or lower interactions"
            )
        if round(self.noise * most) + self.shown > self.items - self.n_relevant:
            what = "noise and shown need" if self.shown else "noise needs"
            raise ValueError(f"{what} more items that are not relevant; lower it or relevant")

    @property
    def n_relevant(self) -> int:
        """R."""
        return math.ceil(self.relevant * self.items)


def load(config: Config, cache: FileCache) -> Interactions:
    """Draw the data set."""
    del cache
    pairs, noise = _pairs_per_user(config)
    liked, relevant, noisy, vain = [], [], [], []
    for low, likes, race in _blocks(config):
        here = slice(low, low + len(race))
        rows = np.arange(len(race))[:, None]
        user, place = _first(race[rows, likes], (pairs - noise)[here])
        relevant.append((user + low, likes[user, place]))
        user, item = _first(_outside(race, likes), noise[here] + config.shown)
        place = np.arange(len(user)) - np.searchsorted(user, user)
        chosen = place < noise[here][user]
        noisy.append((user[chosen] + low, item[chosen]))
        vain.append((user[~chosen] + low, item[~chosen]))
        liked.append(likes)
    users, items = (np.concatenate(each) for each in zip(*relevant, *noisy, strict=True))
    data = _interactions(config, np.concatenate(liked), users, items)
    return (
        replace(data, unchosen=_shown(config, *zip(*vain, strict=True))) if config.shown else data
    )


def _shown(config: Config, users: tuple[Ints, ...], items: tuple[Ints, ...]) -> Csr:
    rows, columns = np.concatenate(users), np.concatenate(items)
    return Csr.of(rows, columns, n_rows=config.users, n_columns=config.items).sorted()


def exposure(config: Config) -> NDArray[np.float64]:
    """Exposure weight e_i of each item, [I]; sums to 1."""
    ranks = 1.0 + numpy_stream(config.seed, "popularity").permutation(config.items)
    law = ranks**-config.popularity_exponent
    bias = config.exposure_bias
    return np.asarray((1 - bias) / config.items + bias * law / law.sum())


def texts(config: Config) -> tuple[str, ...]:
    """The vector of each item in words, [I]."""
    preference = numpy_stream(config.seed, "preference")
    item = preference.standard_normal((config.items, config.dim), np.float32)
    often = np.rint(2 * np.abs(item)).astype(int)
    return tuple(
        " ".join(f"{'up' if x > 0 else 'down'}{d} " * n for d, (x, n) in enumerate(pairs)).strip()
        for pairs in (zip(*row, strict=True) for row in zip(item, often, strict=True))
    )


def _pairs_per_user(config: Config) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of each user, n_u [U], and how many of them are noise [U]."""
    each, rest = divmod(config.interactions, config.users)
    pairs = np.full(config.users, each)
    pairs[:rest] += 1
    return pairs, np.rint(config.noise * pairs).astype(np.int64)


def _blocks(config: Config) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.float32]]]:
    """Blocks of users: first user, relevant items [B, R], exponential race E / e [B, I]."""
    preference = numpy_stream(config.seed, "preference")
    luck = numpy_stream(config.seed, "exposure")
    item = preference.standard_normal((config.items, config.dim), np.float32)
    weight = exposure(config).astype(np.float32)
    size = max(1, BLOCK // config.items)
    for low in range(0, config.users, size):
        n = min(size, config.users - low)
        affinity = preference.standard_normal((n, config.dim), np.float32) @ item.T
        split = config.items - config.n_relevant
        likes = np.argpartition(affinity, split - 1 if split else 0, axis=1)[:, split:]
        yield low, likes, luck.standard_exponential((n, config.items), np.float32) / weight


def _first(
    race: NDArray[np.float32], wanted: NDArray[np.int64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The `wanted` [B] smallest of each row of a race [B, I]: their rows and columns, [n]."""
    most = int(wanted.max())
    if not most:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    leaders = np.argpartition(race, most - 1, axis=1)[:, :most]
    order = np.take_along_axis(race, leaders, 1).argsort(1)
    leaders = np.take_along_axis(leaders, order, 1)
    return np.repeat(np.arange(len(race)), wanted), leaders[np.arange(most) < wanted[:, None]]


def _outside(race: NDArray[np.float32], likes: NDArray[np.int64]) -> NDArray[np.float32]:
    """The race [B, I] among the items that are not relevant."""
    others = race.copy()
    np.put_along_axis(others, likes, np.inf, 1)
    return others


def _interactions(
    config: Config, liked: NDArray[np.int64], users: NDArray[np.int64], items: NDArray[np.int64]
) -> Interactions:
    order = numpy_stream(config.seed, "time").permutation(len(users))
    owners = np.repeat(np.arange(config.users), config.n_relevant)
    return Interactions(
        name="synthetic",
        users=users[order],
        items=items[order],
        n_users=config.users,
        n_items=config.items,
        times=np.arange(len(users), dtype=np.float64),
        order="time",
        item_texts=texts(config),
        truth=Csr.of(owners, liked.ravel(), n_rows=config.users, n_columns=config.items).sorted(),
        source="drawn by negbench",
        notes=("synthetic: taste and exposure are planted; times are random",),
    )
