import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from negbench.analysis.frames import open_run
from negbench.analysis.report import page, write_report

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """What the page loads, and whether its elements close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        given = dict(attrs)
        self.loaded += [str(given[name]) for name in ("src", "srcset") if name in given]
        self.links += [str(given["href"])] if "href" in given else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(text: str) -> Page:
    found = Page()
    found.feed(text)
    assert found.open == []
    return found


def test_the_page_is_whole_and_loads_nothing(folder: Path, tmp_path: Path) -> None:
    path = write_report(open_run(folder), tmp_path / "deep" / "report.html")
    found = read(path.read_text("utf-8"))
    assert found.seen.count("img") == 2 * 3
    assert all(source.startswith("data:image/svg+xml;base64,") for source in found.loaded)
    assert "script" not in found.seen
    assert "link" not in found.seen


def test_names_are_escaped_and_only_pages_are_linked(folder: Path, write: Any) -> None:
    for seed in (0, 1):
        write(
            folder,
            "<b>x</b>",
            "dns",
            seed,
            {"all": [0.1] * 4, "head": [0.1] * 4},
            change=lambda r: r.update(card={"title": "<img src=x>", "link": "javascript:alert(1)"}),
        )
    text = page(open_run(folder))
    found = read(text)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "&lt;b&gt;x&lt;/b&gt;" in text
    assert not any(link.startswith("javascript") for link in found.links)
    assert "x" not in found.loaded


def test_the_page_tells_what_the_issue_lists(folder: Path) -> None:
    text = re.sub(r"<[^>]+>", " ", page(open_run(folder)))
    for said in (
        "Verdict",
        "dns ranks best",
        "Whom it serves",
        "Is it real",
        "What it costs",
        "Protocol",
        "Environment",
        "Licence: CC0",
        "The exposure is simulated.",
        "negbench run",
        "Doe &amp; Roe",
    ):
        assert said in text, said


def test_failed_cells_are_told(folder: Path, write: Any) -> None:
    fail = {"status": "failed", "reason": "Out of memory."}
    write(folder, "books", "mixed", 0, {}, change=lambda r: r.update(fail))
    assert "mixed, seed 0: Out of memory." in page(open_run(folder))


def test_one_method_one_seed_is_enough(tmp_path: Path, write: Any) -> None:
    write(tmp_path, "books", "mixed", 0, {"all": [0.1], "head": [0.1], "tail": [0.1]})
    text = page(open_run(tmp_path))
    assert "There is no finished row of random to compare with." in text
    assert "rests on one seed" in text
