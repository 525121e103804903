"""Language models by name: folder or hub id, checked and identified without loading.

A folder with a model of Hugging Face (config.json, weights as safetensors, its tokenizer), or
OWNER/NAME of one on the hub, which is downloaded because the user named it; a folder never
downloads. Nothing here imports transformers, so that mistakes are found when settings are read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from negbench.errors import UserError
from negbench.plugins.term_syntax import Term
from negbench.texts.sentence_models import HUB, folder_hash, require_packages

NEEDED = ("transformers", "peft")
CAUSAL = ("ForCausalLM", "LMHeadModel")
"""Endings of the architecture names of causal models."""


@dataclass(frozen=True)
class LoRA:
    """Low-rank adapters beside frozen weights: W x + (alpha / rank) B A dropout(x)."""

    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.05

    def __post_init__(self) -> None:
        """Check the ranges; raises ValueError."""
        if self.rank < 1:
            raise ValueError(f"`lora_rank` must be at least 1; got {self.rank}")
        if not self.alpha > 0:
            raise ValueError(f"`lora_alpha` must be above 0; got {self.alpha}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"`lora_dropout` must be at least 0 and below 1; got {self.dropout}")


def check_model(owner: str, word: str, *, causal: bool = False) -> None:
    """Check that a word names a usable model and that the packages are installed.

    `causal` asks for a causal model; a model of the hub is checked for it when it is loaded.
    Raises UserError if a check fails.
    """
    rule = f"{owner}(model=...) must be a folder with a model of Hugging Face, or OWNER/NAME of one"
    folder = folder_of(word)
    if folder is None and not HUB.fullmatch(word):
        raise UserError(f"{rule} on the hub; {word!r} is no folder that is there, and no such id")
    require_packages(f"{owner}(model={word})", *NEEDED)
    if folder is None:
        return
    config = model_config(folder)
    if not isinstance(config, dict) or not any(folder.glob("*.safetensors")):
        raise UserError(
            f"{rule} on the hub; {folder} lacks a readable config.json or weights as .safetensors; "
            "save one there with save_pretrained"
        )
    if causal and not is_causal(config):
        raise UserError(not_causal(owner, word, config))


def not_causal(owner: str, word: str, config: Mapping[str, Any]) -> str:
    """The error sentence for a model that is not causal."""
    kind = ", ".join(config.get("architectures") or ()) or "none"
    return (
        f"{owner}(model=...) must be a causal language model (an architecture ...{CAUSAL[0]}); "
        f"that of {word} is {kind}"
    )


def is_causal(config: Mapping[str, Any]) -> bool:
    """Whether a model's config names a causal architecture."""
    return any(each.endswith(CAUSAL) for each in config.get("architectures") or ())


def folder_of(word: str) -> Path | None:
    """The folder that a word names; None for a model of the hub."""
    path = Path(word).expanduser()
    return path if word and path.is_dir() else None


def model_config(folder: Path) -> dict[str, Any] | None:
    """A folder's config.json; None if there is no readable one."""
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return config


def identity(word: str) -> str:
    """Content hash of a folder, name of a model of the hub."""
    folder = folder_of(word)
    return word if folder is None else f"folder-{folder_hash(folder.resolve())}"


def with_identity(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with the identity of `model` instead of its path."""
    return {
        name: identity(value) if name == "model" and isinstance(value, str) else value
        for name, value in settings.items()
    }


def recorded_term(term: Term) -> Term:
    """A term as it is recorded: with the identity of its model."""
    return Term(term.name, tuple(with_identity(dict(term.values)).items()))
