"""LoRA adapters on the attention of a frozen Hugging Face model, by peft.

    y = W x + (alpha / r) B A dropout(x)       W frozen, A [r, in] and B [out, r] learnt

Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022. A and the dropout are
drawn from our generators; B begins at zero, so the model begins as pretrained. Its own dropout is
off.
Imported only where a model is named: it needs the extra `text`.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Self

import torch
from torch import nn

from negbench.errors import UserError
from negbench.ops.axes import AnyShape, AnyVectors
from negbench.ops.dropout import dropout
from negbench.texts.language_models import LoRA, folder_of, is_causal

ADAPTER = "default"
"""peft's name of the only adapter."""


class SeededDropout(nn.Module):
    """Dropout with an explicit generator; without one, nothing is dropped."""

    def __init__(self, p: float) -> None:
        """Without a generator."""
        super().__init__()
        self.p = p
        self.generator: torch.Generator | None = None

    def forward(self, x: AnyShape) -> AnyShape:
        """x with dropout, of the same shape."""
        return dropout(x, self.p, self.generator)


class LoRAModel:
    """The frozen model and its adapters `weights`; no Module, so only these are trained and saved.

    A deep copy has adapters of its own and shares the frozen weights.
    """

    def __init__(
        self, word: str, lora: LoRA, generator: torch.Generator, device: torch.device
    ) -> None:
        """Load and freeze the model, and draw the adapters from the generator."""
        self.model: Any = load_pretrained(word, "AutoModel")
        self.dropout = SeededDropout(lora.dropout)
        with _silent_fixed_seed():
            self.weights = _inject(self.model, lora, self.dropout, word)
        for name, weight in self.weights.items():
            if "lora_A" in name:
                weight.data.normal_(std=weight.shape[1] ** -0.5, generator=generator)
            else:
                weight.data.zero_()
        self.model.to(device)

    @property
    def width(self) -> int:
        """Width d of the hidden states."""
        return int(self.model.config.hidden_size)

    @property
    def longest(self) -> int:
        """Maximum number of tokens."""
        return int(getattr(self.model.config, "max_position_embeddings", None) or 1 << 30)

    @property
    def causal(self) -> bool:
        """Whether it is a causal model."""
        return is_causal(self.model.config.to_dict())

    @property
    def tokens(self) -> AnyVectors:
        """The token embeddings [V, d], without gradient."""
        table: AnyVectors = self.model.get_input_embeddings().weight
        return table.detach()

    def states(
        self,
        *,
        ids: AnyShape | None = None,
        vectors: AnyVectors | None = None,
        mask: AnyShape | None = None,
        generator: torch.Generator | None = None,
    ) -> AnyVectors:
        """Last hidden states [S, T, d] of token ids [S, T], or of input vectors [S, T, d].

        `mask` [S, T] is 0 at padding, which comes last; a generator turns on the adapters' dropout.
        """
        self.dropout.generator = generator
        try:
            output = self.model(
                input_ids=ids, inputs_embeds=vectors, attention_mask=mask, use_cache=False
            )
        finally:
            self.dropout.generator = None
        states: AnyVectors = output.last_hidden_state
        return states

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A copy that shares the frozen weights."""
        own = {id(weight) for weight in self.weights.values()}
        memo |= {id(p): p for p in self.model.parameters() if id(p) not in own}
        clone = copy.copy(self)
        clone.__dict__ = copy.deepcopy(self.__dict__, memo)
        return clone


def load_pretrained(word: str, kind: str) -> Any:
    """A frozen model in single precision (`AutoModel`), or its tokenizer (`AutoTokenizer`).

    Raises UserError if transformers cannot load it, or weights are missing.
    """
    transformers: Any = import_module("transformers")
    folder = folder_of(word)
    where, local = (word, False) if folder is None else (str(folder), True)
    extra = {"use_safetensors": True, "output_loading_info": True} if kind == "AutoModel" else {}
    try:
        with _silent_fixed_seed():
            result = getattr(transformers, kind).from_pretrained(
                where, local_files_only=local, trust_remote_code=False, **extra
            )
    except Exception as error:  # a damaged file may raise anything
        why = " ".join(str(error).split())[:200]
        raise UserError(
            f"a language model must be one that transformers can load; {word} is not ({why})"
        ) from error
    if kind != "AutoModel":
        return result
    model, loading = result
    missing = sorted(name for name in loading["missing_keys"] if "pooler" not in name)
    if missing or model.config.is_encoder_decoder:
        why = f"lacks weights ({missing[0]})" if missing else "has an encoder and a decoder"
        raise UserError(f"a language model must be whole and one stack of blocks; {word} {why}")
    return model.float().eval().requires_grad_(False)


@contextmanager
def _silent_fixed_seed() -> Iterator[None]:
    """Keep torch's global random state, and silence the progress of transformers."""
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


def _inject(model: Any, lora: LoRA, drop: SeededDropout, word: str) -> dict[str, nn.Parameter]:
    """Insert adapters beside all matrices of the attention; returns their weights by name."""
    peft: Any = import_module("peft")
    targets = {name: part for name, part in model.named_modules() if _is_attention(name, part)}
    kinds = {type(part).__name__ for part in targets.values()}
    if not targets:
        raise UserError(
            f"a language model must have linear layers in parts called attention; {word} has none"
        )
    config = peft.LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=0.0,
        target_modules=list(targets),
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
