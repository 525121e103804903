"""Links between files of the repository, as links between pages of the site.

A page on disk links to `../methods/dns.py` or `methods.md#dns`. On the site these are pages of
other names, or files to download.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FENCED = r"```.*?^ *```"
LINK = r"(?P<before>!?\[[^\]]*\]\()(?P<target>[^)\s]+)\)"
CODE = r"`[^`\n]+`"
PLACES = re.compile(f"{FENCED}|{LINK}|{CODE}", re.DOTALL | re.MULTILINE)
"""Links, and the code in which what looks like a link is none, as they come in a text."""


@dataclass
class Links:
    """What the files of the repository are called on the site."""

    root: Path
    pages: Mapping[str, str]
    """Path of a file from the root -> page, without `.md`."""
    anchors: Mapping[str, str]
    """`docs/methods.md#dns` -> page, for the parts of a page that the site splits up."""
    files: set[str] = field(default_factory=set)
    """Files that are linked and are no pages: to be put beside the pages, at `files/PATH`."""

    def rewrite(self, text: str, path: str, page: str) -> str:
        """The text of a file of the repository as it stands on a page of the site.

        Line numbers stay, so that warnings name the line of the file. Raises FileNotFoundError for
        a link to a file that is not there.
        """

        def rewritten(place: re.Match[str]) -> str:
            if not place["target"]:
                return place[0]
            return f"{place['before']}{self.target(place['target'], path, page)})"

        return PLACES.sub(rewritten, text)

    def target(self, link: str, path: str, page: str) -> str:
        """One link of the file `path` as it is written on `page`."""
        if re.match(r"[a-z]+:|#|<", link):
            return link
        file, _, anchor = link.partition("#")
        place = os.path.normpath(Path(path).parent / file)
        if split := self.anchors.get(f"{place}#{anchor}"):
            return _relative(f"{split}.md", page)
        if place in self.pages:
            mark = f"#{anchor}" if anchor else ""
            return _relative(f"{self.pages[place]}.md", page) + mark
        if not (self.root / place).is_file():
            raise FileNotFoundError(f"{path} links to {link}, which is no file")
        self.files.add(place)
        return _relative(f"files/{place}", page)


def _relative(target: str, page: str) -> str:
    """A path on the site as seen from a page; MyST takes `./` for a path in any case."""
    seen = os.path.relpath(target, Path(page).parent)
    return seen if seen.startswith(".") else f"./{seen}"
