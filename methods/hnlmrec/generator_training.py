"""Trains the generator of hard negatives on the vectors of a frozen backbone.

A round is one pass over the train pairs (a random part of them where there are very many), with an
Adam of its own: the ranking loss has no part in it, and no gradient reaches the backbone. Where a
language model encodes the profiles (`profiles.py`) its low-rank weights are trained with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from negbench.ops import rng
from negbench.ops.epoch_means import EpochMeans
from negbench.parts.requirements import width_of
from negbench.protocol import (
    ItemVectors,
    Pairs,
    Rows,
    Scalar,
    TextVectors,
    TrainContext,
    UserVectors,
    Vectors,
)

from . import criteria
from .generator import Signals, TextGenerator
from .likely_positives import likely_positives
from .profiles import FineTuning, Profiles
from .target_mining import FrozenVectors, mine_targets
from .text_controls import Texts, control
from .text_space import TextSpace, table_of

PAIRS = 1 << 17
"""Train pairs in a round at most."""
TINY = 1e-6


@dataclass(frozen=True)
class Weights:
    """Weights of the criteria beside L_SFT; 0 leaves one out."""

    sem: float
    beh: float
    hard: float
    false: float
    man: float


@dataclass(frozen=True)
class GeneratorTraining:
    """Hyperparameters of the generator's training."""

    weights: Weights
    hardness: float
    candidates: int
    lr: float
    batch: int
    pairs: int = PAIRS
    """Train pairs in a round at most."""
    fine_tuning: FineTuning | None = None
    """The language model trained with it; None takes the vectors of the text table as they are."""


class HardGenerator:
    """The generator G in the backbone's units, with its text vectors and its training."""

    def __init__(
        self, training: GeneratorTraining, hidden: int, signals: Signals, texts: Texts
    ) -> None:
        """`texts` says whether the text vectors are the items' own or a control."""
        self.training, self.hidden, self.signals, self.texts = training, hidden, signals, texts

    def begin(self, context: TrainContext) -> None:
        """Callback before training: draw the weights."""
        width = width_of(context)
        self.context, device = context, context.device
        table = control(context, table_of(context), self.texts)
        self.space, fine_tuning = TextSpace.of(context, table), self.training.fine_tuning
        self.profiles = Profiles(context, table, fine_tuning) if fine_tuning else None
        self.net = TextGenerator(
            width,
            self.profiles.width if self.profiles else self.space.items.shape[1],
            self.hidden,
            self.signals,
            generator=rng.stream(context.seed, "hard generator", "init"),
        ).to(device)
        self.stream = rng.stream(context.seed, "hard generator", device=device)
        self.units = torch.ones(2, device=device)
        self.likely = likely_positives(context) if self.training.weights.false else None
        self.averages = EpochMeans()

    def measure(self, items: ItemVectors, users: UserVectors) -> None:
        """Measure the sizes of item vectors [I, D] and user vectors [U, D]: the units of G."""
        sizes = [x.square().mean().sqrt().clamp(min=TINY) for x in (items, users)]
        self.units = torch.stack(sizes).detach()

    def __call__(self, users: Rows, items: Rows, e_u: Vectors, e_i: Vectors) -> Vectors:
        """g of pairs [B] with vectors [B, D], in the space in which items are scored: [B, D]."""
        if self.profiles is not None:
            return self.from_texts(*self.profiles.look_up(users, items), e_u, e_i)
        return self.from_texts(self.space.users[users], self.space.items[items], e_u, e_i)

    def from_texts(self, t_u: TextVectors, t_i: TextVectors, e_u: Vectors, e_i: Vectors) -> Vectors:
        """g of pairs from text vectors [B, T] and vectors [B, D], [B, D]."""
        of_items, of_users = self.units
        generated: Vectors = self.net(t_u, t_i, e_u / of_users, e_i / of_items) * of_items
        return generated

    def train(self, items: ItemVectors, users: UserVectors, rounds: int) -> None:
        """Train for `rounds` rounds on item vectors [I, D] and user vectors [U, D], held fixed."""
        frozen = FrozenVectors.of(items.detach(), users.detach(), self.context, self.space)
        groups: list[dict[str, Any]] = [{"params": list(self.net.parameters())}]
        if self.profiles is not None and self.training.fine_tuning is not None:
            weights, rate = list(self.profiles.weights), self.training.fine_tuning.lr
            groups.append({"params": weights, "lr": rate})
        adam = torch.optim.Adam(groups, lr=self.training.lr)
        pair_users = torch.tensor(self.context.train.rows, device=items.device)
        with torch.enable_grad():
            for _ in range(rounds):
                for at in torch.split(self.shuffled(len(pair_users)), self.training.batch):
                    loss = self.loss(frozen, pair_users[at], frozen.train_items[at])
                    adam.zero_grad()
                    torch.autograd.backward(loss)
                    adam.step()
        if self.profiles is not None:
            self.profiles.clear_cache()

    def shuffled(self, n: int) -> Pairs:
        """The pairs of one round in a new random order."""
        order = torch.randperm(n, generator=self.stream, device=self.context.device)
        return order[: self.training.pairs]

    def loss(self, frozen: FrozenVectors, users: Rows, items: Rows) -> Scalar:
        """L_G of a batch of pairs, a scalar; rows without any candidate count as 0."""
        training = self.training
        mined = mine_targets(
            frozen, users, items, training.candidates, training.hardness, self.stream
        )
        e_u, e_i = frozen.users[users], frozen.items[items]
        if self.profiles is None:
            g = self(users, items, e_u, e_i)
        else:
            g = self.from_texts(*self.profiles.encode(users, items, self.stream), e_u, e_i)
        s_generated, s_pos = (e_u * g).sum(1), (e_u * e_i).sum(1)
        near = torch.cosine_similarity(g, e_i)
        weights, spread = training.weights, mined.spread
        rows = {"sft": criteria.pairwise_cosine(g, frozen.items[mined.target], e_i)}
        if weights.sem:
            off = criteria.off_topic(frozen.near_topic(g, users), frozen.topic[users])
            rows["sem"] = off * frozen.space.known_users[users]
        if weights.beh:
            rows["beh"] = criteria.not_distinct(s_generated, s_pos, spread, near)
        if weights.hard:
            rows["hard"] = criteria.too_easy(s_generated, s_pos, spread, mined.high)
        if weights.false and self.likely is not None:
            ids, mask = self.likely
            rows["false"] = criteria.likely_false(g, frozen.items[ids[users]], mask[users])
        if weights.man:
            rows["man"] = criteria.off_manifold(g, frozen.items[mined.ids])
        counted = {
            name: torch.where(mined.has_target, values, 0.0) for name, values in rows.items()
        }
        for name, values in counted.items():
            self.averages.add(f"loss_{name}", values)
        return sum(
            (values.mean() * getattr(weights, name, 1.0) for name, values in counted.items()),
            torch.zeros((), device=g.device),
        )

    def epoch_metrics(self) -> Mapping[str, float]:
        """Mean loss of each criterion over this epoch's rounds; empty without a round."""
        return self.averages.epoch_metrics()

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: weights, units and the random stream."""
        return {
            "net": dict(self.net.state_dict()),
            "units": self.units,
            "stream": self.stream.get_state(),
            **({"profiles": self.profiles.state_dict()} if self.profiles else {}),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        self.net.load_state_dict(state["net"])
        self.units = state["units"].to(self.units.device)
        self.stream.set_state(state["stream"].cpu())
        if self.profiles is not None:
            self.profiles.load_state_dict(state["profiles"])
