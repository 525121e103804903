"""The leaderboard as a real browser shows it: sorting, filters, a phone, its errors."""

import re
from collections.abc import Callable
from pathlib import Path

from helpers.browser import Shown, framed
from helpers.leaderboard_page import acting

from negbench.analysis.leaderboard.board import board
from negbench.analysis.leaderboard.page import page_text

Browse = Callable[..., Shown]


def test_rows_stand_by_rank_and_heads_sort_them_the_better_end_first(
    text: str, browse: Browse
) -> None:
    script = acting("""
      const states = [[head("rank").getAttribute("aria-sort"), rows()]];
      for (const key of ["ndcg@20/tail", "ndcg@20/tail", "cost", "fn", "row"]) {
        press(key);
        states.push([head(key).getAttribute("aria-sort"), rows()]);
      }
      const focused = document.activeElement === head("row").querySelector("button");
      return [states, focused, all("main thead th", (each) => each.innerText.trim())];""")
    shown = browse(text, script)
    (first, down, up, cost, rate, named), focused, heads = shown.result
    assert first == ["ascending", ["dns", "popularity", "random", "item_knn", "info_nce"]]
    assert down == ["descending", ["item_knn", "popularity", "random", "info_nce", "dns"]]
    assert up == ["ascending", ["dns", "info_nce", "random", "popularity", "item_knn"]]
    assert cost[0] == "ascending" and cost[1][0] == "random" and cost[1][-1] == "info_nce"
    assert rate == ["ascending", ["random", "info_nce", "popularity", "dns", "item_knn"]]
    assert named == ["ascending", ["dns", "info_nce", "item_knn", "popularity", "random"]]
    assert focused  # the head that was pressed keeps the focus when the table is drawn again
    assert heads[2:5] == ["NDCG@20", "head", "tail"] and "FN rate\nlower bound" in heads
    assert shown.errors == []


def test_words_and_families_filter_table_and_plot_and_ranks_stay(text: str, browse: Browse) -> None:
    script = acting("""
      const points = () => all(".point", (each) => each.dataset.row).sort();
      const ranks = () => all("main tbody .rank b", (each) => each.innerText);
      const state = () => [rows(), points(), ranks(), at("count").textContent];
      const states = [state()];
      set("words", "RAND, knn"); states.push(state());
      set("words", ""); set("family", "static"); states.push(state());
      set("words", "zzz"); states.push(state());
      return [states, Array.from(at("family").options, (o) => o.value), at("plot").innerText];""")
    shown = browse(text, script)
    (whole, words, family, none), families, plot = shown.result
    assert whole[3] == "5 rows" and len(whole[1]) == 5
    assert words[0] == ["random", "item_knn"] and words[1] == ["item_knn", "random"]
    assert words[2] == ["3", "4"] and words[3] == "2 of 5 rows shown"
    assert family[0] == ["popularity", "random"]
    assert families == ["", "contrastive", "dynamic", "reference", "static"]
    assert none[:2] == [[], []] and plot == "No row that is shown has both values."
    assert shown.errors == []


def test_data_set_metric_and_band_are_chosen_and_stand_in_the_address(
    text: str, browse: Browse
) -> None:
    script = acting("""
      const first = at("first").textContent;
      set("block", "1"); set("metric", "recall@20"); set("band", "tail");
      const address = location.hash;
      const state = [rows(), head("recall@20/tail").classList.contains("picked"),
        at("first").textContent, at("x").value, at("ranks").textContent];
      location.hash = "#block=yelp%20mf&metric=ndcg%4020&band=head&words=dns&y=cost";
      await new Promise((done) => setTimeout(done, 100));
      const values = ["band", "y", "block"].map((id) => at(id).value);
      return [first, address, state, rows(), ...values];""")
    shown = browse(text, script)
    first, address, state, rows, band, up, block = shown.result
    assert first.startswith("dns ranks best: NDCG@20 0.3000")
    assert address.startswith("#block=books%20mf&metric=recall%4020&band=tail")
    assert state[0] == ["item_knn", "popularity", "random", "dns", "info_nce"] and state[1]
    assert state[2].startswith("dns ranks best: Recall@20 0.6000")
    assert state[3] == "recall@20/all" and "Recall@20" in state[4]
    assert (rows, band, up, block) == (["dns"], "head", "cost", "0")
    assert shown.errors == []


