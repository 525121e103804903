"""One HTML file that needs no other: style and script are inside, and its policy lets no other run.

So a page can be opened from a disk, mailed, or put on any web server; it asks nothing of the
network, and its template escapes every name.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2


def html_page(
    template: Path,
    values: Mapping[str, Any],
    *,
    style: str,
    scripts: Sequence[str] = (),
    images: bool = False,
    filters: Mapping[str, Callable[..., Any]] | None = None,
) -> str:
    """Render a template with these values, and `style`, `script` and `policy` beside them.

    `style` and `scripts` are files beside the template; `images` lets it hold images as data.
    """
    folder = template.parent
    css = (folder / style).read_text("utf-8")
    script = "\n".join((folder / name).read_text("utf-8") for name in scripts)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= filters or {}
    rules = [
        "default-src 'none'",
        *(["img-src data:"] if images else []),
        f"style-src '{_hash(css)}'",
        *([f"script-src '{_hash(script)}'"] if scripts else []),
        "base-uri 'none'",
        "form-action 'none'",
    ]
    inside = {"style": css, "script": script, "policy": "; ".join(rules)}
    return environment.get_template(template.name).render(values, **inside)


def _hash(text: str) -> str:
    """The hash by which a content security policy allows an inline text."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
