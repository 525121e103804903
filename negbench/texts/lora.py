"""A frozen model of Hugging Face with low-rank weights beside its attention, by peft.

    y = W x + (alpha / r) B A dropout(x)       W frozen, A [r, in] and B [out, r] learnt

Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022. A and the dropout are
drawn from our generators, B begins at zero: the model begins as it came. Its own dropout is off.
Imported only where a model is named: it needs the extra `text`.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Self

import torch
from torch import Tensor, nn

from negbench.errors import UserError
from negbench.ops.dropout import dropout
from negbench.texts.language_models import LoRA, folder_of, is_causal

ADAPTER = "default"
"""What peft calls the only adapter."""


class Drop(nn.Module):
    """Dropout by the generator of the pass; without one, nothing is dropped."""

    def __init__(self, p: float) -> None:
        """At rest."""
        super().__init__()
        self.p = p
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Of the same shape."""
        return dropout(x, self.p, self.generator)


class Adapted:
    """The model; no module, so that only `weights` are learnt, counted and kept.

    A copy has low-rank weights of its own and shares the frozen ones.
    """

    def __init__(
        self, word: str, lora: LoRA, generator: torch.Generator, device: torch.device
    ) -> None:
        """Load it, freeze it, and draw the low-rank weights from the generator."""
        self.model: Any = loaded(word, "AutoModel")
        self.drop = Drop(lora.dropout)
        with _undisturbed():
            self.weights = _inject(self.model, lora, self.drop, word)
        for name, weight in self.weights.items():
            if "lora_A" in name:
                weight.data.normal_(std=weight.shape[1] ** -0.5, generator=generator)
            else:
                weight.data.zero_()
        self.model.to(device)

    @property
    def width(self) -> int:
        """d, of its states."""
        return int(self.model.config.hidden_size)

    @property
    def longest(self) -> int:
        """How many tokens it reads at most."""
        return int(getattr(self.model.config, "max_position_embeddings", None) or 1 << 30)

    @property
    def causal(self) -> bool:
        """Whether it reads from left to right."""
        return is_causal(self.model.config.to_dict())

    @property
    def tokens(self) -> Tensor:
        """Its own token embeddings [V, d], without gradient."""
        table: Tensor = self.model.get_input_embeddings().weight
        return table.detach()

    def states(
        self,
        *,
        ids: Tensor | None = None,
        vectors: Tensor | None = None,
        mask: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Last states [S, T, d] of token ids [S, T], or of vectors [S, T, d] in their place.

        `mask` [S, T] is 0 at padding, which comes after; a generator drops on the low-rank path.
        """
        self.drop.generator = generator
        try:
            told = self.model(
                input_ids=ids, inputs_embeds=vectors, attention_mask=mask, use_cache=False
            )
        finally:
            self.drop.generator = None
        found: Tensor = told.last_hidden_state
        return found

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Frozen weights are shared: they never move."""
        own = {id(weight) for weight in self.weights.values()}
        memo |= {id(p): p for p in self.model.parameters() if id(p) not in own}
        made = copy.copy(self)
        made.__dict__ = copy.deepcopy(self.__dict__, memo)
        return made


def loaded(word: str, kind: str) -> Any:
    """A model at rest in single precision (`AutoModel`), or its tokenizer (`AutoTokenizer`).

    Raises UserError where transformers cannot load it, or where weights are missing.
    """
    transformers: Any = import_module("transformers")
    folder = folder_of(word)
    where, local = (word, False) if folder is None else (str(folder), True)
    extra = {"use_safetensors": True, "output_loading_info": True} if kind == "AutoModel" else {}
    try:
        with _undisturbed():
            found = getattr(transformers, kind).from_pretrained(
                where, local_files_only=local, trust_remote_code=False, **extra
            )
    except Exception as error:  # whatever a stranger's file makes of its reader
        why = " ".join(str(error).split())[:200]
        raise UserError(
            f"a language model must be one that transformers can load; {word} is not ({why})"
        ) from error
    if kind != "AutoModel":
        return found
    model, told = found
    missing = sorted(name for name in told["missing_keys"] if "pooler" not in name)
    if missing or model.config.is_encoder_decoder:
        why = f"lacks weights ({missing[0]})" if missing else "has an encoder and a decoder"
        raise UserError(f"a language model must be whole and one stack of blocks; {word} {why}")
    return model.float().eval().requires_grad_(False)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Torch's global stream stays where it is, and loading says nothing."""
    logging: Any = import_module("transformers").utils.logging
    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()


def _inject(model: Any, lora: LoRA, drop: Drop, word: str) -> dict[str, nn.Parameter]:
    """Put low-rank weights beside all matrices of the attention; they, by name."""
    peft: Any = import_module("peft")
    found = {name: part for name, part in model.named_modules() if _is_attention(name, part)}
    beside, kinds = list(found), {type(part).__name__ for part in found.values()}
    if not beside:
        raise UserError(
            f"a language model must have linear layers in parts called attention; {word} has none"
        )
    config = peft.LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=0.0,
        target_modules=beside,
        fan_in_fan_out=kinds == {"Conv1D"},
    )
    peft.inject_adapter_in_model(config, model, adapter_name=ADAPTER)
    for part in model.modules():
        if ADAPTER in getattr(part, "lora_dropout", ()):
            part.lora_dropout[ADAPTER] = drop
    weights = {name: p for name, p in model.named_parameters() if "lora_" in name}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in weights)
    model.eval()
    return dict(sorted(weights.items()))


def _is_attention(name: str, part: nn.Module) -> bool:
    inside = "attn" in name.lower() or "attention" in name.lower()
    return inside and type(part).__name__ in ("Linear", "Conv1D")
