"""One table value in every layout."""

import json
import math

import pytest

from negbench.analysis.runs.notes import Note
from negbench.analysis.tables.render import as_json, html, markdown, require_format, text
from negbench.analysis.tables.table import Cell, Column, Table
from negbench.errors import UserError

TABLE = Table(
    "a_set · mf",
    (Column("Method", align="<", width=6), Column("NDCG@20"), Column("s")),
    (
        (Cell("dns"), Cell("0.4000", "0.4", "± 0.1000", best=True, mark="*="), Cell("3.00")),
        (Cell("dns(m=32)"), Cell("-", mark="", count=" (1/2)"), Cell("-")),
    ),
    ((Cell("pop"), Cell("0.2000", "0.2", mark=""), Cell("-")),),
    (Note("data", "Ratings <3> are left out."),),
)


def test_text_aligns_columns_and_keeps_long_names_on_a_line_of_their_own() -> None:
    assert text([TABLE, Table(notes=(Note("test", "* better."),))]).splitlines() == [
        "a_set · mf",
        "--------------------------------",
        "Method             NDCG@20     s",
        "--------------------------------",
        "dns     0.4000 ± 0.1000 *=  3.00",
        "dns(m=32)",
        "                   - (1/2)     -",
        "--------------------------------",
        "pop              0.2000        -",
        "--------------------------------",
        "Ratings <3> are left out.",
        "",
        "* better.",
    ]


def test_markdown_escapes_and_marks_the_best() -> None:
    assert markdown([TABLE]).splitlines() == [
        "### a\\_set · mf",
        "",
        "| Method | NDCG@20 | s |",
        "| :-- | --: | --: |",
        "| dns | **0.4000 ± 0.1000** \\*= | 3.00 |",
        "| dns(m=32) | - (1/2) | - |",
        "| *pop* (reference) | 0.2000 | - |",
        "",
        "- Ratings &lt;3&gt; are left out.",
    ]


def test_html_has_a_body_for_the_references() -> None:
    page = html([TABLE])
    assert page.count("<tbody>") == 2
    assert "<td><strong>0.4000 ± 0.1000</strong> <sup>*=</sup></td>" in page
    assert "<li>Ratings &lt;3&gt; are left out.</li>" in page


def test_json_has_null_for_what_is_no_number() -> None:
    tree = {"rows": ({"p": math.nan, "n": 1},), "notes": TABLE.notes}
    assert json.loads(as_json(tree)) == {
        "rows": [{"p": None, "n": 1}],
        "notes": ["Ratings <3> are left out."],
    }


def test_an_unknown_format_is_refused_with_the_nearest() -> None:
    with pytest.raises(UserError, match="must be one of text, md; got 'txt'; did you mean text?"):
        require_format("a format", "txt", ["text", "md"])
