"""GNNO: extra negatives by the overlap of neighbourhoods in the graph of item transitions.

    J(i, j) = <a_i, a_j> / (|a_i|^2 + |a_j|^2 - <a_i, a_j>),   a_i: how often each item follows i
    k ~ e^{J(i, k)}   over k outside P_u with J(i, k) <= h,   h rises to `limit` over the epochs

Fan, Pu, Zhang & Wu, "Neighborhood-based Hard Negative Mining for Sequential Recommendation", SIGIR
2023. Items that are followed by the same items as the positive i are hard negatives for it; J, the
Jaccard index of neighbourhoods where the counts are 1, says how much of them two items share.
Training begins with uniform negatives; from epoch `start` on each row has a few more, at first only
items without a common neighbour (h = 0), then harder ones; what overlaps beyond the limit is more
likely a false negative. Nothing is scored, so hardness is that of the data, not of the model. J
lies in 0 to 1, so the law is nearly even (e to 1 at most) and the ceiling h does the work:
`limit=0` is the control.

The graph is directed, of consecutive train items. Ours: the user's train items are excluded, there
they are not; i itself, J = 1, is never drawn (without the curriculum there it may be); overlaps are
kept in sparse rows, and all items of J = 0 are one bucket. How extra negatives are weighed there is
not known to us: here all negatives of a row weigh alike. `growth=0` has no curriculum: h is the
limit at once. Cost per step: n look-ups a row; before training one sparse product.
"""

import math
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from negbench.errors import UserError
from negbench.parts import BCE, Uniform
from negbench.parts.selection.mix_negatives import join
from negbench.protocol import (
    Card,
    Csr,
    Ids,
    ItemValues,
    Mask,
    Membership,
    Method,
    Negatives,
    Phase,
    PoolIds,
    PoolScores,
    Rows,
    Step,
    TrainContext,
    check_ranges,
)

CARD = Card(
    title="Negatives by neighbourhood overlap in the transition graph",
    family="dynamic",
    authors="Lu Fan, Jiashu Pu, Rongsheng Zhang and Xiao-Ming Wu",
    year=2023,
    venue="SIGIR",
    link="https://doi.org/10.1145/3539618.3591995",
    paper="Neighborhood-based Hard Negative Mining for Sequential Recommendation",
    moves=("stages",),
    needs=("order",),
    provenance="specification",
    differs="The user's items and the target itself are excluded; the graph is directed and "
    "sparse; all negatives of a row weigh alike.",
    search={"limit": ("of", 0.05, 0.1, 0.3, 0.7), "extra": ("of", 1, 3, 10)},
    controls={
        "gnno(limit=0)": "extra negatives without a common neighbour: hardly more than uniform",
        "gnno(growth=0)": "without the curriculum: all up to the limit at once",
    },
    presets={"released": {"extra": 3, "start": 5, "growth": 0.02, "limit": 0.7}},
)
BLOCK = 1 << 22
"""Items x items, or rows x items, at once."""
MOST = 1 << 26
"""Overlapping pairs that are kept at most: about 2 GiB."""
ROUNDS = 4
"""Rounds in which excluded draws are drawn anew, before the exact law."""
TRIES = 8
"""Draws for each of them in a round."""


