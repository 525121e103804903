"""The Markdown of the site in one folder: pages of the repository, and pages made of the source.

Pages of the repository keep their words and lines; their links become links of the site.
"""

import json
import re
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path

import generate

from negbench.analysis.leaderboard.page import page_text
from website import metric_pages
from website.api_pages import api_pages
from website.flow import with_charts
from website.links import Links
from website.plugin_pages import KINDS, in_families, plugin_pages

ROOT = generate.ROOT
DOCS = ROOT / "docs"
SPLIT = ("methods", "datasets", "metrics")
"""Pages of docs/ that the site has as an index, and a page for each entry."""
ELSEWHERE = {
    "README.md": "readme",
    "CHANGELOG.md": "changelog",
    "CONTRIBUTING.md": "contributing",
    "results/README.md": "results/index",
    "results/reference/table.md": "results/reference",
    "results/reference/compare.md": "results/reference-compare",
    "results/reference/tuning.md": "results/reference-tuning",
    "results/reference/claims.md": "results/reference-claims",
    "results/factorial/factors.md": "results/factorial",
    "results/first/table.md": "results/first",
}
"""Pages outside docs/, and where they stand on the site."""
INTRO = {
    "backbones": "The models that the methods train. A method runs on a backbone that provides "
    "what it needs.\n\n",
    "references": "Models that no sampler touches, to be ranked beside the methods "
    "(`--references`).\n\n",
}
EXTRA = "extra"
"""What is copied to the site as it is."""


def assemble(folder: Path) -> None:
    """Write the Markdown of the site; files that are as before stay, others are removed."""
    pages = made_pages()
    links = Links(ROOT, repository_pages(), anchors(pages))
    pages |= {page: adapted(path, page, links) for path, page in on_disk().items()}
    files = {folder / f"{page}.md": text.encode() for page, text in pages.items()}
    files |= {folder / "files" / path: (ROOT / path).read_bytes() for path in links.files}
    if (board := DOCS / "leaderboard" / "data.json").is_file():
        text, place = board.read_text("utf-8"), folder / EXTRA / "leaderboard"
        files[place / "data.json"] = text.encode()
        files[place / "index.html"] = page_text(json.loads(text)).encode()
    for path in folder.rglob("*"):
        if path.is_file() and path not in files:
            path.unlink()
    for path, content in files.items():
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def on_disk() -> dict[str, str]:
    """The files that stand on the site as they are: path from the root -> page."""
    own = [path for path in sorted(DOCS.glob("*.md")) if path.stem not in SPLIT]
    pages = {
        path.relative_to(ROOT).as_posix(): path.relative_to(DOCS).with_suffix("").as_posix()
        for path in [*own, *sorted((DOCS / "guide").rglob("*.md"))]
    }
    return pages | {path: page for path, page in ELSEWHERE.items() if (ROOT / path).is_file()}


def repository_pages() -> dict[str, str]:
    """Every file that links may name: path from the root -> page."""
    split = {f"docs/{name}.md": f"{name}/index" for name in SPLIT}
    return {**on_disk(), **split}


def anchors(pages: Iterable[str]) -> dict[str, str]:
    """`docs/methods.md#dns` -> `methods/dns`, and so on for all that have a page of their own."""
    known = {f"docs/methods.md#{kind}": f"{kind}/index" for kind in INTRO}
    for page in pages:
        kind, _, name = page.partition("/")
        file = kind if kind in SPLIT else "methods"
        known[f"docs/{file}.md#{name}"] = page
    return known


def adapted(path: str, page: str, links: Links) -> str:
    """A page of the repository with the links and flow charts of the site."""
    text = with_charts((ROOT / path).read_text("utf-8"))
    if path.startswith("results/") and path != "results/README.md":  # printed tables have no title
        study, _, what = page.rpartition("/")[2].partition("-")
        title = f"Study: {study}, {what}" if what else f"Study: {study}"
        text = f"# {title}\n\n" + re.sub("^### ", "## ", text, flags=re.M)
    return links.rewrite(text, path, page)


def made_pages() -> dict[str, str]:
    """The pages that are made of the source."""
    api, measures = api_pages(), metric_pages.metric_pages()
    indices = {"api": api.pop("index"), "metrics": "\n".join(metric_pages.index())}
    parts = {"api": api, "metrics": measures}
    for kind in KINDS:
        pages = plugin_pages(kind)
        parts[kind] = {name: pages[name] for name in in_families(kind)}
        indices[kind] = index(kind)
    pages = {f"{kind}/index": f"{text}\n{toctree(parts[kind])}" for kind, text in indices.items()}
    for kind, part in parts.items():
        pages |= {f"{kind}/{name}": text for name, text in part.items()}
    return pages


def index(kind: str) -> str:
    """The tables of a kind, as docs/methods.md and docs/datasets.md have them."""
    lines = generate.datasets() if kind == "datasets" else generate.methods()
    tables = takewhile(lambda line: " one by one" not in line, lines)
    top, *parts = re.split(r"^(?=## )", "\n".join(tables), flags=re.MULTILINE)
    intro = INTRO.get(kind) or top.split("\n\n", 2)[2]
    if kind == "methods":
        parts = [p.replace("## Methods: ", "## ") for p in parts if p.startswith("## Methods: ")]
    elif kind != "datasets":
        title = f"## {kind.capitalize()}\n"
        parts = [part.removeprefix(title) for part in parts if part.startswith(title)]
    name = "Data sets" if kind == "datasets" else kind.capitalize()
    return f"# {name}\n\n{intro}" + re.sub(r"\]\(#(\w+)\)", r"](./\1.md)", "".join(parts))


def toctree(names: Iterable[str]) -> str:
    """The pages of a folder for the navigation."""
    return "\n".join(["```{toctree}", ":hidden:", "", *names, "```", ""])
