"""Numbers as text: no rounding says what the number does not."""

from pathlib import Path

import pytest

from negbench.analysis.measures.rare_rates import interval
from negbench.analysis.number_format import fine_percent, fixed, p_value, percent
from negbench.analysis.runs.ranked_cells import RankedCell
from negbench.analysis.tables.column_formats import two_digits
from negbench.analysis.tables.index_notes import of_index
from negbench.analysis.tables.rate_text import rate_text
from negbench.analysis.verdict import sentences


def test_a_share_above_0_is_never_written_as_0() -> None:
    """Of a catalogue of a hundred thousand items 0.0046 % of the negatives are false, not none."""
    assert (percent(0.061), percent(0.0), percent(float("nan"))) == ("6.10 %", "0.00 %", "-")
    assert (percent(0.000046), percent(0.0001)) == ("0.0046 %", "0.01 %")
    assert (fine_percent(0.0013), fine_percent(0.0000021)) == ("0.130 %", "0.00021 %")
    assert (two_digits(0.0), two_digits(-0.0031), two_digits(1.0)) == ("0.00", "-0.0031", "1.00")
    assert fixed(float("inf"), 2) == "inf" and fixed(float("nan"), 2) == "nan"
    assert sentences._percent(0.00003) == "0.0030%" and sentences._percent(0.0013) == "0.13%"


def test_the_end_of_an_interval_is_not_0() -> None:
    def text(count: int, total: int) -> str:
        low, high = interval(count, total)
        return rate_text({"fnr": count / total, "fnr_low": low, "fnr_high": high}, "fnr")

    assert text(0, 1_000_000) == "< 0.00037 %"  # it read "< 0.00 %", which no rate is
    assert text(40, 1_000_000) == "0.0040 ± 0.0013 %"
    assert text(460, 10_000_000) == "0.0046 %"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0497, "0.0497"),
        (0.04996, "0.04996"),
        (0.0503, "0.0503"),
        (0.05, "0.050"),
        (0.0494, "0.049"),
        (0.0004, "< 0.001"),
        (1.0, "1.000"),
    ],
)
def test_a_p_value_stands_on_its_own_side_of_the_level(value: float, text: str) -> None:
    assert p_value(value) == text


def test_a_recall_below_1_is_not_written_as_1() -> None:
    def note(*recalls: float) -> str:
        records = [
            {"ranking": {"kind": "hnsw", "users": 9, "index_recall": {"test": {"20": each}}}}
            for each in recalls
        ]
        cells = [RankedCell(Path(), record, []) for record in records]
        (only,) = of_index(cells)
        return only.text

    assert "recall@20 of exact lists 0.999, on" in note(0.9997)
    assert "recall@20 of exact lists 0.983 to 1.000, " in note(0.9834, 1.0)
