"""Trainable text encoder: one pooled vector per text from a LoRA model.

    t = h_last / |h_last|     causal models: the state of the text's last token
    t = mean_t h_t / |.|      encoders: the mean over the text's tokens, padding left out

Imported only where a model is named.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from negbench.ops.axes import AnyShape, AnyVectors, PairVectors
from negbench.texts.language_models import LoRA
from negbench.texts.lora import LoRAModel, load_pretrained

Tokens = list[int]


class TextReader:
    """A language model with LoRA adapters, and its tokenizer."""

    def __init__(
        self,
        word: str,
        lora: LoRA,
        tokens: int,
        *,
        generator: torch.Generator,
        device: torch.device,
    ) -> None:
        """Texts are truncated at `tokens`, or at the model's maximum."""
        self.model = LoRAModel(word, lora, generator, device)
        self.tokenizer, self.device = load_pretrained(word, "AutoTokenizer"), device
        self.tokens = min(tokens, self.model.longest, self.tokenizer.model_max_length)

    def tokenize(self, texts: Sequence[str]) -> list[Tokens]:
        """Token ids of each text, special tokens included; an empty list for an empty text."""
        filled = [text for text in texts if text.strip()]
        encoding: Any = {}
        if filled:
            encoding = self.tokenizer(filled, truncation=True, max_length=self.tokens)
        rows = iter(encoding.get("input_ids", ()))
        return [list(next(rows)) if text.strip() else [] for text in texts]

    def vectors(
        self, rows: Sequence[Tokens], generator: torch.Generator | None = None
    ) -> PairVectors:
        """Vectors t of tokenized texts, [T, d], of length 1, or 0 for an empty text.

        A generator turns on dropout.
        """
        lengths = torch.tensor([len(row) for row in rows], device=self.device)
        there = lengths.nonzero().squeeze(1)
        vectors = torch.zeros(len(rows), self.model.width, device=self.device)
        if not len(there):
            return vectors
        lengths = lengths[there]
        ids = torch.zeros(len(there), int(lengths.max()), dtype=torch.long)
        for at, row in enumerate(row for row in rows if row):
            ids[at, : len(row)] = torch.tensor(row)
        places = torch.arange(ids.shape[1], device=self.device)
        mask = (places < lengths.unsqueeze(1)).long()
        states = self.model.states(ids=ids.to(self.device), mask=mask, generator=generator)
        return vectors.index_copy(0, there, F.normalize(self.pooled(states, mask, lengths), dim=1))

    def pooled(self, states: AnyVectors, mask: AnyShape, lengths: AnyShape) -> AnyVectors:
        """One state per text, [n, d], of states [n, T, d]; padding is 0 in `mask` [n, T].

        `lengths` [n] counts the tokens of each text.
        """
        if self.model.causal:
            return states[torch.arange(len(states), device=states.device), lengths - 1]
        return (states * mask.unsqueeze(2)).sum(1) / lengths.unsqueeze(1)
