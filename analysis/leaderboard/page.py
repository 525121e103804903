"""The leaderboard as texts: `data.json`, and `index.html`, which holds the same data inside.

The page needs no other file and no network (`tables/html_page.py`), and follows from the data.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..tables.html_page import html_page
from ..tables.render import as_json
from .block_rows import Values
from .markers import shapes

SCRIPTS = ("board.js", "table.js", "plot.js", "points.js", "page.js")
_HERE = Path(__file__).resolve().parent


def data_text(data: Values) -> str:
    """The content of `data.json`."""
    return as_json(data)


def page_text(data: Values) -> str:
    """The content of `index.html`."""
    rows = [row for block in data["blocks"] for row in block["rows"]]
    drawn = shapes(row["marker"] for row in rows)
    values = {
        "data": data,
        "inside": _script_text(data),
        "markers": _script_text({name: asdict(shape) for name, shape in drawn.items()}),
    }
    return html_page(_HERE / "leaderboard.html", values, style="leaderboard.css", scripts=SCRIPTS)


def _script_text(value: Any) -> str:
    """JSON that may stand in a script element: nothing in it ends the element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
