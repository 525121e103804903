"""The plot and the rank intervals of the leaderboard, in a real browser."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.browser import Shown
from helpers.graded_run import write_graded
from helpers.leaderboard_page import acting
from helpers.many_rows import write_many_rows

from negbench.analysis.leaderboard.board import board
from negbench.analysis.leaderboard.page import page_text

Browse = Callable[..., Shown]


def test_a_point_under_the_pointer_names_itself_and_lights_its_row_and_back(
    text: str, browse: Browse
) -> None:
    script = acting("""
      const over = (each, kind) => each.dispatchEvent(new PointerEvent(kind));
      over(point("dns"), "pointerenter");
      const states = [[tipText(), lit("tr"), lit(".point")]];
      over(point("dns"), "pointerleave");
      states.push([tipText(), lit("tr"), lit(".point")]);
      const row = document.querySelector('tr[data-row="random"]');
      over(row, "pointerenter"); states.push([tipText(), lit("tr"), lit(".point")]);
      over(row, "pointerleave"); states.push([tipText(), lit("tr"), lit(".point")]);
      return states;""")
    shown = browse(text, script)
    inside, outside, row, away = shown.result
    lines = inside[0].split("\n")
    assert lines[0] == "dns" and "NDCG@20: 0.3000 ± 0.0010" in lines
    assert "NDCG@20 tail: 0.0500 ± 0.0010" in lines and lines[3].startswith("rank: 1")
    assert inside[1:] == [["dns"], ["dns"]]
    assert outside == away == ["", [], []]
    assert row == ["", ["random"], ["random"]]
    assert shown.errors == []


def test_keys_go_through_the_points_and_choose_a_row(text: str, browse: Browse) -> None:
    script = acting("""
      const key = (name) => document.activeElement.dispatchEvent(
        new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));
      const stops = () => document.querySelectorAll('.point[tabindex="0"]').length;
      const here = () => document.activeElement.dataset.row;
      document.querySelector('.point[tabindex="0"]').focus();
      const way = [here()];
      for (const name of ["ArrowRight", "ArrowRight", "End", "ArrowRight", "ArrowLeft", "Home"]) {
        key(name); way.push(here());
      }
      key("End"); key("Enter");
      const state = [tipText().split("\\n")[0], lit("tr"),
        document.activeElement.getAttribute("aria-label"), at("chosen").innerText,
        document.querySelector('.name[aria-pressed="true"]').innerText];
      key("Escape");
      return [way, stops(), state, at("chosen").innerText];""")
    shown = browse(text, script)
    way, stops, (tip, lit, label, chosen, pressed), after = shown.result
    order = ["info_nce", "item_knn", "random", "popularity", "dns"]  # by NDCG@20, left to right
    assert way == [order[0], order[1], order[2], order[4], order[4], order[3], order[0]]
    assert stops == 1 and tip == "dns" and lit == ["dns"] and pressed == "dns"
    assert label == "dns: NDCG@20 0.3000 ± 0.0010, NDCG@20 tail 0.0500 ± 0.0010"
    for words in ("above random in NDCG@20", "not tuned", "dim\n8", "graded ", "8.00 %"):
        assert words in chosen, words
    assert after.startswith("Choose a row")
    assert shown.errors == []


def test_the_front_is_of_the_better_ends_and_without_rows_that_never_left_their_warm_up(
    text: str, browse: Browse
) -> None:
    script = acting("""
      const front = () => at("front").textContent.split(" (means")[0];
      const states = [front()];
      set("y", "cost"); states.push(front(), document.querySelectorAll(".point").length);
      set("x", "fn"); states.push(front());
      set("y", "coverage"); states.push(front());
      return [states, document.querySelectorAll(".point.warm").length, at("front").textContent];""")
    shown = browse(text, script)
    (tail, cost, points, rate, coverage), warm, caption = shown.result
    # Up and right are better; random is behind popularity on both.
    assert tail == (
        "Of the 5 rows drawn item_knn, popularity and dns are beaten by no other in both NDCG@20 "
        "tail and NDCG@20"
    )
    assert cost.startswith("Of the 5 rows drawn random and dns are beaten by no other")
    assert rate.startswith("Of the 4 rows drawn random is beaten by no other")
    assert coverage.startswith("Of the 4 rows drawn random is beaten by no other")
    assert points == 5 and warm == 1
    assert "pale and count for none" in caption and "a lower bound, for only held-out" in caption
    assert shown.errors == []


def test_rank_intervals_are_drawn_from_their_first_to_their_last_place(
    text: str, browse: Browse
) -> None:
    script = acting("""
      return all("main tbody tr[data-row]", (row) => {
        const span = row.querySelector(".span");
        const ends = () => ["x1", "x2"].map((end) => Number(span.getAttribute(end)));
        return span && [row.dataset.row, ...ends(), row.querySelector(".rank").innerText];
      });""")
    shown = browse(text, script).result
    rows: dict[str, Any] = {line[0]: line[1:] for line in shown[:4]}
    assert shown[4] is None  # warm-up only
    places = {"dns": 1, "popularity": 2, "random": 3, "item_knn": 4}
    for name, place in places.items():
        x = 3 + 64 * (place - 1) / 3
        assert rows[name][:2] == pytest.approx([x, x]), name


def test_forty_rows_are_named_in_the_plot_where_there_is_room_and_no_names_meet(
    tmp_path: Path, write: Any, browse: Browse
) -> None:
    data = board([write_many_rows(write, tmp_path / "many")])
    rows = data["blocks"][0]["rows"]
    rows.sort(key=lambda row: row["metrics"]["ndcg@20"]["bands"]["all"]["mean"])
    for at, row in enumerate(rows):  # the better by NDCG the worse by this: all are in front
        row["false_negatives"] = {"rate": 0.002 * at, "kind": "exact", "text": f"{0.2 * at:.1f} %"}
    script = acting("""
      set("y", "fn");
      const boxes = all("#plot .label", (each) => each.getBoundingClientRect());
      const meet = (a, b) =>
        a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
      const met = boxes.filter((a, n) => boxes.slice(n + 1).some((b) => meet(a, b))).length;
      const box = document.querySelector("main .wide");
      const top = () => document.querySelector("main thead th").getBoundingClientRect().top;
      const before = top();
      box.scrollTop = 300;
      return [rows().length, boxes.length, met, box.scrollTop, before === top()];""")
    shown = browse(page_text(data), script)
    many, names, met, scrolled, stays = shown.result
    assert many == 40 and names >= 5 and met == 0
    assert scrolled == 300 and stays  # the heads stand above the rows that scroll
    assert shown.errors == []


def test_ticks_of_values_that_lie_close_are_written_apart(
    tmp_path: Path, write: Any, browse: Browse
) -> None:
    means = {name: 0.43801 + at / 1e5 for at, name in enumerate(("random", "dns", "ahns"))}
    write_graded(write, tmp_path / "run", means)
    script = acting("""
      const ticks = (end) => document.querySelectorAll(`#plot .tick[text-anchor="${end}"]`);
      return ["middle", "end"].map((end) => Array.from(ticks(end), (each) => each.textContent));""")
    shown = browse(page_text(board([tmp_path / "run"])), script)
    assert shown.errors == []
    for texts in shown.result:
        assert len(set(texts)) == len(texts) > 1
        assert all(text.startswith("0.4380") for text in texts)
