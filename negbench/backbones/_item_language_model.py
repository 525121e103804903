"""Items as tokens of a Hugging Face language model with LoRA: `tiny_lm(model=...)`.

    x_t = W_in e_{i_t} s,   h = LM(x_1 .. x_T),   query_t = W_out h_t,   score(j) = <query_t, e_j>

e is the table [I, D] that reads and writes; the model's own words are not used, its blocks are:
frozen, with LoRA beside the attention. s brings first vectors to the size of the model's own token
embeddings. With `start=titles` the first e_i is the mean of the model's token embeddings of item
i's text, on the D main directions V of all of them, and W_in begins as V: the model first reads an
item as the mean of its words, as far as D directions hold it. Items without words begin at random.
Imported only where a model is named.
"""

from typing import Any

import torch
from torch import Tensor, nn

from negbench.backbones._sequence import SequenceBackbone, initialise
from negbench.errors import UserError
from negbench.ops.axes import AnyShape, Rows, Vectors
from negbench.ops.dropout import dropout
from negbench.protocol import TrainContext
from negbench.texts.language_models import LoRA, not_causal
from negbench.texts.lora import LoRAModel, load_pretrained

READ = 48
"""Tokens of an item's text that count for its first vector."""


class ItemLanguageModel(SequenceBackbone):
    """The table, two linear layers and LoRA weights; the rest is frozen and not saved."""

    def __init__(self, config: Any, context: TrainContext, generator: torch.Generator) -> None:
        """Load the model and draw all trained weights from the generator."""
        super().__init__(config, context, generator)
        self.config = config
        lora = LoRA(config.lora_rank, config.lora_alpha, config.lora_dropout)
        self.blocks = LoRAModel(config.model, lora, generator, context.device)
        if not self.blocks.causal:
            settings = self.blocks.model.config.to_dict()
            raise UserError(not_causal("tiny_lm", config.model, settings))
        if config.length > self.blocks.longest:
            raise UserError(
                f"tiny_lm(length=...) must be what its model reads, at most {self.blocks.longest}; "
                f"got {config.length}"
            )
        self.low_rank = nn.ParameterList(self.blocks.weights.values())
        with torch.device("meta"):
            self.into = nn.Linear(config.dim, self.blocks.width, bias=False)
            self.out = nn.Linear(self.blocks.width, config.dim, bias=False)
        for part in (self.into, self.out):
            initialise(part, generator)
        self.scale = float(_size(self.blocks.tokens)) / config.init
        if config.start == "titles":
            self._start(context)
        self.to(context.device)

    @torch.no_grad()
    def _start(self, context: TrainContext) -> None:
        """Initial item vectors from the items' texts."""
        means, known = _means(self.blocks, self.config.model, context)
        if not bool(known.any()):
            return
        own = means[known]
        directions = torch.linalg.svd(own, full_matrices=False).Vh[: self.config.dim]
        seen = own @ directions.T
        size, wanted = _size(seen), self.config.init
        width = len(directions)  # below D where the items or the model span fewer directions
        rows = known.nonzero().squeeze(1)
        self.table[rows] = 0
        self.table[rows, :width] = (seen * (wanted / size)).to(self.table.device)
        self.into.weight[:, :width] = directions.T
        self.scale = float(size) / wanted

    def encoder(self, inputs: AnyShape, cells: Rows, generator: torch.Generator | None) -> Vectors:
        """Positions through the model; padding comes after and is never attended."""
        x = self.look_up(inputs.reshape(-1)[cells]) * self.scale
        x = self.into(dropout(x, self.config.dropout, generator))
        padded = x.new_zeros(inputs.numel(), x.shape[1]).index_copy(0, cells, x)
        states = self.blocks.states(vectors=padded.view(*inputs.shape, -1), generator=generator)
        outputs: Vectors = self.out(states.flatten(0, 1)[cells])
        return outputs


def _size(x: Tensor) -> Tensor:
    return x.square().mean().sqrt().clamp(min=1e-12)


def _means(blocks: LoRAModel, word: str, context: TrainContext) -> tuple[Tensor, Tensor]:
    """Mean token embeddings [I, d] of the items' texts, and which items have any, [I]."""
    words = None if context.texts is None else context.texts().words
    if words is None:
        raise UserError(
            "tiny_lm(start=titles) needs data whose items have texts; these have none; leave "
            "`start` out"
        )
    tokens = blocks.tokens.cpu()
    tokenised = load_pretrained(word, "AutoTokenizer")(list(words), add_special_tokens=False)
    rows = [row[:READ] for row in tokenised["input_ids"]]
    means = torch.stack([tokens[row].mean(0) if row else tokens[0] * 0 for row in rows])
    return means, torch.tensor([bool(row) for row in rows])
