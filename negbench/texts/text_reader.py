"""Texts read by a model that learns: one vector a text, pooled alike in training and at rest.

    t = h_last / |h_last|     causal models: the state of the text's last token
    t = mean_t h_t / |.|      encoders: the mean over the text's tokens, padding left out

Imported only where a model is named.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from negbench.texts.language_models import LoRA
from negbench.texts.lora import Adapted, loaded

Tokens = list[int]


class Reader:
    """A model with low-rank weights, and its tokenizer."""

    def __init__(
        self,
        word: str,
        lora: LoRA,
        tokens: int,
        *,
        generator: torch.Generator,
        device: torch.device,
    ) -> None:
        """Texts are cut at `tokens`, or where the model ends."""
        self.model = Adapted(word, lora, generator, device)
        self.tokenizer, self.device = loaded(word, "AutoTokenizer"), device
        self.tokens = min(tokens, self.model.longest, self.tokenizer.model_max_length)

    def cut(self, texts: Sequence[str]) -> list[Tokens]:
        """Token ids of each text, the model's own marks with them; none for no text."""
        there = [text for text in texts if text.strip()]
        told = self.tokenizer(there, truncation=True, max_length=self.tokens) if there else {}
        rows = iter(told.get("input_ids", ()))
        return [list(next(rows)) if text.strip() else [] for text in texts]

    def vectors(self, rows: Sequence[Tokens], generator: torch.Generator | None = None) -> Tensor:
        """t of texts cut before, [n, d] of length 1, or 0 for no text; a generator drops."""
        lengths = torch.tensor([len(row) for row in rows], device=self.device)
        there = lengths.nonzero().squeeze(1)
        made = torch.zeros(len(rows), self.model.width, device=self.device)
        if not len(there):
            return made
        lengths = lengths[there]
        ids = torch.zeros(len(there), int(lengths.max()), dtype=torch.long)
        for at, row in enumerate(row for row in rows if row):
            ids[at, : len(row)] = torch.tensor(row)
        places = torch.arange(ids.shape[1], device=self.device)
        mask = (places < lengths.unsqueeze(1)).long()
        states = self.model.states(ids=ids.to(self.device), mask=mask, generator=generator)
        return made.index_copy(0, there, F.normalize(self.pooled(states, mask, lengths), dim=1))

    def pooled(self, states: Tensor, mask: Tensor, lengths: Tensor) -> Tensor:
        """One state a text, [n, d], of states [n, T, d]; padding is 0 in `mask` [n, T]."""
        if self.model.causal:
            return states[torch.arange(len(states), device=states.device), lengths - 1]
        return (states * mask.unsqueeze(2)).sum(1) / lengths.unsqueeze(1)
