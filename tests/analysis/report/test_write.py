import base64
import hashlib
import html
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from negbench.analysis.figures import KINDS
from negbench.analysis.figures._export import compact_svg, data_uri, export_bytes
from negbench.analysis.report.method_cards import method_cards
from negbench.analysis.report.page import ANALYSES
from negbench.analysis.report.write import page, write_report
from negbench.analysis.runs.frames import open_run
from negbench.errors import UserError

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
    parsed = Page()
    parsed.feed(text)
    assert parsed.open == []
    return parsed


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no figures, where a test looks at words."""
    monkeypatch.setattr("negbench.analysis.report.page.KINDS", {})


def test_the_page_is_whole_and_loads_nothing(folder: Path, tmp_path: Path) -> None:
    path = write_report(open_run(folder), tmp_path / "deep" / "report.html")
    parsed = read(path.read_text("utf-8"))
    assert parsed.seen.count("img") >= 2 * 3
    assert len(parsed.loaded) == parsed.seen.count("img")
    assert all(source.startswith("data:image/svg+xml,<svg") for source in parsed.loaded)
    assert parsed.seen.count("script") == 1
    assert "link" not in parsed.seen
    assert [path.name for path in path.parent.iterdir()] == ["report.html"]


@pytest.mark.usefixtures("bare")
def test_the_policy_lets_the_own_style_and_script_run_and_nothing_else(folder: Path) -> None:
    text = page(open_run(folder))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    rules = html.unescape(policy[1])
    for tag in ("style", "script"):
        inside = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert len(inside) == 1
        known = base64.b64encode(hashlib.sha256(inside[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{known}'" in rules
    assert rules.startswith("default-src 'none'") and "unsafe" not in rules
    assert not re.search(r"<[^>]+ (style|on\w+)=", text)


def steps_of(path: str) -> list[str | float]:
    """Commands and coordinates of path data, to a hundredth."""
    words = re.findall(r"[A-Za-z]|-?[.\d]+", path)
    return [word if word.isalpha() else pytest.approx(float(word), abs=0.006) for word in words]


def test_figures_keep_their_look_in_fewer_bytes(folder: Path) -> None:
    plot = KINDS["bands"](open_run(folder), None)[0]
    svg = export_bytes(plot, "svg").decode()
    small = compact_svg(svg)
    assert len(small) < 0.85 * len(svg)
    root = ElementTree.fromstring(small)
    whole = ElementTree.fromstring(svg)
    drawn_parts = ("path", "use", "rect")
    for name in drawn_parts:
        tag = f"{{http://www.w3.org/2000/svg}}{name}"
        assert len(list(root.iter(tag))) == len(list(whole.iter(tag))), name
    path = "{http://www.w3.org/2000/svg}path"
    for less, full in zip(root.iter(path), whole.iter(path), strict=True):
        assert steps_of(less.get("d", "")) == steps_of(full.get("d", ""))
    known = set(re.findall(r' id="([^"]+)"', small))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', small)) <= known
    assert unquote(data_uri(plot).partition(",")[2]).replace("'", '"') == small.replace("\n", " ")


@pytest.mark.usefixtures("bare")
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
    parsed = read(text)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "&lt;b&gt;x&lt;/b&gt;" in text
    assert not any(link.startswith("javascript") for link in parsed.links)
    assert "x" not in parsed.loaded


@pytest.mark.usefixtures("bare")
def test_the_page_has_every_section(folder: Path) -> None:
    text = re.sub(r"<[^>]+>", " ", page(open_run(folder)))
    for phrase in (
        "Summary",
        "What cannot be concluded",
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
        assert phrase in text, phrase


@pytest.mark.usefixtures("bare")
def test_failed_cells_are_listed(folder: Path, write: Any) -> None:
    fail = {"status": "failed", "reason": "Out of memory."}
    write(folder, "books", "mixed", 0, {}, change=lambda r: r.update(fail))
    assert "mixed, seed 0: Out of memory." in page(open_run(folder))


@pytest.mark.usefixtures("bare")
def test_one_method_one_seed_is_enough(tmp_path: Path, write: Any) -> None:
    write(tmp_path, "books", "mixed", 0, {"all": [0.1], "head": [0.1], "tail": [0.1]})
    text = page(open_run(tmp_path))
    assert "There is no finished row of random to compare with." in text
    assert "rests on one seed" in text


def probed(rate: float, exact: bool) -> Any:
    """Give a cell the figures of the probes."""

    def change(record: dict[str, Any]) -> None:
        record["probe"] = {"mode": "sample", "exact": exact, "hard": 0.1, "planted": 0.0, "log": 0}
        for name, value in (("fnr", rate), ("fnr_expected", 0.0625), ("fnr_lift", rate / 0.0625)):
            line = {"split": "train", "metric": name, "k": 0, "band": "all", "value": value}
            record["metrics"].append(line)

    return change


@pytest.mark.usefixtures("bare")
def test_rates_say_whether_they_are_exact(tmp_path: Path, write: Any) -> None:
    for exact, phrase in ((False, "A lower bound"), (True, "Exact: these data hold")):
        run = tmp_path / str(exact)
        for method, rate in (("random", 0.0625), ("dns", 0.125)):
            write(run, "books", method, 0, {"all": [0.1, 0.2]}, change=probed(rate, exact))
        text = page(open_run(run))
        assert phrase in text
        assert 'data-value="0.125">12.50 %<' in text
        assert 'data-value="2.0">2.00 x<' in text


@pytest.mark.usefixtures("bare")
def test_what_was_not_measured_has_a_remark_and_no_table(folder: Path) -> None:
    text = page(open_run(folder))
    part = text[text.index('id="b1-false"') : text.index('id="b1-hardness"')]
    assert "Not measured in this run." in part
    assert "<table" not in part


@pytest.mark.usefixtures("bare")
def test_the_bibtex_of_a_card_stands_on_its_card_escaped(folder: Path) -> None:
    text = page(open_run(folder))
    entries = re.findall(r'<pre class="bibtex">(.*?)</pre>', text, re.DOTALL)
    assert len(entries) == 4  # three methods and the reference
    entry = html.unescape(entries[0])
    assert entry.startswith("@misc{doe2001dns,")
    assert "author = {Doe and Roe}" in entry
    assert "howpublished = {Journal\\_of\\_100\\%}" in entry


@pytest.mark.usefixtures("bare")
def test_the_formula_is_that_of_the_method_that_ran(tmp_path: Path, write: Any) -> None:
    card = {"title": "Dynamic negative sampling"}
    write(tmp_path, "books", "dns", 0, {"all": [0.1]}, change=lambda r: r.update(card=card))
    assert "argmax_{j in C} s(u, j)" in page(open_run(tmp_path))
    other = {"title": "Another dns"}
    write(tmp_path, "books", "dns", 0, {"all": [0.1]}, change=lambda r: r.update(card=other))
    assert "argmax_{j in C} s(u, j)" not in page(open_run(tmp_path))


@pytest.mark.usefixtures("bare")
def test_a_composition_shows_the_card_of_each_part(tmp_path: Path, write: Any) -> None:
    cards = [{"title": "First card"}, {"title": "Second card"}]
    change = lambda r: r.update(card=cards[1], cards=cards)  # noqa: E731
    write(tmp_path, "books", "one+two", 0, {"all": [0.1]}, change=change)
    assert [m.name for m in method_cards(open_run(tmp_path))] == ["one", "two"]
    text = page(open_run(tmp_path))
    assert "First card" in text and "Second card" in text


@pytest.mark.usefixtures("bare")
def test_a_sparse_record_is_still_shown(tmp_path: Path, write: Any) -> None:
    def little(record: dict[str, Any]) -> None:
        record["data"].update(licence="", source="", checksum="", notes=[])
        record.update(card=None, cards=[None], environment=None)

    write(tmp_path, "books", "mine", 0, {"all": [0.1]}, change=little)
    assert "mine" in page(open_run(tmp_path))


@pytest.mark.usefixtures("bare")
def test_several_folders_make_one_page(tmp_path: Path, write: Any) -> None:
    for name, dataset in (("one", "books"), ("two", "films")):
        write(tmp_path / name, dataset, "mixed", 0, {"all": [0.1]})
    text = page(open_run([tmp_path / "one", tmp_path / "two"]))
    assert "negbench report of one, two" in text
    assert "books · mf" in text and "films · mf" in text


def test_a_refused_figure_or_analysis_is_listed_and_stops_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> Any:
        raise UserError("a diagram needs 8 blocks; this run has 2")

    monkeypatch.setattr("negbench.analysis.report.page.KINDS", {"cd": refuse})
    monkeypatch.setattr("negbench.analysis.report.page.ANALYSES", {**ANALYSES, "cost": refuse})
    text = page(open_run(folder))
    assert text.count("<li>a diagram needs 8 blocks; this run has 2</li>") == 2
    part = text[text.index('id="b1-cost"') : text.index('id="b2"')]
    assert "Not measured in this run." in part
