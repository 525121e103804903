"""Text profiles of items and users, encoded by a language model with LoRA: t_i and t_u.

    t_i = LM(text of i),   t_u = LM("likes: " + the first words of a few of u's train items)

Which items describe a user is drawn once, from train alone. The model is frozen but for LoRA. A
training step of the generator encodes the profiles of its own rows, with gradient. All profiles are
encoded once in inference mode, when one is first needed after training, and cached until the next
round. The cache is no part of a checkpoint: it follows from the low-rank weights, bit for bit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from negbench.errors import UserError
from negbench.ops import rng
from negbench.protocol import Rows, TextTable, TextVectors, TrainContext, check_ranges
from negbench.texts.language_models import LoRA, check_model

PROFILE_ITEMS = 6
"""Items in a user's profile at most."""
ITEM_WORDS = 8
"""Words of each of them."""
BLOCK = 64
"""Profiles in one forward pass in inference mode."""


@dataclass(frozen=True)
class FineTuning:
    """The language model that encodes profiles, and the settings of its LoRA training."""

    model: str
    tokens: int
    """Length at which a profile is cut."""
    rank: int
    alpha: float
    dropout: float
    lr: float

    def __post_init__(self) -> None:
        """Check the settings and that the model is available; nothing is loaded."""
        if not self.lr > 0:
            raise ValueError(f"`lora_lr` must be above 0; got {self.lr}")
        check_ranges(self, at_least={"tokens": 4})
        _ = self.lora
        if self.model:
            check_model("hnlmrec", self.model)

    @property
    def lora(self) -> LoRA:
        """The low-rank weights that are trained beside the frozen ones."""
        return LoRA(self.rank, self.alpha, self.dropout)


class Profiles:
    """The profiles as tokens, the language model, and a cache of its vectors."""

    def __init__(self, context: TrainContext, table: TextTable, fine_tuning: FineTuning) -> None:
        """Load the model, write the profiles and split them into tokens.

        Raises UserError if the items have vectors but no texts.
        """
        from negbench.texts.text_reader import TextReader

        if table.words is None:
            raise UserError(
                "hnlmrec(model=...) reads texts, and here are vectors alone; take data whose items "
                "have texts, or leave `model` out"
            )
        self.fine_tuning, device = fine_tuning, context.device
        first = rng.stream(context.seed, "profiles", "init")
        self.reader = TextReader(
            fine_tuning.model,
            fine_tuning.lora,
            fine_tuning.tokens,
            generator=first,
            device=device,
        )
        self.weights = nn.ParameterList(self.reader.model.weights.values())
        self.items = self.reader.tokenize(table.words)
        self.users = self.reader.tokenize(user_profiles(context, table.words))
        self.cache: tuple[Tensor, Tensor] | None = None

    @property
    def width(self) -> int:
        """T, the width of the text vectors."""
        return self.reader.model.width

    def encode(
        self, users: Rows, items: Rows, generator: torch.Generator
    ) -> tuple[TextVectors, TextVectors]:
        """t_u and t_i of pairs [B], with gradient and dropout, [B, T] each."""
        t_u = self.reader.vectors([self.users[user] for user in users.tolist()], generator)
        t_i = self.reader.vectors([self.items[item] for item in items.tolist()], generator)
        return t_u, t_i

    def look_up(self, users: Rows, items: Rows) -> tuple[TextVectors, TextVectors]:
        """t_u and t_i of pairs [B] in inference mode, from the cache, [B, T] each."""
        if self.cache is None:
            self.cache = self.encode_all(self.users), self.encode_all(self.items)
        return self.cache[0][users], self.cache[1][items]

    @torch.no_grad()
    def encode_all(self, rows: Sequence[list[int]]) -> TextVectors:
        """Vectors of all profiles, [n, T], in batches of about one length."""
        order = sorted(range(len(rows)), key=lambda at: len(rows[at]))
        vectors = torch.zeros(len(rows), self.width, device=self.reader.device)
        for start in range(0, len(order), BLOCK):
            block = order[start : start + BLOCK]
            vectors[block] = self.reader.vectors([rows[at] for at in block])
        return vectors

    def clear_cache(self) -> None:
        """Drop the cached vectors: the weights have moved."""
        self.cache = None

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: the low-rank weights alone; the model itself is loaded anew."""
        return dict(self.weights.state_dict())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the state."""
        self.weights.load_state_dict(state)
        self.clear_cache()


def user_profiles(context: TrainContext, words: Sequence[str]) -> list[str]:
    """A text for each user from a few train items, [U]; empty where no train item has words."""
    generator, profiles = rng.numpy_stream(context.seed, "profiles"), []
    short = [" ".join(text.split()[:ITEM_WORDS]) for text in words]
    for user in range(context.n_users):
        chosen = generator.permutation(context.train.row(user))
        some = [short[item] for item in chosen.tolist() if short[item]][:PROFILE_ITEMS]
        profiles.append(f"likes: {'; '.join(some)}" if some else "")
    return profiles
