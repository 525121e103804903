import math

from negbench.analysis.number_format import percent
from negbench.analysis.tables.column_formats import signed, two_digits
from negbench.analysis.tables.table import Column, cell, sort_key, table_of

NAN = float("nan")


def test_a_value_says_its_number_its_spread_or_its_interval() -> None:
    shown = cell({"x": 0.125, "x_std": 0.5}, Column("x", "x", percent))
    assert (shown.text, shown.sort_key, shown.spread) == ("12.50 %", "0.125", "± 50.00 %")
    shown = cell({"x": 1.0, "x_low": 0.5, "x_high": 2}, Column("x", "x", two_digits))
    assert (shown.text, shown.spread) == ("1.00", "[0.50, 2.00]")
    assert cell({"x": 1.0, "x_std": NAN}, Column("x", "x")).spread == ""
    assert cell({"x": 1.0, "x_std": 0.5}, Column("x", "x", signed)).spread == "± 0.5000"


def test_nothing_measured_is_a_dash_that_sorts_by_nothing() -> None:
    for line in ({}, {"x": NAN}, {"x": None}, {"x": ""}):
        shown = cell(line, Column("x", "x"))
        assert (shown.text, shown.sort_key) == ("-", "")


def test_numbers_are_said_as_a_script_reads_them() -> None:
    assert sort_key(math.inf) == "Infinity" and sort_key(-math.inf) == "-Infinity"
    assert sort_key(NAN) == "" and sort_key(1e-9) == "1e-09"


def test_columns_without_any_value_and_tables_without_any_column_are_left_out() -> None:
    columns = [Column("Method", "row"), Column("a", "a"), Column("b", "b")]
    table = table_of("", columns, [{"row": "x", "a": 1.0, "b": NAN}], [{"row": "y"}])
    assert table is not None
    assert [column.header for column in table.columns] == ["Method", "a"]
    assert table.references[0][1].text == "-"
    assert table_of("", columns, [{"row": "x"}]) is None
    assert table_of("", columns, []) is None


def test_words_sort_by_letters_and_numbers_by_size() -> None:
    columns = [Column("Method", "row"), Column("a", "a"), Column("verdict", "v")]
    table = table_of(
        "", columns, [{"row": "1", "a": 1.0, "v": "better"}, {"row": "2", "a": NAN, "v": ""}]
    )
    assert table is not None
    assert table.textual == (True, False, True)
