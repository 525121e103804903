"""A generator of hard negatives, and how it learns while the backbone stands still.

A round is one pass over the train pairs (a random part of them where there are very many), with an
Adam of its own: the ranking loss has no part in it, and what is learnt does not reach the backbone.
Where a language model reads profiles (`parts.profiles`) its low-rank weights learn along.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from negbench.errors import UserError
from negbench.ops import rng
from negbench.ops.epoch_means import Averages
from negbench.protocol import TrainContext

from . import criteria as must
from .generator import Signals, TextGenerator
from .likely_positives import likely_positives
from .profiles import Learning, Profiles
from .target_mining import FrozenVectors, mine
from .text_controls import Texts, control
from .text_space import TextSpace, table_of

PAIRS = 1 << 17
"""Train pairs in a round at most."""
TINY = 1e-6


@dataclass(frozen=True)
class Weights:
    """How much each criterion counts beside L_SFT; 0 leaves it out."""

    sem: float
    beh: float
    hard: float
    false: float
    man: float


@dataclass(frozen=True)
class Lesson:
    """What is learnt by."""

    weights: Weights
    hardness: float
    candidates: int
    lr: float
    batch: int
    pairs: int = PAIRS
    """Train pairs in a round at most."""
    learning: Learning | None = None
    """The model that reads and learns; None leaves the vectors of texts as they came."""


class HardGenerator:
    """G in the backbone's units, its words, and its lessons."""

    def __init__(self, lesson: Lesson, hidden: int, signals: Signals, texts: Texts) -> None:
        """`texts` says whether its words are the items' own."""
        self.lesson, self.hidden, self.signals, self.texts = lesson, hidden, signals, texts

    def begin(self, context: TrainContext) -> None:
        """Draw the weights."""
        if not context.width:
            raise UserError(
                "a method with a network must know the vectors' width before the first step; your "
                "own loop does not say it; add dim=D to negbench.attach"
            )
        self.context, device = context, context.device
        table = control(context, table_of(context), self.texts)
        self.space, learning = TextSpace.of(context, table), self.lesson.learning
        self.profiles = Profiles(context, table, learning) if learning else None
        self.net = TextGenerator(
            context.width,
            self.profiles.width if self.profiles else self.space.items.shape[1],
            self.hidden,
            self.signals,
            generator=rng.stream(context.seed, "hard generator", "init"),
        ).to(device)
        self.stream = rng.stream(context.seed, "hard generator", device=device)
        self.units = torch.ones(2, device=device)
        self.likely = likely_positives(context) if self.lesson.weights.false else None
        self.averages = Averages()

    def measure(self, items: Tensor, users: Tensor) -> None:
        """The sizes of item and user vectors as they stand."""
        sizes = [x.square().mean().sqrt().clamp(min=TINY) for x in (items, users)]
        self.units = torch.stack(sizes).detach()

    def __call__(self, users: Tensor, items: Tensor, e_u: Tensor, e_i: Tensor) -> Tensor:
        """g of pairs [B] with vectors [B, D], as items are scored: [B, D]."""
        if self.profiles is not None:
            return self.made(*self.profiles.look_up(users, items), e_u, e_i)
        return self.made(self.space.users[users], self.space.items[items], e_u, e_i)

    def made(self, t_u: Tensor, t_i: Tensor, e_u: Tensor, e_i: Tensor) -> Tensor:
        """The same from words [B, T] and vectors [B, D]."""
        of_items, of_users = self.units
        made: Tensor = self.net(t_u, t_i, e_u / of_users, e_i / of_items) * of_items
        return made

    def teach(self, items: Tensor, users: Tensor, rounds: int) -> None:
        """So many rounds on item vectors [I, D] and user vectors [U, D]."""
        frozen = FrozenVectors.of(items.detach(), users.detach(), self.context, self.space)
        groups: list[dict[str, Any]] = [{"params": list(self.net.parameters())}]
        if self.profiles is not None and self.lesson.learning is not None:
            weights, rate = list(self.profiles.weights), self.lesson.learning.lr
            groups.append({"params": weights, "lr": rate})
        adam = torch.optim.Adam(groups, lr=self.lesson.lr)
        who = torch.tensor(self.context.train.rows, device=items.device)
        with torch.enable_grad():
            for _ in range(rounds):
                for at in torch.split(self.shuffled(len(who)), self.lesson.batch):
                    loss = self.loss(frozen, who[at], frozen.had[at])
                    adam.zero_grad()
                    torch.autograd.backward(loss)
                    adam.step()
        if self.profiles is not None:
            self.profiles.forget()

    def shuffled(self, n: int) -> Tensor:
        """The pairs of one round in a fresh order."""
        order = torch.randperm(n, generator=self.stream, device=self.context.device)
        return order[: self.lesson.pairs]

    def loss(self, frozen: FrozenVectors, users: Tensor, items: Tensor) -> Tensor:
        """L_G of a batch of pairs, a scalar; rows without any candidate count for nothing."""
        mined = mine(
            frozen, users, items, self.lesson.candidates, self.lesson.hardness, self.stream
        )
        e_u, e_i = frozen.users[users], frozen.items[items]
        if self.profiles is None:
            made = self(users, items, e_u, e_i)
        else:
            made = self.made(*self.profiles.read(users, items, self.stream), e_u, e_i)
        s_made, s_pos = (e_u * made).sum(1), (e_u * e_i).sum(1)
        near = torch.cosine_similarity(made, e_i)
        weights, spread = self.lesson.weights, mined.spread
        rows = {"sft": must.pairwise_cosine(made, frozen.items[mined.target], e_i)}
        if weights.sem:
            off = must.off_topic(frozen.near_topic(made, users), frozen.topic[users])
            rows["sem"] = off * frozen.space.known_users[users]
        if weights.beh:
            rows["beh"] = must.not_distinct(s_made, s_pos, spread, near)
        if weights.hard:
            rows["hard"] = must.too_easy(s_made, s_pos, spread, mined.high)
        if weights.false and self.likely is not None:
            ids, there = self.likely
            rows["false"] = must.likely_false(made, frozen.items[ids[users]], there[users])
        if weights.man:
            rows["man"] = must.off_manifold(made, frozen.items[mined.ids])
        kept = {name: torch.where(mined.found, values, 0.0) for name, values in rows.items()}
        for name, values in kept.items():
            self.averages.add(f"loss_{name}", values)
        return sum(
            (values.mean() * getattr(weights, name, 1.0) for name, values in kept.items()),
            torch.zeros((), device=made.device),
        )

    def epoch_metrics(self) -> Mapping[str, float]:
        """The means of this epoch's rounds, where there were any."""
        return self.averages.epoch_metrics()

    def state_dict(self) -> dict[str, Any]:
        """Weights, units, and where the stream stands."""
        return {
            "net": dict(self.net.state_dict()),
            "units": self.units,
            "stream": self.stream.get_state(),
            **({"profiles": self.profiles.state_dict()} if self.profiles else {}),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take them back."""
        self.net.load_state_dict(state["net"])
        self.units = state["units"].to(self.units.device)
        self.stream.set_state(state["stream"].cpu())
        if self.profiles is not None:
            self.profiles.load_state_dict(state["profiles"])
