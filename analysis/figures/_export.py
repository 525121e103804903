"""Export of a figure: as the bytes of a file (pdf, png, svg), or as a data URI for HTML."""

import io
import re
from typing import Any
from urllib.parse import quote

import matplotlib as mpl
from matplotlib.text import Text

from ._style import Plot

DPI = 300
_PLAIN = " =':/;,()<>"
_UNSEEN = re.compile(r"<[?].*?[?]>|<!--.*?-->|<!.*?>|<metadata>.*?</metadata>", re.DOTALL)
_PLACES = re.compile(r'(?: (?:d|x|y)="|translate\()[^")]*')
_PATH = re.compile(r' d="([^"]*)"')
_DIGITS = re.compile(r"\d+\.\d{3,}")
_MOVED = re.compile(r'xlink:href="#([^"]+)" transform="translate\(([-.\d]+) 0\)"')
"""A glyph that is only translated along its line."""
_NAMED = re.compile(r' id="([^"]+)"')


def export_bytes(plot: Plot, form: str) -> bytes:
    """The figure as the content of a file; the same figure gives the same bytes.

    Names come from users and from data: dollar signs in them are text, not mathematics.
    """
    out = io.BytesIO()
    undated = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(form)
    for text in plot.figure.findobj(Text):
        text.set_parse_math(False)
    exact: dict[Any, Any] = {"pdf.fonttype": 42, "svg.fonttype": "path", "svg.hashsalt": plot.name}
    with mpl.rc_context(exact | {"text.parse_math": False}):
        plot.figure.savefig(out, format=form, dpi=DPI, metadata=undated)
    return out.getvalue()


def data_uri(plot: Plot) -> str:
    """The figure as the data URI of an SVG, fit for an attribute in double quotes.

    Percent-encoding of the few signs that need it takes a quarter less than base64.
    """
    svg = (
        compact_svg(export_bytes(plot, "svg").decode("utf-8"))
        .replace("'", "&apos;")
        .replace('"', "'")
        .replace("\n", " ")
    )
    return f"data:image/svg+xml,{quote(svg, safe=_PLAIN)}"


def compact_svg(svg: str) -> str:
    """A smaller SVG of the same drawing, for a page that holds dozens of them.

    No comments, no indents, short ids, no spaces about the commands of a path, and coordinates to
    a hundredth of a point.
    """
    text = re.sub(r">\s+<", "><", _UNSEEN.sub("", svg)).strip()
    text = _PLACES.sub(lambda place: _DIGITS.sub(_hundredth, place[0]), text)
    text = _PATH.sub(lambda path: f' d="{_dense(path[1])}"', text)
    used = dict.fromkeys(re.findall(r'(?:href="|url\()#([^")]+)', text))
    short = {name: f"i{at}" for at, name in enumerate(used)}
    text = _NAMED.sub(lambda n: f' id="{short[n[1]]}"' if n[1] in short else "", text)
    text = _MOVED.sub(r'href="#\1" x="\2"', text).replace("xlink:href=", "href=")
    return re.sub(r'(href="|url\()#([^")]+)', lambda n: f"{n[1]}#{short[n[2]]}", text)


def _dense(path: str) -> str:
    """Path data with a space between two numbers alone: "M 1 2 \\n L 3 4" is "M1 2L3 4"."""
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", " ".join(path.split()))


def _hundredth(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
