"""Cards: metadata of plug-ins, readable without importing them (and so without torch)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

MOVES = ("sampler", "stages", "objective", "transform")
PROVENANCE = ("paper", "code", "specification", "ours")


@dataclass(frozen=True)
class Card:
    """Metadata of a method, backbone, reference or data set.

    Every value is a literal in the plug-in's file, so the registry reads it from the source.
    Unknown fields are errors. An empty string means "not known"; nothing is ever invented.
    """

    title: str
    family: str = "other"
    authors: str = ""
    year: int = 0
    venue: str = ""
    link: str = ""
    moves: tuple[str, ...] = ()
    """Methods: which of the four parts the method is about; composition keeps these."""
    needs: tuple[str, ...] = ()
    """What a method requires of its backbone, or a backbone of the data: "order", "layers" ..."""
    provides: tuple[str, ...] = ()
    """What a backbone offers to methods, or a data set to backbones."""
    provenance: str = "paper"
    """What the plug-in was written from: paper, code, specification or ours."""
    differs: str = ""
    """Deviations from the paper, in one sentence."""
    search: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Search space: field -> ("int" | "float" | "log", low, high) or ("of", value, value ...)."""
    controls: Mapping[str, str] = field(default_factory=dict)
    """Rows to run beside a method: what to type, as "ddrm(diffusion=false)", and what it shows."""
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Named settings, as {"released": {"candidates": 200}}: typed as NAME(preset=released)."""
    later: tuple[str, ...] = ()
    """Settings that came after the first version: a record leaves them out at their default, so
    that cells of before keep their identity."""
    paper: str = ""
    """The title of the paper, for a bibliography."""
    licence: str = ""
    terms: str = ""
    """Data sets: the terms in one line, printed once before a download."""
    size: str = ""
    """Data sets: users x items, interactions."""

    def __post_init__(self) -> None:
        """Check the fields; raises ValueError for an unknown word or an empty title."""
        if not self.title.strip():
            raise ValueError("a card needs a title; say in a few words what the plug-in does")
        if unknown := sorted(set(self.moves) - set(MOVES)):
            raise ValueError(f"card `moves` must be among {', '.join(MOVES)}; got {unknown}")
        if self.provenance not in PROVENANCE:
            raise ValueError(
                f"card `provenance` must be one of {', '.join(PROVENANCE)}; got {self.provenance!r}"
            )

    def preset_lines(self, name: str) -> list[str]:
        """The presets as they are typed for the plug-in `name`, and the settings of each."""
        return [
            f"{name}(preset={preset})  {', '.join(f'{k} {v}' for k, v in values.items())}"
            for preset, values in self.presets.items()
        ]

    @property
    def citation(self) -> str:
        """Authors, paper, venue and year as far as they are known."""
        title = f'"{self.paper}"' if self.paper else ""
        when = " ".join(part for part in (self.venue, str(self.year or "")) if part)
        return ", ".join(part for part in (self.authors, title, when) if part)


def recorded(config: Any, card: Card) -> dict[str, Any]:
    """The settings of a Config as a record keeps them: without later ones at their default."""
    usual = {each.name: each.default for each in fields(config) if each.name in card.later}
    settings = asdict(config)
    return {k: v for k, v in settings.items() if k not in usual or v != usual[k]}
