"""Language models that something learns with: what a word names, before anything is loaded.

A folder with a model of Hugging Face (config.json, weights as safetensors, its tokenizer), or
OWNER/NAME of one on the hub, which is fetched because the user named it; a folder never fetches.
Nothing here imports transformers, so a mistake is met when settings are read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from negbench.errors import UserError
from negbench.plugins.term_syntax import Term
from negbench.texts.sentence_models import HUB, folder_hash, require

NEEDED = ("transformers", "peft")
WRITES = ("ForCausalLM", "LMHeadModel")
"""How the architecture is called of a model that reads from left to right."""


@dataclass(frozen=True)
class LoRA:
    """Low-rank weights beside frozen ones: W x + (alpha / rank) B A dropout(x)."""

    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.05

    def __post_init__(self) -> None:
        """Refuse what has no meaning; raises ValueError."""
        if self.rank < 1:
            raise ValueError(f"`lora_rank` must be at least 1; got {self.rank}")
        if not self.alpha > 0:
            raise ValueError(f"`lora_alpha` must be above 0; got {self.alpha}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"`lora_dropout` must be at least 0 and below 1; got {self.dropout}")


def ready(owner: str, word: str, *, causal: bool = False) -> None:
    """Refuse a word that names no model, and one whose packages are not installed.

    `causal` asks for a model that reads from left to right; of the hub's that is seen when it is
    loaded. Raises UserError.
    """
    rule = f"{owner}(model=...) must be a folder with a model of Hugging Face, or OWNER/NAME of one"
    folder = folder_of(word)
    if folder is None and not HUB.fullmatch(word):
        raise UserError(f"{rule} on the hub; {word!r} is no folder that is there, and no such id")
    require(f"{owner}(model={word})", *NEEDED)
    if folder is None:
        return
    if not isinstance(told_by(folder), dict) or not any(folder.glob("*.safetensors")):
        raise UserError(
            f"{rule} on the hub; {folder} lacks a readable config.json or weights as .safetensors; "
            "save one there with save_pretrained"
        )
    if causal and not is_causal(told_by(folder) or {}):
        raise UserError(refusal(owner, word, told_by(folder) or {}))


def refusal(owner: str, word: str, config: Mapping[str, Any]) -> str:
    """What is said of a model that is not causal."""
    kind = ", ".join(config.get("architectures") or ()) or "none"
    return (
        f"{owner}(model=...) must be a causal language model (an architecture ...{WRITES[0]}); "
        f"that of {word} is {kind}"
    )


def is_causal(config: Mapping[str, Any]) -> bool:
    """Whether a config names an architecture that reads from left to right."""
    return any(each.endswith(WRITES) for each in config.get("architectures") or ())


def folder_of(word: str) -> Path | None:
    """The folder that a word names; None for a model of the hub."""
    path = Path(word).expanduser()
    return path if word and path.is_dir() else None


def told_by(folder: Path) -> dict[str, Any] | None:
    """What its config.json says; None where there is no readable one."""
    try:
        found: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found


def identity(word: str) -> str:
    """A folder goes by what it holds, not by where it lies; a model of the hub by its name."""
    folder = folder_of(word)
    return word if folder is None else f"folder-{folder_hash(folder.resolve())}"


def identified(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings whose `model`, where it is a folder, is told by its identity."""
    return {
        name: identity(value) if name == "model" and isinstance(value, str) else value
        for name, value in settings.items()
    }


def marked(term: Term) -> Term:
    """A term as a record tells it."""
    return Term(term.name, tuple(identified(dict(term.values)).items()))
