"""Rows that a reader filters and hides, parts that open, dark mode and print, in a real browser."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import browser
from helpers.browser import Shown, framed
from helpers.graded_run import rising, write_graded

from negbench.analysis.report.write import page
from negbench.analysis.runs.frames import open_run
from negbench.storage.atomic_write import write_json

Browse = Callable[..., Shown]
pytestmark = pytest.mark.usefixtures("bare")

# In every table of the page, the rows that are seen once all is open, and what the bar says.
SEEN = """
  const bar = document.querySelector(".filters");
  const open = (each) => { each.open = true; };
  document.querySelectorAll("details").forEach(open);
  const type = (field, value) => { field.value = value; field.dispatchEvent(new Event("input")); };
  const names = (scope) => Array.from(new Set(
    Array.from(document.querySelectorAll(`${scope} tbody tr`))
      .filter((row) => row.checkVisibility()).map((row) => row.cells[0].textContent))).sort();
  const says = () => bar.querySelector("output").textContent;
"""


def acting(script: str) -> str:
    """A script that uses the words above."""
    return f"(() => {{ {SEEN} {script} }})()"


@pytest.fixture
def two(tmp_path: Path, write: Any) -> Path:
    """Two data sets, not typed by the alphabet, of which each has another best method."""
    run = tmp_path / "two"
    means = {"yelp": (0.10, 0.30, 0.20), "books": (0.10, 0.20, 0.30)}
    names = ("random", "dns", "popularity")
    for dataset, of_data in means.items():
        methods = dict(zip(names, of_data, strict=True))
        write_graded(write, run, methods, {"item_knn": 0.05}, dataset=dataset)
    entry = {"backbone": "mf", "backbone_variant": "", "method": "dns", "variant": "", "seed": 0}
    cells = [{"cell": name, "dataset": name, **entry} for name in means]
    write_json(run / "run.json", {"command": "negbench run", "options": {}, "cells": cells})
    return run


def test_words_filter_the_rows_of_every_table(two: Path, browse: Browse) -> None:
    script = acting("""
      const [search, all] = [bar.querySelector("input[type=search]"), names("body")];
      type(search, "DNS, pop");
      const [some, text] = [names("body"), says()];
      type(search, "zzz");
      const none = names("body");
      type(search, "");
      return [all, some, text, none, names("body"), says()];""")
    shown = browse(page(open_run(two)), script)
    everyone, some, text, none, again, nothing = shown.result
    assert everyone == again == ["dns", "item_knn", "popularity", "random"]
    assert some == ["dns", "popularity"] and none == []
    assert text.startswith("2 of 4 rows shown; marks, bold, figures and sentences are of all rows")
    assert nothing == "" and shown.errors == []


def test_rows_are_filtered_by_their_marks_in_each_block_and_by_family(
    two: Path, browse: Browse
) -> None:
    script = acting("""
      const which = bar.querySelector("select");
      const seen = ["mark:=", "mark:*", "family:reference"].map((value) => {
        type(which, value);
        return [names("#b1"), names("#b2")];
      });
      return [seen, Array.from(which.options, (option) => option.value)];""")
    (best, above, references), options = browse(page(open_run(two)), script).result
    assert best == [["dns"], ["popularity"]]  # yelp was typed first
    assert above == [["dns", "popularity"]] * 2
    assert references == [["item_knn"]] * 2
    assert options == ["", "mark:*", "mark:=", "family:static", "family:reference"]


def test_a_name_that_may_be_broken_keeps_the_mark_behind_it(
    tmp_path: Path, write: Any, browse: Browse
) -> None:
    changes = {"in_batch": rising, "dns": rising}
    means = {"random": 0.1, "in_batch": 0.2, "dns": 0.3}
    run = write_graded(write, tmp_path / "run", means, {}, changes=changes)
    script = """Array.from(document.querySelectorAll("table")[0].querySelectorAll("tbody tr"),
      (row) => [row.cells[0].innerHTML])"""
    rows = {cell for (cell,) in browse(page(open_run(run)), script).result}
    assert {'dns<span class="mark">^</span>', 'in_<wbr>batch<span class="mark">^</span>'} <= rows


def test_a_row_is_hidden_by_its_box_and_comes_back(two: Path, browse: Browse) -> None:
    script = acting("""
      const box = bar.querySelector('input[value="random"]');
      box.click();
      const without = [names("body"), says()];
      bar.querySelector('[data-check="none"]').click();
      const none = names("body");
      bar.querySelector('[data-check="all"]').click();
      return [...without, none, names("body")];""")
    without, text, none, everyone = browse(page(open_run(two)), script).result
    assert without == ["dns", "item_knn", "popularity"] and text.startswith("3 of 4 rows shown")
    assert none == [] and len(everyone) == 4


def test_blocks_are_closed_until_they_are_opened_and_a_link_opens_its_own(
    two: Path, browse: Browse
) -> None:
    script = """(async () => {
      const opened = () => Array.from(document.querySelectorAll("details.part[open]"), (x) => x.id);
      const states = [opened()];
      document.querySelector('nav a[href="#b2"]').click();
      await new Promise((done) => setTimeout(done, 100));
      states.push(opened());
      location.hash = "b1-cost";
      await new Promise((done) => setTimeout(done, 100));
      states.push(opened(), document.getElementById("b1-cost").open);
      const all = document.querySelector(".all");
      all.click();
      const closed = () => document.querySelectorAll("details:not([open], .pick, .aside)").length;
      states.push([closed(), all.textContent]);
      all.click();
      return [...states, opened()];
    })()"""
    first, linked, deep, section, whole, none = browse(page(open_run(two)), script).result
    assert first == ["rows"] and linked == ["rows", "b2"] and deep == ["rows", "b1", "b2"]
    assert section is True and whole == [0, "Close all"] and none == []


def test_forty_rows_are_less_than_six_screens_before_anything_is_opened(
    tmp_path: Path, write: Any, browse: Browse
) -> None:
    names = ["random", *(f"method_{at:02}" for at in range(39))]
    means = {name: 0.1 + at / 500 for at, name in enumerate(names)}
    for dataset in ("books", "films"):
        write_graded(write, tmp_path / "run", means, dataset=dataset, seeds=(0, 1))
    script = "[document.documentElement.scrollHeight, innerWidth, innerHeight]"
    height, width, screen = browse(page(open_run(tmp_path / "run")), script).result
    assert width == 1400 and 700 < screen <= 900
    assert height < 6 * 700


def test_a_wide_table_says_how_much_lies_to_the_right(two: Path, browse: Browse) -> None:
    script = """(async () => {
      const seen = document.querySelector("iframe").contentDocument;
      const table = seen.querySelector("#rows .table");
      const wait = () => new Promise((done) => setTimeout(done, 200));
      const hint = () => table.querySelector(".hint").textContent;
      await wait();
      const [box, first] = [table.querySelector(".wide"), table.querySelector("td")];
      const [before, left] = [hint(), first.getBoundingClientRect().left];
      box.scrollLeft = box.scrollWidth;
      box.dispatchEvent(new Event("scroll")); // no frame is drawn that would send it
      return [before, hint(), left === first.getBoundingClientRect().left,
        seen.documentElement.scrollWidth];
    })()"""
    before, after, stays, width = browse(framed(page(open_run(two)), 390), script).result
    assert re.fullmatch(r"\d+ more columns: scroll →", before)
    assert after == "" and stays and width == 390


def test_the_page_is_dark_where_the_reader_wants_it(two: Path, browse: Browse) -> None:
    script = """[getComputedStyle(document.body).backgroundColor,
      getComputedStyle(document.body).color,
      getComputedStyle(document.querySelector("td")).backgroundColor]"""
    text = page(open_run(two))
    dark = browse(text, script, "--blink-settings=preferredColorScheme=0").result
    light = browse(text, script, "--blink-settings=preferredColorScheme=1").result
    ground, ink, cell = ([int(n) for n in re.findall(r"\d+", each)[:3]] for each in dark)
    assert max(ground) < 50 and min(ink) > 200 and cell == ground
    assert light[0] == light[2] == "rgb(255, 255, 255)"


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext (poppler-utils)")
@pytest.mark.skipif(browser.CHROMIUM is None, reason=browser.MISSING)
def test_print_has_what_is_closed_on_the_screen(two: Path, tmp_path: Path) -> None:
    pdf = browser.print_pdf(tmp_path, page(open_run(two)))
    text = subprocess.run(
        ["pdftotext", "-layout", pdf, "-"], capture_output=True, check=True
    ).stdout
    words = " ".join(text.decode().split())
    for phrase in ("yelp · mf", "Whom it serves", "Balance = 1 - Gini", "Licence: CC0"):
        assert phrase in words, phrase
    assert "Hide rows" not in words and "Filter rows" not in words
