"""MCNS: negatives by a Markov chain whose law is the positives' own to a power below 1.

    p(j | u) ~ e^{a s_j} for j outside P_u     (p_n ~ p_d^a, log p_d = the current score)
    a step from x:  y ~ q(. | x),  accepted with min(1, e^{a (s_y - s_x)} q(x | y) / q(y | x))
    q(y | x) = (1 - mix) (count_y + 1) / Z + mix times y's share of the table of x

Yang, Ding, Zhou, Yang, Zhou & Tang, "Understanding Negative Sampling in Graph Representation
Learning", KDD 2020. Its theory: where negatives follow the positives' law to a power below 1, the
objective and its variance are in balance. That law has no closed form to draw from, so Metropolis
and Hastings' chain does, at one score a step. Tables are K items a walk item, user, item away, so
that half of the proposals are close to where the chain is. a = 0 is the uniform law whatever is
proposed; many steps at a = 1 are sampling by the softmax.

Ours: each user has chains of its own, which go on from step to step; there one chain runs along a
traversal of all users. Proposals that are excluded are rejected, so the law is that over the items
allowed; counts have 1 added, so that every item can be reached. The released code accepts by
sigma(s^.25), not a number for s < 0, with one random number for a whole batch, and proposes from
100 items of a traversal: neither is done here, nor by `preset=released`. `loss=hinge` is its loss,
max(0, .1 + sigma(s_j) - sigma(s_i)). Cost per step: `moves` + 1 dot products a chain, one after
another, and two look-ups in K items each; memory I K.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from negbench.ops import rng
from negbench.parts import BPR
from negbench.parts.losses.functions import hinge
from negbench.parts.losses.objectives import weight
from negbench.parts.sampling.proposals import UniformProposal, WeightedProposal, sample_outside
from negbench.protocol import (
    AnyShape,
    Card,
    Feedback,
    Ids,
    Method,
    Negatives,
    Rows,
    Scores,
    Step,
    TrainContext,
    check_ranges,
)

CARD = Card(
    title="Markov chain Monte Carlo negative sampling",
    family="dynamic",
    authors="Zhen Yang, Ming Ding, Chang Zhou, Hongxia Yang, Jingren Zhou and Jie Tang",
    year=2020,
    venue="KDD",
    link="https://arxiv.org/abs/2005.09863",
    paper="Understanding Negative Sampling in Graph Representation Learning",
    moves=("sampler",),
    provenance="specification",
    differs="Each user has a chain of its own instead of one along a traversal; excluded proposals "
    "are rejected; the acceptance is by the score itself, as in the theory.",
    search={"power": ("of", 0.25, 0.5, 0.75, 1.0), "moves": ("of", 1, 5, 20)},
    controls={"mcns(power=0)": "the chain's law is uniform, whatever it proposes"},
    presets={"released": {"power": 0.25, "neighbours": 100, "mix": 0.5, "loss": "hinge"}},
)
MARGIN = 0.1
"""Of the hinge on sigmoids, as released."""


@dataclass(frozen=True)
class Config:
    """The settings."""

    negatives: int = 1
    """N chains a user, 1 or more."""
    power: float = 0.75
    """a, 0 or more, below 1 by the theory; .25 in the released code."""
    moves: int = 5
    """Steps of a chain before its state is used, 1 or more; not known of the paper."""
    mix: float = 0.5
    """Share of proposals from the table, 0 to below 1; half in the released code."""
    neighbours: int = 20
    """K items of a table, 1 or more; 100 in the released code."""
    loss: Literal["bpr", "hinge"] = "bpr"
    """hinge: of sigmoids with margin .1, the released code's."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        least = {"negatives": 1, "power": 0, "moves": 1, "neighbours": 1, "mix": 0}
        check_ranges(self, at_least=least)
        if not self.mix < 1:
            raise ValueError(f"`mix` must be below 1, or items are out of reach; got {self.mix}")


