from negbench.analysis.measures.rare_rates import interval
from negbench.analysis.tables.column_formats import two_digits
from negbench.analysis.tables.rate_text import margin_note, rate_text

NAN = float("nan")


def line(count: float, total: float) -> dict[str, float]:
    low, high = interval(count, total)
    return {"fnr": count / total, "fnr_low": float(low), "fnr_high": float(high)}


def test_a_rate_that_is_not_known_to_ten_percent_has_a_margin() -> None:
    assert rate_text(line(610, 10000), "fnr") == "6.10 %"
    assert rate_text(line(60, 40960), "fnr") == "0.15 ± 0.04 %"
    assert rate_text({"x": 2.4, "x_low": 2.0, "x_high": 3.0}, "x", two_digits) == "2.40 ± 0.50"
    assert rate_text(line(6, 4096), "fnr") == "0.05 to 0.32 %"


def test_none_met_is_a_limit() -> None:
    assert rate_text(line(0, 4096), "fnr") == "< 0.09 %"


def test_without_counts_there_is_no_margin_and_the_note_says_so() -> None:
    old = {"fnr": 0.061, "fnr_low": NAN, "fnr_high": NAN}
    assert rate_text(old, "fnr") == "6.10 %" and rate_text({"fnr": NAN}, "fnr") == "-"
    (note,) = margin_note([old], ["fnr"])
    assert "not recorded" in note.text
    assert [n.text[:2] for n in margin_note([line(6, 4096)], ["fnr"])] == ["±:"]
    assert margin_note([line(610, 10000), {"fnr": NAN}], ["fnr"]) == []
