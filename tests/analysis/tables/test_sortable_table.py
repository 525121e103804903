import math

from negbench.analysis.number_format import percent
from negbench.analysis.tables.sortable_table import Head, sheet, signed, sortable, two_digits, value

NAN = float("nan")


def test_a_value_says_its_number_its_spread_or_its_interval() -> None:
    told = value({"x": 0.125, "x_std": 0.5}, Head("x", "x", percent))
    assert (told.says, told.sort, told.spread) == ("12.50 %", "0.125", "± 50.00 %")
    told = value({"x": 1.0, "x_low": 0.5, "x_high": 2}, Head("x", "x", two_digits))
    assert (told.says, told.spread) == ("1.00", "[0.50, 2.00]")
    assert value({"x": 1.0, "x_std": NAN}, Head("x", "x")).spread == ""
    assert value({"x": 1.0, "x_std": 0.5}, Head("x", "x", signed)).spread == "± 0.5000"


def test_nothing_measured_is_a_dash_that_sorts_by_nothing() -> None:
    for line in ({}, {"x": NAN}, {"x": None}, {"x": ""}):
        told = value(line, Head("x", "x"))
        assert (told.says, told.sort) == ("-", "")


def test_numbers_are_said_as_a_script_reads_them() -> None:
    assert sortable(math.inf) == "Infinity" and sortable(-math.inf) == "-Infinity"
    assert sortable(NAN) == "" and sortable(1e-9) == "1e-09"


def test_columns_without_any_value_and_sheets_without_any_column_are_left_out() -> None:
    heads = [Head("Method", "row"), Head("a", "a"), Head("b", "b")]
    told = sheet("", heads, [{"row": "x", "a": 1.0, "b": NAN}], [{"row": "y"}])
    assert told is not None
    assert [head.says for head in told.heads] == ["Method", "a"]
    assert told.guards[0][1].says == "-"
    assert sheet("", heads, [{"row": "x"}]) is None
    assert sheet("", heads, []) is None


def test_words_sort_by_letters_and_numbers_by_size() -> None:
    heads = [Head("Method", "row"), Head("a", "a"), Head("verdict", "v")]
    told = sheet(
        "", heads, [{"row": "1", "a": 1.0, "v": "better"}, {"row": "2", "a": NAN, "v": ""}]
    )
    assert told is not None
    assert told.textual == (True, False, True)
