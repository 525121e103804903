"""Profiles of items and users, read by a language model that learns: t_i and t_u of a generator.

    t_i = LM(text of i),   t_u = LM("likes: " + the first words of a few of u's train items)

Which items stand for a user is drawn once, from train alone. The model is frozen but for LoRA. A
lesson reads the profiles of its own rows, with gradient; all others are read once, at rest, when
they are first asked for after it, and kept until the next. What is kept is no part of a checkpoint:
it follows from the low-rank weights, bit for bit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from negbench.errors import UserError
from negbench.ops import rng
from negbench.protocol import TextTable, TrainContext
from negbench.texts.language_models import LoRA, ready

LIKED = 6
"""Items in a user's profile at most."""
WORDS = 8
"""Words of each of them."""
AT_ONCE = 64
"""Profiles in a pass at rest."""


@dataclass(frozen=True)
class Learning:
    """Which model reads, and how it learns."""

    model: str
    tokens: int
    """A profile is cut there."""
    rank: int
    alpha: float
    dropout: float
    lr: float

    def __post_init__(self) -> None:
        """Refuse what has no meaning, and a model that cannot be had; nothing is loaded."""
        if not self.lr > 0:
            raise ValueError(f"`lora_lr` must be above 0; got {self.lr}")
        if self.tokens < 4:
            raise ValueError(f"`tokens` must be at least 4; got {self.tokens}")
        _ = self.lora
        if self.model:
            ready("hnlmrec", self.model)

    @property
    def lora(self) -> LoRA:
        """What is learnt beside the frozen weights."""
        return LoRA(self.rank, self.alpha, self.dropout)


class Profiles:
    """The texts, the model, and what it last made of them."""

    def __init__(self, context: TrainContext, table: TextTable, learning: Learning) -> None:
        """Load the model, write the profiles and cut them into tokens."""
        from negbench.texts.text_reader import Reader

        if table.words is None:
            raise UserError(
                "hnlmrec(model=...) reads texts, and here are vectors alone; take data whose items "
                "have texts, or leave `model` out"
            )
        self.learning, device = learning, context.device
        first = rng.stream(context.seed, "profiles", "init")
        self.reader = Reader(
            learning.model, learning.lora, learning.tokens, generator=first, device=device
        )
        self.weights = nn.ParameterList(self.reader.model.weights.values())
        self.items = self.reader.cut(table.words)
        self.users = self.reader.cut(liked(context, table.words))
        self.kept: tuple[Tensor, Tensor] | None = None

    @property
    def width(self) -> int:
        """T."""
        return self.reader.model.width

    def read(
        self, users: Tensor, items: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """t_u and t_i of pairs [B], with gradient and dropout, [B, T] each."""
        who, what = users.tolist(), items.tolist()
        t_u = self.reader.vectors([self.users[at] for at in who], generator)
        return t_u, self.reader.vectors([self.items[at] for at in what], generator)

    def look_up(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """The same at rest, from what is kept."""
        if self.kept is None:
            self.kept = self.all_of(self.users), self.all_of(self.items)
        return self.kept[0][users], self.kept[1][items]

    @torch.no_grad()
    def all_of(self, rows: Sequence[list[int]]) -> Tensor:
        """Vectors of all profiles, [n, T]; those of about one length go together."""
        order = sorted(range(len(rows)), key=lambda at: len(rows[at]))
        made = torch.zeros(len(rows), self.width, device=self.reader.device)
        for start in range(0, len(order), AT_ONCE):
            few = order[start : start + AT_ONCE]
            made[few] = self.reader.vectors([rows[at] for at in few])
        return made

    def forget(self) -> None:
        """The weights have moved."""
        self.kept = None

    def state_dict(self) -> dict[str, Any]:
        """The low-rank weights alone; the model is where it came from."""
        return dict(self.weights.state_dict())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take them back."""
        self.weights.load_state_dict(state)
        self.forget()


def liked(context: TrainContext, words: Sequence[str]) -> list[str]:
    """What each user likes, in words, [U]; nothing where no train item has any."""
    generator, told = rng.numpy_stream(context.seed, "profiles"), []
    short = [" ".join(text.split()[:WORDS]) for text in words]
    for user in range(context.n_users):
        chosen = generator.permutation(context.train.row(user))
        some = [short[item] for item in chosen.tolist() if short[item]][:LIKED]
        told.append(f"likes: {'; '.join(some)}" if some else "")
    return told