def test_a_phone_needs_no_sideways_scroll_and_nothing_is_asked_for(
    text: str, browse: Browse
) -> None:
    script = """(() => {
      const seen = document.querySelector("iframe").contentDocument;
      const box = seen.querySelector("main .wide");
      const before = seen.querySelector("main .hint").textContent;
      const name = seen.querySelector("tbody th");
      const left = () => name.getBoundingClientRect().left;
      box.scrollLeft = 1e4;
      box.dispatchEvent(new Event("scroll"));
      return [seen.documentElement.scrollWidth, box.scrollWidth > box.clientWidth, before,
        seen.querySelector("main .hint").textContent, left(),
        seen.querySelector("#plot svg").getBoundingClientRect().width];
    })()"""
    shown = browse(framed(text, 390), script)
    width, scrolls, before, after, left, plot = shown.result
    assert width == 390 and scrolls and 240 <= plot <= 390
    assert re.fullmatch(r"\d+ more columns?: scroll →", before) and after == ""
    assert 0 <= left < 60  # the name stays
    assert shown.errors == []
    assert [url for url in shown.asked if not url.startswith(("file:", "data:"))] == []


def test_the_page_is_dark_where_the_reader_wants_it(text: str, browse: Browse) -> None:
    script = """[getComputedStyle(document.body).backgroundColor,
      getComputedStyle(document.body).color,
      getComputedStyle(document.querySelector(".point .marker")).stroke]"""
    dark = browse(text, script, "--blink-settings=preferredColorScheme=0").result
    light = browse(text, script, "--blink-settings=preferredColorScheme=1").result
    ground, ink, rim = ([int(n) for n in re.findall(r"\d+", each)[:3]] for each in dark)
    assert max(ground) < 50 and min(ink) > 200 and min(rim) > 200  # dark markers have a light rim
    assert light[0] == "rgb(255, 255, 255)"


def test_markers_of_lines_have_the_colour_of_their_row(text: str, browse: Browse) -> None:
    """A rim in the colour of the page would hide them: they have no area."""
    script = """Array.from(document.querySelectorAll(".marker.line"),
      (each) => [getComputedStyle(each).stroke, each.getAttribute("stroke")])"""
    strokes = browse(text, script, "--blink-settings=preferredColorScheme=1").result
    assert strokes and all(
        [int(n) for n in re.findall(r"\d+", drawn)[:3]] == list(bytes.fromhex(own[1:]))
        for drawn, own in strokes
    )


def test_trials_and_protocol_are_columns_where_any_row_was_tuned(
    graded: Path, browse: Browse
) -> None:
    data = board([graded])
    for row in data["blocks"][0]["rows"]:
        row["tuning"] = {"trials": 16, "protocols": ["0a1b2c3d4e5f"]}
    script = acting("""
      const heads = () => all("main thead th[data-key]", (each) => each.dataset.key);
      const tuned = heads();
      choose("dns");
      const facts = at("chosen").innerText;
      const cells = all('tr[data-row="dns"] td', (each) => each.innerText);
      set("block", "1");
      return [tuned, facts, cells, heads()];""")
    shown = browse(page_text(data), script)
    tuned, facts, cells, untuned = shown.result
    assert set(tuned) - set(untuned) == {"trials", "protocol"}
    assert "16 trials, protocol 0a1b2c3d4e5f" in facts
    assert {"16", "0a1b2c3d4e5f"} <= set(cells)
    assert shown.errors == []


def test_names_are_text_wherever_they_come_from(graded: Path, browse: Browse) -> None:
    data = board([graded])
    name = "</script><img src=http://asked.example/x onerror=alert(1)>"
    for row in data["blocks"][0]["rows"][:1]:
        row |= {"row": name, "title": name, "family": name, "link": "javascript:alert(1)"}
    data["sources"][0]["command"] = name
    script = acting("""
      choose(rows()[0]);
      return [rows()[0], at("chosen").querySelector("h2").textContent,
        document.querySelectorAll("img").length, at("chosen").querySelectorAll("a").length];""")
    shown = browse(page_text(data), script)
    assert shown.result == [name, name, 0, 0]
    assert shown.errors == [] and not any("asked.example" in url for url in shown.asked)


def test_without_its_script_the_page_has_the_sentences_and_leads_to_the_data(text: str) -> None:
    plain = re.sub(r"<script.*?</script>", "", text, flags=re.S)
    kept = re.search(r"<noscript>(.*?)</noscript>", plain, re.S)
    assert kept and 'href="data.json"' in kept[1]
    assert kept[1].count("dns ranks best: NDCG@20 0.3000") == 2  # of both data sets
