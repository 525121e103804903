"""The page as a real browser shows it: sorting, its width on a phone, its errors, its requests."""

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from helpers.search_files import three_rows
from helpers.search_files import write as write_searches

from negbench.analysis.report.write import page, write_report
from negbench.analysis.runs.frames import open_run

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium on the path (Debian: apt-get install chromium)"
)
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-default-apps",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--enable-logging=stderr",
    "--v=0",
    "--virtual-time-budget=3000",
)
LONG = "candidates=64,top=8,schedule=linear_warmup_over_20_epochs"


@dataclass(frozen=True)
class Shown:
    """What the browser made of a page."""

    result: Any
    """The value of the test's script."""
    errors: list[str]
    """What it wrote to the console."""
    asked: list[str]
    """The addresses that it asked for."""


Browse = Callable[..., Shown]


@pytest.fixture
def browse(tmp_path: Path) -> Browse:
    """Open a page, run a script in it that gives back what it found, and close the browser."""

    def one(text: str, script: str = "null") -> Shown:
        path = tmp_path / "shown.html"
        path.write_text(_asking(text, script), "utf-8")
        log = tmp_path / "net.json"
        flags = (f"--user-data-dir={tmp_path / 'profile'}", f"--log-net-log={log}")
        asked = [*flags, "--window-size=1280,900", "--dump-dom", path.as_uri()]
        done = subprocess.run([str(CHROMIUM), *QUIET, *asked], capture_output=True, timeout=60)
        dom, console = done.stdout.decode(), done.stderr.decode(errors="replace")
        match = re.search(r'<script type="application/json" id="result">(.*?)</script>', dom, re.S)
        assert match, f"the script gave nothing back: {console[-2000:]}"
        return Shown(
            json.loads(match[1]),
            [line for line in console.splitlines() if "CONSOLE" in line],
            _asked(log),
        )

    return one


def _asked(log: Path) -> list[str]:
    """What pages asked for; what the browser asks for on its own has no origin."""
    events = [event.get("params", {}) for event in json.loads(log.read_text("utf-8"))["events"]]
    known = [event for event in events if "url" in event and "initiator" in event]
    return [event["url"] for event in known if event["initiator"] != "not an origin"]


def _asking(text: str, script: str) -> str:
    """The page with a script behind it, which its policy allows; all else stays as it is."""
    inside = (
        "addEventListener('load', async () => {"
        f"const found = await {script};"
        "const result = document.createElement('script');"
        "result.type = 'application/json'; result.id = 'result';"
        "result.textContent = JSON.stringify(found).replaceAll('<', '\\\\u003c');"
        "document.body.append(result); });"
    )
    known = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
    allowed = re.sub("script-src ", f"script-src 'sha256-{known}' ", text, count=1)
    return allowed.replace("</body>", f"<script>{inside}</script></body>")