@dataclass(frozen=True)
class Config:
    """The settings."""

    extra: int = 3
    """Extra negatives a row, 1 or more; 3 in the released code."""
    start: int = 2
    """The first epoch with them, 1 or more; 5 in the released code."""
    growth: float = 0.1
    """Of h in an epoch, 0 or more; .02 in the released code; 0: h is the limit at once."""
    limit: float = 0.7
    """The greatest h, 0 to 1; .7 in the released code."""
    weights: Literal["counts", "binary"] = "counts"
    """Of the transitions: how often, or whether."""
    least: float = 0.0
    """Overlaps up to this count as none, 0 to 1: saves memory on large dense data."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        least = {"extra": 1, "start": 1, "growth": 0}
        check_ranges(self, at_least=least, between={"limit": (0, 1), "least": (0, 1)})

    def hardness(self, epoch: int) -> float | None:
        """h of an epoch, counted from 1; None before the first with extra negatives."""
        if epoch < self.start:
            return None
        return min(self.limit, self.growth * (epoch - self.start)) if self.growth else self.limit


def transitions(train: Csr, binary: bool = False) -> sp.csr_matrix:
    """How often each item follows each in the train sequences, [I, I] float32."""
    follows = train.rows[1:] == train.rows[:-1]
    pairs = train.indices[:-1][follows], train.indices[1:][follows]
    n = train.n_columns
    graph = sp.csr_matrix((np.ones(len(pairs[0]), np.float32), pairs), shape=(n, n))
    graph.sum_duplicates()
    if binary:
        graph.data[:] = 1
    return graph


@dataclass(frozen=True, eq=False)
class Overlap:
    """J of all pairs of different items that share a neighbour, item by item, rising."""

    indptr: Tensor
    """Where each item's row begins, [I + 1]."""
    items: Tensor
    """Item ids, [n] int32."""
    values: Tensor
    """J, [n] float32, rising within a row."""
    mass: Tensor
    """Running sum of e^J over all rows, [n + 1] float64; 0 first."""
    related: Membership
    """For each item those of its row and itself."""

    @classmethod
    def of(cls, graph: sp.csr_matrix, least: float, device: torch.device) -> Self:
        """From transitions [I, I]. Raises UserError where too many pairs overlap."""
        n, norms = graph.shape[0], np.asarray(graph.multiply(graph).sum(1)).ravel()
        rows, columns, values, count = [], [], [], 0
        size = max(1, BLOCK // max(1, n))
        for start in range(0, n, size):
            shared = (graph[start : start + size] @ graph.T).tocoo()
            row, column = shared.row + start, shared.col
            j = shared.data / (norms[row] + norms[column] - shared.data)
            keep = (row != column) & (j > least)
            rows.append(row[keep])
            columns.append(column[keep])
            values.append(j[keep])
            if (count := count + int(keep.sum())) > MOST:
                raise UserError(
                    f"gnno keeps at most {MOST} pairs of items that share a neighbour; these data "
                    "have more; raise `least`, as gnno(least=0.01)"
                )
        row, column, j = (np.concatenate(part) for part in (rows, columns, values))
        order = np.lexsort((j, row))
        row, column, j = row[order], column[order].astype(np.int32), j[order].astype(np.float32)
        indptr = np.zeros(n + 1, np.int64)
        np.cumsum(np.bincount(row, minlength=n), out=indptr[1:])
        mass = np.concatenate([[0.0], np.exp(j.astype(np.float64)).cumsum()])
        every = np.arange(n)
        pairs = np.concatenate([row, every]), np.concatenate([column, every])
        related = Membership.of(Csr.of(*pairs, n_rows=n, n_columns=n), device=device)
        arrays = [torch.from_numpy(x).to(device) for x in (indptr, column, j, mass)]
        return cls(arrays[0], arrays[1], arrays[2], arrays[3], related)

    def ends(self, h: float) -> ItemValues:
        """Where in each row the pairs of J <= h end, [I]."""
        below = torch.zeros_like(self.mass, dtype=torch.long)
        below[1:] = (self.values <= h).cumsum(0)
        return self.indptr[:-1] + below[self.indptr[1:]] - below[self.indptr[:-1]]

    def draw(
        self, targets: Rows, ends: ItemValues, n: int, generator: torch.Generator
    ) -> tuple[Ids, Mask]:
        """n items for each of targets [b], by e^J up to the ends; and whether there are any."""
        starts, ends = self.indptr[targets], ends[targets]
        none = self.related.n_items - self.related.sizes[targets]  # of J = 0, i left out
        whole = none + self.mass[ends] - self.mass[starts]
        share = torch.rand(
            len(targets), n, generator=generator, device=targets.device, dtype=torch.float64
        )
        x = share * whole.unsqueeze(1)
        strange = x < none.unsqueeze(1)
        # The whole part of x is a uniform rank among the items of J = 0.
        rank = x.long().where(strange, 0)
        outside = self.related.non_member(
            targets.unsqueeze(1).expand_as(x).reshape(-1), rank.view(-1)
        ).view_as(rank)
        beyond = self.mass[starts].unsqueeze(1) + x - none.unsqueeze(1)
        place = torch.searchsorted(self.mass, beyond, right=True) - 1
        place = torch.minimum(place, ends.unsqueeze(1) - 1)
        place = torch.maximum(place, starts.unsqueeze(1)).clamp(max=max(0, len(self.items) - 1))
        near = self.items[place].long() if len(self.items) else outside
        some = (whole > 0).unsqueeze(1).expand_as(x)
        return torch.where(strange, outside, near).where(some, 0), some

    def law(self, targets: Rows, ends: ItemValues) -> PoolScores:
        """e^J of every item up to the ends for targets [b], 0 beyond and for i itself, [b, I]."""
        weights = torch.ones(len(targets), len(self.indptr) - 1, device=targets.device)
        weights.scatter_(1, targets.unsqueeze(1), 0)
        sizes = self.indptr[targets + 1] - self.indptr[targets]
        row = torch.arange(len(targets), device=targets.device).repeat_interleave(sizes)
        first = self.indptr[targets] - (sizes.cumsum(0) - sizes)
        at = torch.arange(len(row), device=targets.device) + first[row]
        values = self.values[at].exp().where(at < ends[targets][row], 0.0)
        return weights.index_put_((row, self.items[at].long()), values)


class Neighbours:
    """Adds items by their overlap with each row's positive."""

    def __init__(self, config: Config) -> None:
        """Read the settings."""
        self.config = config

    def begin(self, context: TrainContext) -> None:
        """Callback before training: the overlaps of the train part."""
        graph = transitions(context.train, self.config.weights == "binary")
        self.overlap = Overlap.of(graph, self.config.least, context.device)
        self.reach: tuple[float, Tensor] | None = None

    def own_phase(self) -> Phase:
        """The epochs with the greatest hardness, the end of the curriculum."""
        config = self.config
        ramp = math.ceil(round(config.limit / config.growth, 6)) if config.growth else 0
        return Phase("full hardness", config.start + ramp)

    def ends(self, h: float) -> ItemValues:
        """Where the rows end at hardness h, [I]; kept for the epoch."""
        if self.reach is None or self.reach[0] != h:
            self.reach = h, self.overlap.ends(h)
        return self.reach[1]

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """The given negatives, and from the first epoch with them on the extra ones: [B, N + n]."""
        h = self.config.hardness(step.epoch)
        if h is None:
            return negatives
        extra = self.draw(step, self.ends(h))
        return join(step, negatives, extra, extra.n / (extra.n + negatives.n))

    def draw(self, step: Step, ends: ItemValues) -> Negatives:
        """Extra negatives outside the exclusion, exactly by the law over the allowed: [B, n]."""
        users, targets, n = step.batch.users, step.batch.items, self.config.extra
        excluded, g = step.context.excluded, step.generator
        ids, some = self.overlap.draw(targets, ends, n, g)
        flat, mask = ids.view(-1), some.reshape(-1).clone()
        hit = (excluded.contains(users, ids) & some).view(-1).nonzero().squeeze(1)
        for _ in range(ROUNDS):
            if not len(hit):
                break
            again, _ = self.overlap.draw(targets[hit // n], ends, TRIES, g)
            allowed = ~excluded.contains(users[hit // n], again)
            first = allowed.to(torch.uint8).argmax(1, keepdim=True)
            flat[hit] = again.gather(1, first).squeeze(1)
            hit = hit[~allowed.any(1)]
        everything = torch.arange(step.context.n_items, device=users.device)
        for cells in torch.split(hit, max(1, BLOCK // len(everything))):
            flat[cells], mask[cells] = self.exact(
                step, targets[cells // n], users[cells // n], ends, everything
            )
        return Negatives(ids, mask=None if bool(mask.all()) else mask.view_as(ids))

    def exact(
        self, step: Step, targets: Rows, users: Rows, ends: ItemValues, everything: PoolIds
    ) -> tuple[Rows, Rows]:
        """An allowed item for targets [b] of users [b] by the law, and whether there is one."""
        weights = self.overlap.law(targets, ends)
        weights.masked_fill_(step.context.excluded.contains_shared(users, everything), 0)
        some = weights.sum(1) > 0
        weights[~some] = 1
        at = torch.multinomial(weights, 1, generator=step.generator).squeeze(1)
        return at.where(some, 0), some


def build(config: Config) -> Method:
    """A uniform negative and, from an epoch on, neighbours by their overlap, with BCE."""
    return Method(sampler=Uniform(1), stages=(Neighbours(config),), objective=BCE())
