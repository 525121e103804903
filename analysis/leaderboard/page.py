"""The leaderboard as texts: `data.json`, and `index.html`, which holds the same data inside.

The page needs no other file and no network: style, script and data are inside, and its policy lets
nothing else run. So it can be opened from a disk, mailed, or put on any web server.
"""

import base64
import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jinja2

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
    style = (_HERE / "leaderboard.css").read_text("utf-8")
    script = "\n".join((_HERE / name).read_text("utf-8") for name in SCRIPTS)
    rows = [row for block in data["blocks"] for row in block["rows"]]
    drawn = shapes(row["marker"] for row in rows)
    return _template().render(
        data=data,
        inside=_script_text(data),
        markers=_script_text({name: asdict(shape) for name, shape in drawn.items()}),
        style=style,
        script=script,
        policy=(
            f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
            "base-uri 'none'; form-action 'none'"
        ),
    )


def _script_text(value: Any) -> str:
    """JSON that may stand in a script element: nothing in it ends the element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text: str) -> str:
    """The hash by which a content security policy allows an inline text."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("leaderboard.html")
