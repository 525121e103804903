"""SRNS: of a small memory of items the one that scores high and whose score has been moving.

    j* = argmax_{k in M_u} P_k + alpha min(1, e / T0) std(P_k),   P_k = sigma(s_k - s_i)
    M_u <- S1 of (M_u and S2 uniform draws outside P_u), without replacement by softmax(s_k / tau)

Ding, Quan, Yao, Li & Jin, "Simplify and Robustify Negative Sampling for Implicit Collaborative
Filtering", NeurIPS 2020. False negatives score high all the time, hard true negatives come and go:
the standard deviation of P_k over the last 5 epochs tells them apart, once training has warmed up
for T0 epochs. The std is that of the pair with the row's own positive, not of the item alone.
alpha = 0 with tau high and S2 much above S1 is `dns` with S1 candidates; S1 = 1 without S2 is one
item for good.

Ours: the memory holds item ids and lives on; in the released code it holds places in a table of
candidates that is redrawn before every epoch, so that all of its items change:
`memory=released`. There past scores are kept of 3000 monitored items a user; here the vectors of
the last 5 epochs are, from which the past of any pair follows. Backbone and mean over the batch
are the suite's, there GMF and a sum. The memory is renewed once for each user of a step, after it.
Cost per step: S1 dot products a row, 5 (S1 + 1) for the past, S1 + S2 a user; memory 5 (U + I) D.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from negbench.ops.sampled_dot import sampled_dot
from negbench.parts import BPR
from negbench.parts.requirements import ids_of, users_of
from negbench.parts.sampling.proposals import UniformProposal, sample_outside
from negbench.parts.score_space import items_of
from negbench.protocol import (
    Card,
    Epoch,
    Feedback,
    Ids,
    Mask,
    Method,
    Negatives,
    Phase,
    Rows,
    Scores,
    Step,
    TrainContext,
    UserItems,
    check_ranges,
)

CARD = Card(
    title="Simplified and robustified negative sampling",
    family="dynamic",
    authors="Jingtao Ding, Yuhan Quan, Quanming Yao, Yong Li and Depeng Jin",
    year=2020,
    venue="NeurIPS",
    link="https://arxiv.org/abs/2009.03376",
    paper="Simplify and Robustify Negative Sampling for Implicit Collaborative Filtering",
    moves=("sampler", "stages"),
    needs=("catalogue", "users"),
    provenance="specification",
    differs="The memory of items lives on over epochs by default; past scores are those of the "
    "last epochs' vectors, so that any pair has them.",
    search={"alpha": ("of", 0.0, 1.0, 5.0, 20.0), "temperature": ("log", 0.1, 100.0)},
    controls={
        "srns(alpha=0)": "the best scored of the memory, whatever its past",
        "srns(memory=released)": "all items of the memory change before every epoch",
    },
    presets={
        "released": {
            "size": 8,
            "fresh": 64,
            "temperature": 10.0,
            "alpha": 5.0,
            "warmup": 50,
            "memory": "released",
        }
    },
)
EPOCHS = 5
"""Epochs that the standard deviation looks back."""


@dataclass(frozen=True)
class Config:
    """The settings."""

    size: int = 8
    """S1, 1 or more; 8 in the released run."""
    fresh: int = 64
    """S2, 0 or more; 64 in the released run."""
    temperature: float = 10.0
    """Temperature of the memory, above 0; 10 in the released run."""
    alpha: float = 5.0
    """Weight of the standard deviation, 0 or more; 5 in the released run."""
    warmup: int = 10
    """T0, epochs until it has its full weight, 1 or more; 50 in the released run."""
    memory: Literal["kept", "released"] = "kept"
    """released: redrawn before every epoch."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a value outside its range."""
        least = {"size": 1, "fresh": 0, "alpha": 0, "warmup": 1}
        check_ranges(self, at_least=least, above={"temperature": 0})


