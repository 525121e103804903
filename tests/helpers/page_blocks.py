"""Fenced blocks of a page in Markdown, each with the paragraph above it."""

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"(?:\A|\n)([^\n]*)\n*```(\w*)\n(.*?)\n```", re.S)
_FILE = re.compile(r"`(\w+\.(?:py|toml))`")


@dataclass(frozen=True)
class Block:
    """A block of code or of output."""

    kind: str
    """What stands behind the fence: bash, python, toml or text."""
    code: str
    above: str
    """The line above the block; a code block's name, where it is a file, is there."""

    @property
    def file(self) -> str:
        """The file that the line above calls it, as in "File `mine.py`:"; "" where it is none."""
        names = _FILE.findall(self.above)
        return names[-1] if names and self.kind in ("python", "toml") else ""

    @property
    def commands(self) -> list[str]:
        """The commands of a block in bash, without comments."""
        lines = [re.sub(r"\s+# .*", "", line).strip() for line in self.code.splitlines()]
        return [word for line in lines if line for word in line.split(" && ")]


def blocks_of(page: Path) -> list[Block]:
    """All blocks of a page, in order."""
    text = page.read_text("utf-8")
    return [Block(kind, code, above) for above, kind, code in _FENCE.findall(text)]