def _framed(text: str, width: int) -> str:
    """The page in a frame as narrow as a phone, for no window is."""
    style = f"border: 0; width: {width}px; height: 800px"
    return f'<body><iframe style="{style}" srcdoc="{html.escape(text)}"></iframe></body>'


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no figures, where a test looks at tables."""
    monkeypatch.setattr("negbench.analysis.report.page.KINDS", {})


@pytest.fixture
def rich(tmp_path: Path, write: Any) -> Path:
    """A row with a long name, a row that lacks a seed, probes, and two references."""
    run = tmp_path / "rich"
    means = {"random": 0.1, "popularity": 0.09, "dns": 0.3, "mixed": 0.2}
    for method, mean in means.items():
        for seed in (0, 1):
            if (method, seed) == ("mixed", 1):
                fail = {"status": "failed", "reason": "Out of memory."}
                write(run, "books", method, seed, {}, change=lambda r, f=fail: r.update(f))
                continue
            values = {
                "all": [mean, mean + 0.1 + seed / 50],
                "head": [mean / 2] * 2,
                "tail": [0.1] * 2,
            }
            write(
                run,
                "books",
                method,
                seed,
                values,
                variant=LONG if method == "dns" else "",
                change=_probed(mean),
            )
    for reference, mean in (("most_popular", 0.05), ("item_knn", 0.15)):
        write(
            run,
            "books",
            reference,
            0,
            {"all": [mean] * 2, "head": [mean] * 2},
            backbone="reference",
        )
    return run


def _probed(mean: float) -> Callable[[dict[str, Any]], None]:
    def change(record: dict[str, Any]) -> None:
        record["probe"] = {"mode": "sample", "exact": False, "hard": 0.1, "planted": 0, "log": 0}
        for name, value in (("fnr", mean / 10), ("fnr_lift", mean)):
            line = {"split": "train", "metric": name, "k": 0, "band": "all", "value": value}
            record["metrics"].append(line)

    return change


SORT = """
(() => {
  const table = document.querySelector("#b1 ~ .wide table");
  const heads = Array.from(table.tHead.rows[0].cells);
  const at = heads.findIndex((head) => head.textContent === "NDCG@20");
  const rows = () => Array.from(table.tBodies, (body) => Array.from(body.rows, (row) =>
    row.cells[0].textContent));
  const state = () => [heads.map((head) => head.getAttribute("aria-sort")), rows()];
  const button = heads[at].querySelector("button");
  const found = [state()];
  button.click(); found.push(state());
  button.click(); found.push(state());
  heads[0].querySelector("button").click(); found.push(state());
  return [at, button.tabIndex, found];
})()
"""


@pytest.mark.usefixtures("bare")
def test_heads_sort_by_size_and_by_name_and_what_is_missing_stays_last(
    rich: Path, browse: Browse
) -> None:
    shown = browse(page(open_run(rich)), SORT)
    at, tab, (first, down, up, named) = shown.result
    assert tab == 0  # reached and pressed by keyboard, as any button
    dns = f"dns({LONG})"
    references = ["item_knn", "most_popular"]
    assert set(first[0]) == {"none"}
    assert first[1] == [[dns, "random", "popularity", "mixed"], references]
    assert down[0][at] == "descending" and down[0].count("none") == len(down[0]) - 1
    assert down[1] == [[dns, "random", "popularity", "mixed"], references]
    assert up[0][at] == "ascending"
    assert up[1] == [["popularity", "random", dns, "mixed"], references[::-1]]
    assert named[0][0] == "ascending" and named[0][at] == "none"
    assert named[1] == [[dns, "mixed", "popularity", "random"], references]
    assert shown.errors == []


def test_a_phone_needs_no_sideways_scroll_and_nothing_is_asked_for(
    rich: Path, browse: Browse, tmp_path: Path
) -> None:
    path = write_report(open_run(rich), tmp_path / "report.html")
    script = """(() => {
      const seen = document.querySelector("iframe").contentDocument;
      return [seen.defaultView.innerWidth, seen.documentElement.scrollWidth,
        Array.from(seen.images, (image) => image.complete && image.naturalWidth > 0),
        Array.from(seen.querySelectorAll(".wide"), (box) => box.scrollWidth > box.clientWidth)];
    })()"""
    shown = browse(_framed(path.read_text("utf-8"), 390), script)
    width, needed, images, scrolled = shown.result
    assert (width, needed) == (390, 390)
    assert len(images) >= 3 and all(images)
    assert any(scrolled)  # so the boxes scroll, and not the page
    assert shown.errors == []
    assert [url for url in shown.asked if not url.startswith(("file:", "data:"))] == []


def test_the_part_on_tuning_fits_a_phone_sorts_and_writes_no_error(
    rich: Path, browse: Browse
) -> None:
    text = page(open_run(write_searches(rich, three_rows())))
    script = """(() => {
      const seen = document.querySelector("iframe").contentDocument;
      const table = seen.querySelector("#t1 table");
      const head = Array.from(table.tHead.rows[0].cells).find((h) => h.textContent === "Default");
      head.querySelector("button").click();
      return [seen.documentElement.scrollWidth,
        Array.from(table.tBodies[0].rows, (row) => row.cells[0].textContent),
        Array.from(seen.querySelectorAll("#t1 img"), (image) => image.complete)];
    })()"""
    shown = browse(_framed(text, 390), script)
    width, rows, images = shown.result
    assert width == 390
    assert rows == ["dns", "random"]  # by their defaults, 0.25 and 0.2
    assert images == [True, True]
    assert shown.errors == []


@pytest.mark.usefixtures("bare")
def test_bibtex_is_copied_or_marked_by_its_button(rich: Path, browse: Browse) -> None:
    script = """(async () => {
      const source = document.querySelector("pre.bibtex");
      const button = source.nextElementSibling;
      const before = button.textContent;
      button.click();
      for (let at = 0; at < 50 && button.textContent === before; at++)
        await new Promise((done) => setTimeout(done, 20));
      return [before, button.textContent, String(getSelection()) === source.textContent];
    })()"""
    before, after, marked = browse(page(open_run(rich)), script).result
    assert before == "Copy BibTeX"
    assert after == "Copied" or marked


@pytest.mark.usefixtures("bare")
def test_print_opens_what_is_folded_and_folds_it_again(rich: Path, browse: Browse) -> None:
    script = """(() => {
      const folded = () => document.querySelectorAll("details:not([open])").length;
      const found = [folded()];
      dispatchEvent(new Event("beforeprint")); found.push(folded());
      dispatchEvent(new Event("afterprint")); found.push(folded());
      return found;
    })()"""
    before, printed, after = browse(page(open_run(rich)), script).result
    assert before == after > 0 == printed


@pytest.mark.usefixtures("bare")
def test_without_its_script_the_page_is_plain_and_whole(rich: Path, browse: Browse) -> None:
    text = re.sub(r"<script>.*?</script>", "", page(open_run(rich)), flags=re.S)
    shown = browse(text, "[document.querySelectorAll('button').length, document.body.innerText]")
    assert shown.result[0] == 0
    for phrase in ("Verdict", "NDCG@20", "False negatives", "A lower bound", "Environment"):
        assert phrase in shown.result[1], phrase


def test_the_eyes_of_these_tests_are_open(browse: Browse) -> None:
    text = """<body><script>console.error("seen")</script><p style="width:9000px">wide</p>
    <img src="http://asked.example/x.png"></body>"""
    script = """document.querySelector("iframe").contentDocument.documentElement.scrollWidth"""
    shown = browse(_framed(text, 390), script)
    assert shown.result > 9000
    assert any("seen" in line for line in shown.errors)
    assert "http://asked.example/x.png" in shown.asked


@pytest.mark.usefixtures("bare")
def test_the_policy_stops_a_script_that_is_not_the_pages_own(rich: Path, browse: Browse) -> None:
    text = page(open_run(rich)).replace("</header>", "<script>window.bad = 1</script></header>")
    shown = browse(text, "[window.bad === undefined]")
    assert shown.result == [True]
    assert any("Content Security Policy" in line for line in shown.errors)
