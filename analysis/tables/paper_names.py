"""Names for a paper: a file that says how rows, data sets, backbones and metrics are written.

One name a line, `dns, DNS`: the word of the run, a comma, and what readers see. A word with a comma
stands in quotes. What holds a backslash is LaTeX as it is written, as `dns, \\textsc{DNS}`;
anything else is text and is escaped. Empty lines and those that begin with # are passed over.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from negbench.errors import UserError, did_you_mean

from .latex_text import escaped


@dataclass(frozen=True)
class Names:
    """How the words of a run are written; a word that the file does not name stays."""

    shown: Mapping[str, str] = field(default_factory=dict)

    def latex(self, word: str, usual: str = "") -> str:
        """A word as LaTeX; `usual` is its text where the file does not name it."""
        text = self.shown.get(word, usual or word)
        return text if word in self.shown and "\\" in text else escaped(text)

    def renamed(self, words: Sequence[str]) -> list[str]:
        """The words that are written otherwise than they are typed."""
        return [word for word in words if self.shown.get(word, word) != word]


def read_names(path: Path, known: Sequence[str]) -> Names:
    """The names of a file, for these words of a run.

    Raises UserError if the file cannot be read, a line is no pair, a word is not of the run, two
    words get one name, or braces in LaTeX do not close.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise UserError(f"--names must be a text file; got {path} ({error})") from None
    shown: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("#"):
            word, name = _pair(line, f"{path}, line {number}", known)
            if word in shown:
                raise UserError(
                    f"--names gives each word one name; {path} names {word!r} twice; drop one"
                )
            shown[word] = name
    names = [shown.get(word, word) for word in known]
    for name in names:
        if names.count(name) > 1:
            both = [word for word in known if shown.get(word, word) == name]
            raise UserError(
                f"--names must keep words apart; in {path} {both[0]} and {both[1]} are {name!r}"
            )
    return Names(shown)


def _pair(line: str, where: str, known: Sequence[str]) -> tuple[str, str]:
    cells = [cell.strip() for cell in next(csv.reader([line], skipinitialspace=True))]
    if len(cells) < 2 or not cells[1]:
        raise UserError(f"--names needs `word, name` on each line; got {line.strip()!r} ({where})")
    word, name = cells[0], ", ".join(cells[1:])
    if word not in known:
        raise UserError(
            f"--names must name words of the run; got {word!r} ({where}); "
            f"{did_you_mean(word, list(known))}"
        )
    if "\\" in name and not _closed(name):
        raise UserError(f"--names needs closed braces in LaTeX; got {name!r} ({where})")
    return word, name


def _closed(latex: str) -> bool:
    """Whether the braces of a piece of LaTeX close, and no comment or cell ends in it."""
    plain = latex.replace("\\\\", "  ")
    bare = plain.replace("\\{", "").replace("\\}", "").replace("\\%", "").replace("\\&", "")
    depth = 0
    for char in bare:
        depth += {"{": 1, "}": -1}.get(char, 0)
        if depth < 0:
            return False
    return depth == 0 and "%" not in bare and "&" not in bare and not bare.endswith("\\")