class Memory:
    """S1 items of each user, renewed after every step among fresh draws."""

    def __init__(self, config: Config) -> None:
        """Read the settings."""
        self.config = config

    def begin(self, context: TrainContext) -> None:
        """Callback before training: the uniform proposal; no memory yet."""
        self.items = UniformProposal(context.n_items, context.device)
        self.ids: Tensor | None = None

    def refresh(self, epoch: Epoch) -> None:
        """Callback before each epoch: fill the memory; with `memory=released` always anew."""
        if self.ids is None or self.config.memory == "released":
            self.fill(epoch.context, epoch.generator)

    def fill(self, context: TrainContext, generator: torch.Generator) -> UserItems:
        """Uniform items outside every user's exclusion, [U, S1]; kept."""
        users = torch.arange(context.n_users, device=context.device)
        ids, _ = self.draw(context, users, self.config.size, generator)
        self.ids = ids.int()
        return self.ids

    def draw(
        self, context: TrainContext, users: Rows, n: int, generator: torch.Generator
    ) -> tuple[Ids, Mask | None]:
        """n uniform items outside the exclusion of each of users [b]."""
        return sample_outside(self.items, context.excluded, users, n, generator)

    def sample(self, step: Step) -> Negatives:
        """The memory of each row's user: ids [B, S1]."""
        ids = self.fill(step.context, step.generator) if self.ids is None else self.ids
        excluded, users = step.context.excluded, step.batch.users
        mask = None
        if not excluded.all_have_left:
            some = excluded.sizes[users] < step.context.n_items
            mask = some.unsqueeze(1).expand(-1, self.config.size)
        return Negatives(ids[users].long(), mask=mask)

    @torch.no_grad()
    def observe(self, feedback: Feedback) -> None:
        """Callback after each step: renew the memory of each of its users once."""
        step, config = feedback.step, self.config
        if not config.fresh or self.ids is None:
            return
        users = torch.unique(step.batch.users)
        ids, _ = self.draw(step.context, users, config.fresh, step.generator)
        ids = torch.cat([self.ids[users].long(), ids], 1)
        vectors = users_of(step.view.users, "srns", "dns")[users]
        scores = sampled_dot(step.view.similarity.query(vectors), items_of(step), ids)
        # The greatest of scores with Gumbel noise are draws without replacement by their softmax.
        noise = torch.rand(ids.shape, generator=step.generator, device=ids.device)
        keys = scores / config.temperature - noise.clamp_(min=1e-12).log_().neg_().log_()
        self.ids[users] = ids.gather(1, keys.topk(config.size, 1).indices).int()

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the memory."""
        return {} if self.ids is None else {"ids": self.ids.clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the memory."""
        self.ids = state["ids"].to(self.items.device).clone() if state else None


class MovingScore:
    """Keeps the candidate with the greatest probability plus standard deviation over epochs."""

    def __init__(self, config: Config) -> None:
        """Read the settings."""
        self.config = config

    def begin(self, context: TrainContext) -> None:
        """Callback before training: no epoch has passed."""
        self.device = context.device
        self.past: dict[str, Tensor] = {}

    def own_phase(self) -> Phase | None:
        """The epochs in which the standard deviation has its full weight; none without it."""
        return Phase("standard deviation", self.config.warmup) if self.config.alpha else None

    def refresh(self, epoch: Epoch) -> None:
        """Callback before each epoch: keep the vectors of the last 5."""
        if not self.config.alpha:
            return
        users = users_of(epoch.users, "srns", "dns")
        now = {
            "users": epoch.similarity.query(users).detach(),
            "items": epoch.similarity.prepare(epoch.items).detach(),
        }
        kept = {name: [*self.past.get(name, ())][1 - EPOCHS :] for name in now}
        self.past = {name: torch.stack([*kept[name], vectors]) for name, vectors in now.items()}

    def apply(self, step: Step, negatives: Negatives) -> Negatives:
        """[B, S1] or shared [K] -> [B, 1]."""
        if not negatives.n:
            return negatives
        with torch.no_grad():
            scores = step.score(negatives)
            s_pos = step.view.score_pair(step.view.positive)
            value = torch.sigmoid(scores - s_pos.unsqueeze(1))
            if self.past:
                ids = ids_of(step, negatives, "srns")
                warm = min(1.0, step.epoch / self.config.warmup)
                value += self.config.alpha * warm * self.deviation(step, ids)
            if negatives.mask is not None:
                value.masked_fill_(~negatives.mask, -torch.inf)
        return negatives.take(value.argmax(1, keepdim=True))

    def deviation(self, step: Step, ids: Ids) -> Scores:
        """Standard deviation of P over the epochs kept, [B, S1]; 0 of the first alone."""
        both = torch.cat([ids, step.batch.items.unsqueeze(1)], 1)
        values = []
        for users, items in zip(self.past["users"], self.past["items"], strict=True):
            scores = sampled_dot(users[step.batch.users], items, both)
            values.append(torch.sigmoid(scores[:, :-1] - scores[:, -1:]))
        step.view.dots.add(both.numel() * len(values))
        return torch.stack(values).std(0, correction=0)

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the vectors of the epochs kept."""
        return dict(self.past)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the vectors."""
        self.past = {name: vectors.to(self.device) for name, vectors in state.items()}


def build(config: Config) -> Method:
    """The moving hard item of the memory with BPR."""
    return Method(Memory(config), BPR(), (MovingScore(config),))