def walk_tables(context: TrainContext, k: int, generator: torch.Generator) -> AnyShape:
    """k items a walk item, user, item from each item, [I, k] int32; uniform ones of a cold item."""
    train, n = context.train, context.n_items
    items = torch.tensor(train.indices, device=context.device).long()
    users = torch.tensor(train.rows, device=context.device)
    begins = torch.tensor(train.indptr, device=context.device)
    met_by = users[items.argsort(stable=True)]
    sizes = torch.bincount(items, minlength=n)
    share = torch.rand(3, n, k, generator=generator, device=context.device, dtype=torch.float64)
    place = (sizes.cumsum(0) - sizes).unsqueeze(1) + (share[0] * sizes.unsqueeze(1)).long()
    user = met_by[place.clamp(max=len(met_by) - 1)]
    length = begins[user + 1] - begins[user]
    reached = items[begins[user] + (share[1] * length).long()]
    return torch.where(sizes.unsqueeze(1) > 0, reached, (share[2] * n).long()).int()


class Chains:
    """Samples the states of each user's Markov chains."""

    def __init__(self, config: Config) -> None:
        """Read the settings."""
        self.config = config

    def begin(self, context: TrainContext) -> None:
        """Callback before training: tables, popularity, and uniform first states."""
        generator = rng.stream(context.seed, "mcns", device=context.device)
        self.popularity = WeightedProposal.of(context.counts + 1)
        self.p = self.popularity.p.float()
        self.tables = walk_tables(context, self.config.neighbours, generator)
        users = torch.arange(context.n_users, device=context.device)
        even = UniformProposal(context.n_items, context.device)
        n = self.config.negatives
        self.states = sample_outside(even, context.excluded, users, n, generator)[0].int()
        self.moved: Tensor | None = None

    @torch.no_grad()
    def sample(self, step: Step) -> Negatives:
        """ids [B, N], each chain some moves from where its user's last step left it."""
        users, excluded = step.batch.users, step.context.excluded
        x = self.states[users].long()
        s_x = step.score(Negatives(x))
        for _ in range(self.config.moves):
            x, s_x = self.move(step, x, s_x)
        self.moved = x
        if excluded.all_have_left:
            return Negatives(x)
        some = excluded.sizes[users] < step.context.n_items
        return Negatives(x, mask=some.unsqueeze(1).expand_as(x))

    def move(self, step: Step, x: Ids, s_x: Scores) -> tuple[Ids, Scores]:
        """One step of Metropolis and Hastings from x [B, N]: the new states and their scores."""
        g, device = step.generator, x.device
        here = self.tables[x]
        place = torch.randint(here.shape[2], (*x.shape, 1), generator=g, device=device)
        near = here.gather(2, place).squeeze(2).long()
        coins = torch.rand(2, *x.shape, generator=g, device=device)
        y = torch.where(coins[0] < self.config.mix, near, self.popularity.propose(x.shape, g))
        s_y = step.score(Negatives(y))
        there = self.log_q(x, self.tables[y]) - self.log_q(y, here)
        accepted = coins[1].log() < self.config.power * (s_y - s_x) + there
        accepted &= ~step.context.excluded.contains(step.batch.users, y)
        return torch.where(accepted, y, x), torch.where(accepted, s_y, s_x)

    def log_q(self, ids: Ids, tables: AnyShape) -> Scores:
        """Log probability that ids [B, N] are proposed from items of these tables [B, N, K]."""
        share = (tables == ids.unsqueeze(2)).float().mean(2)
        return ((1 - self.config.mix) * self.p[ids] + self.config.mix * share).log()

    def observe(self, feedback: Feedback) -> None:
        """Callback after each step: a user's chains go on from its last row."""
        if self.moved is None:
            return
        users, row = torch.unique(feedback.step.batch.users, return_inverse=True)
        every = torch.arange(len(row), device=row.device)
        last = torch.zeros_like(users).scatter_reduce_(0, row, every, "amax")
        self.states[users] = self.moved[last].int()
        self.moved = None

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: where the chains are."""
        return {"states": self.states.clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the chains."""
        self.states = state["states"].to(self.tables.device).clone()


@dataclass(frozen=True)
class SigmoidHinge:
    """Hinge of sigmoids: mean_j w_j max(0, .1 + sigma(s_j) - sigma(s_i))."""

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """The loss of each row, [B]."""
        del step
        pair = torch.sigmoid(s_pos), torch.sigmoid(s_neg)
        return hinge(*pair, MARGIN, weight(negatives), negatives.mask)


def build(config: Config) -> Method:
    """States of the users' chains with BPR, or with the released hinge."""
    return Method(Chains(config), BPR() if config.loss == "bpr" else SigmoidHinge())
