"""The page of an audit as text, Markdown, HTML and JSON.

The HTML page is one file that asks nothing of the network, prints on A4 and holds no script.
"""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from ..runs.notes import Note
from ..tables.html_page import html_page
from ..tables.render import as_json, markdown, text
from ..tables.table import Table
from .page import BlockPage, Part

_HERE = Path(__file__).resolve().parent
LEAD = (
    "How a recommender treats its users and items: who gains and who loses against simple lists, "
    "by how much, and how sure it is."
)


def as_text(pages: Sequence[BlockPage]) -> str:
    """The page for a terminal."""
    return text([table for page in pages for table in _tables(page)])


def as_markdown(pages: Sequence[BlockPage]) -> str:
    """The page for a README or an issue."""
    return markdown([table for page in pages for table in _tables(page)])


def as_html(pages: Sequence[BlockPage], folders: Sequence[str] = ()) -> str:
    """The page as one HTML text."""
    values = {"pages": pages, "folders": folders, "lead": LEAD}
    return html_page(_HERE / "page.html", values, style="page.css")


def tree(pages: Sequence[BlockPage]) -> str:
    """All numbers and sentences as JSON."""
    return as_json({"blocks": [_block(page) for page in pages]})


def _tables(page: BlockPage) -> list[Table]:
    """A heading, the warning, and each part as a table with its sentences as notes."""
    warning = (Note("legend", page.warning),) if page.warning else ()
    return [Table(page.title, notes=warning), *(_table(part) for part in page.parts)]


def _table(part: Part) -> Table:
    notes = [Note("legend", sentence) for sentence in part.sentences]
    notes += [Note("legend", f"{term}: {meaning}.") for term, meaning in part.terms]
    table = part.table or Table()
    return Table(
        part.title, table.columns, table.rows, table.references, tuple(notes), squeeze=True
    )


def _block(page: BlockPage) -> dict[str, Any]:
    numbers = page.numbers
    return {
        "dataset": numbers.block.dataset,
        "backbone": numbers.block.backbone,
        "metric": str(numbers.block.audience.metric),
        "warning": page.warning,
        "anchors": _plain(numbers.anchors),
        "systems": _plain(numbers.overviews),
        "details": _plain(numbers.details),
        "sentences": {part.title: part.sentences for part in page.parts if part.sentences},
        "glossary": {term: meaning for part in page.parts for term, meaning in part.terms},
    }


def _plain(value: Any) -> Any:
    """Records as dictionaries, all the way down."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
