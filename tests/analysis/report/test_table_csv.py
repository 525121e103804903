"""The csv behind a table: every row, exact numbers, and what stands beside them."""

import io
import re
from html import unescape
from math import nan
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest

from negbench.analysis.number_format import percent
from negbench.analysis.report.table_csv import csv_text, csv_uri
from negbench.analysis.report.write import page
from negbench.analysis.runs.frames import open_run
from negbench.analysis.tables.table import Cell, Column, Table, table_of

COLUMNS = (Column("Method", "row"), Column("FN rate", "fnr", percent), Column("note", "note"))


def read(table: Table) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(csv_text(table)))


def test_numbers_are_exact_and_what_is_missing_is_empty() -> None:
    rate = 1 / 3
    records = [{"row": "dns", "fnr": rate, "fnr_std": 0.01}, {"row": 'a,"b"\n#', "fnr": nan}]
    table = table_of("", COLUMNS, records, [{"row": "item_knn", "note": "none"}])
    assert table is not None
    frame = read(table)
    assert frame["FN rate"].tolist()[0] == rate  # not 33.33 %
    assert frame["FN rate"].isna().tolist() == [False, True, True]
    assert frame["Method"].tolist() == ["dns", 'a,"b"\n#', "item_knn"]
    assert frame["FN rate spread as shown"].tolist()[0] == f"± {percent(0.01)}"
    assert frame["group"].tolist() == ["method", "method", "reference"]
    assert unquote(csv_uri(table).partition(",")[2]) == csv_text(table)
    assert not set(csv_uri(table)) & set("\"'<>& \n")


def test_marks_and_columns_of_one_name_are_kept() -> None:
    columns = (Column("Method"), Column("x"), Column("x"))
    rows = (
        (Cell("a", "a", mark="^"), Cell("1", "1.0", count=" (1/2)", mark=""), Cell("2", "2.0")),
    )
    first, second = csv_text(Table(columns=columns, rows=rows)).splitlines()
    assert first == "Method,Method mark,x,x mark,x"
    assert second == "a,^,1.0,(1/2),2.0"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("negbench.analysis.report.page.KINDS", {})


@pytest.mark.usefixtures("bare")
def test_every_table_of_the_page_has_its_link(folder: Path) -> None:
    text = page(open_run(folder))
    pattern = r'download="([^"]+)" href="data:text/csv;charset=utf-8,([^"]+)"'
    links = re.findall(pattern, text)
    assert len(links) == text.count("<table>") + 1  # and the settings as a whole
    files = {name: pd.read_csv(io.StringIO(unquote(unescape(csv)))) for name, csv in links}
    assert len(files) == len(links)
    main = files["books_mf.csv"].set_index("Method")
    assert main.loc["dns", "NDCG@20"] == pytest.approx(0.4)
    assert main.loc["most_popular", "group"] == "reference"
