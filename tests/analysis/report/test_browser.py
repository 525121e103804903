"""The page as a real browser shows it: sorting, its width on a phone, its errors, its requests."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.browser import Shown, framed
from helpers.search_files import three_rows
from helpers.search_files import write as write_searches

from negbench.analysis.report.write import page, write_report
from negbench.analysis.runs.frames import open_run

Browse = Callable[..., Shown]

SORT = """
(() => {
  const table = document.querySelector("#b1 table");
  const heads = Array.from(table.tHead.rows[0].cells);
  const at = heads.findIndex((head) => head.textContent === "NDCG@20");
  const rows = () => Array.from(table.tBodies, (body) => Array.from(body.rows, (row) =>
    row.cells[0].textContent));
  const state = () => [heads.map((head) => head.getAttribute("aria-sort")), rows()];
  const button = heads[at].querySelector("button");
  const states = [state()];
  button.click(); states.push(state());
  button.click(); states.push(state());
  heads[0].querySelector("button").click(); states.push(state());
  return [at, button.tabIndex, states];
})()
"""


@pytest.mark.usefixtures("bare")
def test_heads_sort_by_size_and_by_name_and_what_is_missing_stays_last(
    rich: Path, browse: Browse
) -> None:
    shown = browse(page(open_run(rich)), SORT)
    at, tab, (first, down, up, named) = shown.result
    assert tab == 0  # reached and pressed by keyboard, as any button
    dns = next(name for name in first[1][0] if name.startswith("dns("))
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
    shown = browse(framed(path.read_text("utf-8"), 390), script)
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
    shown = browse(framed(text, 390), script)
    width, rows, images = shown.result
    assert width == 390
    assert rows == ["dns", "random"]  # by their defaults, 0.25 and 0.2
    assert images == [True, True]
    assert shown.errors == []


@pytest.mark.usefixtures("bare")
def test_bibtex_is_copied_or_marked_by_its_button(rich: Path, browse: Browse) -> None:
    script = """(async () => {
      document.getElementById("methods").open = true;
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
      const folded = () => document.querySelectorAll("details:not([open], .pick)").length;
      const states = [folded()];
      dispatchEvent(new Event("beforeprint")); states.push(folded());
      dispatchEvent(new Event("afterprint")); states.push(folded());
      return states;
    })()"""
    before, printed, after = browse(page(open_run(rich)), script).result
    assert before == after > 0 == printed


WITHOUT_SCRIPT = """[
  Array.from(document.querySelectorAll("button")).filter((each) => each.checkVisibility()).length,
  document.body.textContent]"""


@pytest.mark.usefixtures("bare")
def test_without_its_script_the_page_is_plain_and_whole(rich: Path, browse: Browse) -> None:
    text = re.sub(r"<script>.*?</script>", "", page(open_run(rich)), flags=re.S)
    shown = browse(text, WITHOUT_SCRIPT)
    assert shown.result[0] == 0  # what only a script can do is not offered
    for phrase in ("Summary", "NDCG@20", "False negatives", "A lower bound", "Environment"):
        assert phrase in shown.result[1], phrase


def test_the_eyes_of_these_tests_are_open(browse: Browse) -> None:
    text = """<body><script>console.error("seen")</script><p style="width:9000px">wide</p>
    <img src="http://asked.example/x.png"></body>"""
    script = """document.querySelector("iframe").contentDocument.documentElement.scrollWidth"""
    shown = browse(framed(text, 390), script)
    assert shown.result > 9000
    assert any("seen" in line for line in shown.errors)
    assert "http://asked.example/x.png" in shown.asked


@pytest.mark.usefixtures("bare")
def test_the_policy_stops_a_script_that_is_not_the_pages_own(rich: Path, browse: Browse) -> None:
    text = page(open_run(rich)).replace("</header>", "<script>window.bad = 1</script></header>")
    shown = browse(text, "[window.bad === undefined]")
    assert shown.result == [True]
    assert any("Content Security Policy" in line for line in shown.errors)
