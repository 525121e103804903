from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from negbench.analysis.runs.frames import open_run
from negbench.analysis.tables.main_table import main_table, render
from negbench.analysis.tables.main_table_text import BOLD

FOUR = {"all": [0.1] * 4, "head": [0.1] * 4, "mid": [0.1] * 4, "tail": [0.1] * 4}


def parsed(run: Path) -> ElementTree.Element:
    return ElementTree.fromstring(render(open_run(run), format="html"))


def test_a_table_a_block_with_the_numbers_of_the_text(folder: Path) -> None:
    books, films = parsed(folder).findall("table")
    assert [t.findtext("caption") for t in (books, films)] == ["books · mf", "films · mf"]
    assert books.findtext("caption/p") == main_table(open_run(folder)).blocks[0].headline
    heads = [head.text for head in books.iter("th") if head.get("scope") == "col"]
    assert heads[:4] == ["Method", "Recall@20", "NDCG@20", "NDCG@20 head"]
    methods, references = books.findall("tbody")
    rows = [["".join(cell.itertext()) for cell in row] for row in methods]
    assert [row[0] for row in rows] == ["dns", "random", "popularity"]
    assert rows[0][2] == "0.4000 ± 0.0000 ="
    assert rows[1][1:3] == ["0.4500 ± 0.0707", "0.2250 ± 0.0354 ="]
    assert [row[0].text for row in references] == ["most_popular"]
    assert [s.text for s in books.iter("strong")][:2] == ["0.8000 ± 0.0000", "0.4000 ± 0.0000"]


def test_the_notes_are_those_of_the_table(folder: Path) -> None:
    table = main_table(open_run(folder))
    items = [item.text for item in parsed(folder).iter("li")]
    notes = [*table.blocks[0].notes, *table.blocks[1].notes, *table.notes]
    assert items == [*(note.text for note in notes), BOLD.text]


def test_names_are_text_and_no_markup(folder: Path, write: Any) -> None:
    for seed in (0, 1):
        write(folder, "<b>&", "dns_mn", seed, FOUR, variant='x="<script>alert(1)</script>"')
    text = render(open_run(folder), format="html")
    assert "<script" not in text and "<b>" not in text
    first = parsed(folder).findall("table")[0]
    assert first.findtext("caption") == "<b>& · mf"
    assert first.findtext("tbody/tr/th") == 'dns_mn(x="<script>alert(1)</script>")'


def test_a_half_row_is_a_dash_with_its_count(folder: Path, write: Any) -> None:
    write(folder, "books", "mixed", 0, FOUR)
    rows = {r[0].text: r for r in parsed(folder).findall("table")[0].iter("tr")}
    assert "".join(rows["mixed"][2].itertext()) == "- (1/2)"
