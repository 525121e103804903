"""The documentation site: it builds without a warning, is whole, and asks nothing of a network."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from generate import bias_measures, plugins

from negbench import __version__
from negbench.evaluation.metric_names import METRICS

pytest.importorskip("sphinx", reason="the extra `docs` is not installed")
pytest.importorskip("myst_parser", reason="the extra `docs` is not installed")
pytest.importorskip("furo", reason="the extra `docs` is not installed")
ROOT = Path(__file__).resolve().parent.parent
DRAWN = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
"""What a browser fetches by itself."""


class Page(HTMLParser):
    """The addresses of a page: those that it fetches, and those that it links to."""

    def __init__(self, path):
        super().__init__()
        self.fetched, self.linked, self.ids = [], [], set()
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids.add(values.get("id"))
        self.ids.add(values.get("name"))
        if tag in DRAWN and values.get(DRAWN[tag]):
            self.fetched.append(values[DRAWN[tag]])
        if tag == "a" and values.get("href"):
            self.linked.append(values["href"])


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The site, built as `make docs` builds it: a warning is an error."""
    folder = tmp_path_factory.mktemp("site") / "site"
    command = [sys.executable, str(ROOT / "docs" / "build_site.py"), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
    return folder


@pytest.fixture(scope="module")
def pages(built):
    """Every page of Sphinx by its path; the leaderboard is a page of its own making."""
    paths = [p for p in built.rglob("*.html") if p.relative_to(built).parts[0] != "leaderboard"]
    return {path.relative_to(built).as_posix(): Page(path) for path in sorted(paths)}


def rooms(kind):
    """The pages that a kind must have."""
    if kind == "metrics":
        measures = [each.name for functions in bias_measures().values() for each in functions]
        files = [path.stem for path in (ROOT / "analysis" / "measures").glob("[!_]*.py")]
        return [*METRICS, *measures, *files]
    return list(plugins(kind))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["methods", "backbones", "references", "datasets", "metrics"])
def test_each_has_a_page_of_its_own(built, kind):
    missing = [name for name in rooms(kind) if not (built / kind / f"{name}.html").is_file()]
    assert not missing
    pages = {path.stem for path in (built / kind).glob("*.html")}
    assert pages == {*rooms(kind), "index"}  # and none is left of what was renamed


@pytest.mark.slow
def test_nothing_is_fetched_from_a_network(built, pages):
    for name, page in pages.items():
        away = [url for url in page.fetched if re.match(r"(https?:)?//", url)]
        assert not away, (name, away)
    for path in [*built.rglob("*.css"), *built.rglob("*.js")]:
        text = path.read_text("utf-8", errors="ignore")
        assert not re.search(r"(url\(|@import|importScripts\()\s*[\"']?(https?:)?//", text), path


@pytest.mark.slow
def test_every_link_within_the_site_leads_somewhere(built, pages):
    broken = []
    for name, page in pages.items():
        for url in page.linked:
            if re.match(r"[a-z]+:", url):
                continue
            path, _, anchor = url.partition("#")
            target = (built / name).parent / unquote(path) if path else built / name
            key = target.resolve().relative_to(built.resolve()).as_posix()
            known = key not in pages or not anchor or unquote(anchor) in pages[key].ids
            if not target.is_file() or not known:
                broken.append((name, url))
    assert not broken


@pytest.mark.slow
def test_every_page_is_reached_from_the_first(built, pages):
    reached, todo = {"index.html"}, ["index.html"]
    while todo:
        name = todo.pop()
        for url in pages[name].linked:
            path = url.partition("#")[0]
            if path and not re.match(r"[a-z]+:", path):
                target = ((built / name).parent / unquote(path)).resolve()
                key = target.relative_to(built.resolve()).as_posix()
                if key in pages and key not in reached:
                    reached.add(key)
                    todo.append(key)
    assert set(pages) - reached <= {"genindex.html", "py-modindex.html", "search.html"}


@pytest.mark.slow
def test_a_method_has_formula_ranges_and_what_was_measured(built):
    text = re.sub(r"<[^>]+>|\s", " ", (built / "methods" / "dns.html").read_text("utf-8"))
    flat = " ".join(text.split())
    assert "j* = argmax_{j in C} s(u, j)" in flat
    assert "{2, 4, 8, 16, 32, 64}" in flat
    assert "Results of the study" in flat and "5 seeds (100, 101, 102, 103 and 104)" in flat
    assert "goodbooks: a lower bound, kuairec: exact" in flat


@pytest.mark.slow
def test_the_python_pages_name_what_is_exported(built):
    import negbench
    import negbench.parts
    import negbench.protocol

    for module in (negbench, negbench.protocol, negbench.parts):
        text = (built / "api" / f"{module.__name__}.html").read_text("utf-8")
        missing = [name for name in module.__all__ if not re.search(rf"\b{name}\b", text)]
        assert not missing
    assert __version__ in (built / "index.html").read_text("utf-8")
