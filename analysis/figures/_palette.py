"""Colour, marker and dash of each method, the same in every figure of every run, no two alike.

The registered methods have theirs in `_method_styles.py`; greys are for the baseline and the
references, black is for the full softmax. Any other method gets from a hash of its name one that
no registered method has, and only if another of this run has taken that, the next free one.

The colours are those of Okabe and Ito (without yellow, which is too light for a line) and two of
Paul Tol's, distinct under the common colour blindnesses. In greyscale two styles of one marker and
one dash differ in lightness by 15 of 100 or more.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.colors import to_hex, to_rgb

from ._method_styles import METHODS

COLORS: Mapping[str, str] = {
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "pink": "#CC79A7",
    "green": "#009E73",
    "vermilion": "#D55E00",
    "blue": "#0072B2",
    "wine": "#882255",
    "indigo": "#332288",
}
"""By falling lightness: each is far from the one four places on, with which it shares dashes."""
MARKERS = ("s", "^", "v", "D", "P", "X", "<", ">", "p", "d")
DASHES: tuple[tuple[float, ...], ...] = ((), (4, 1.5), (1.2, 1.2), (5, 1.2, 1.2, 1.2))
REFERENCE = "#6B6B6B"
REFERENCES = {"most_popular": "*", "ease": "x", "item_knn": "1", "ials": "2", "slim": "3"}
REFERENCES |= {"multivae": "+"}
REFERENCE_MARKERS = (*REFERENCES.values(), "4")


@dataclass(frozen=True)
class Style:
    """Colour, marker and dashes of a row."""

    color: str
    marker: str
    dashes: tuple[float, ...] = ()


def _style(color: str, marker: str) -> Style:
    turn = list(COLORS).index(color) + MARKERS.index(marker)
    return Style(COLORS[color], marker, DASHES[turn % len(DASHES)])


REST = Style("#CFCFCF", "")
"""A row that a figure does not name."""
FIXED: Mapping[str, Style] = {
    "random": Style("#555555", "o", DASHES[1]),
    "all_items": Style("#000000", "h", DASHES[2]),
    **{method: _style(*pair) for method, pair in METHODS.items()},
}
SLOTS = tuple(_style(color, marker) for marker in MARKERS for color in COLORS)
FREE = tuple(style for style in SLOTS if style not in FIXED.values())
"""For methods that are not registered."""
FIXED_REFERENCES: Mapping[str, Style] = {
    name: Style(REFERENCE, marker, DASHES[at % len(DASHES)])
    for at, (name, marker) in enumerate(REFERENCES.items())
}
REFERENCE_SLOTS = tuple(
    style
    for style in (Style(REFERENCE, marker, dash) for dash in DASHES for marker in REFERENCE_MARKERS)
    if style not in FIXED_REFERENCES.values()
)


def assign_styles(rows: Iterable[tuple[str, str, bool]]) -> dict[str, Style]:
    """The style of each (row, method, is a reference); a variant lightens its method's colour."""
    # The fixed styles first, so that no other method takes one of them.
    ordered = sorted(set(rows), key=lambda row: (row[1] not in {*FIXED, *FIXED_REFERENCES}, row))
    first: dict[tuple[str, bool], Style] = {}
    variants: dict[tuple[str, bool], int] = {}
    styles: dict[str, Style] = {}
    for row, method, reference in ordered:
        own, taken = (method, reference), list(styles.values())
        variants[own] = at = variants.get(own, -1) + 1
        if not at:
            fixed = FIXED_REFERENCES if reference else FIXED
            first[own] = fixed.get(method) or _by_hash(method, reference, taken)
        styles[row] = _variant(first[own], at, taken) if at else first[own]
    return styles


def _by_hash(method: str, reference: bool, taken: Sequence[Style]) -> Style:
    """The free style that the hash of the name gives, or the next that this run has left."""
    for slots in (REFERENCE_SLOTS,) if reference else (FREE, SLOTS):
        start = zlib.crc32(method.encode()) % len(slots)
        for style in (*slots[start:], *slots[:start]):
            if style not in taken:
                return style
    return _variant(slots[start], 1, taken)


def _variant(style: Style, at: int, taken: Sequence[Style]) -> Style:
    """The style of a further row of a method: lighter, under the next marker, dashed otherwise."""
    color, dashes = _lighter(style.color, at), DASHES[(DASHES.index(style.dashes) + at) % 4]
    start = MARKERS.index(style.marker) + at if style.marker in MARKERS else at
    turned = [MARKERS[(start + step) % len(MARKERS)] for step in range(len(MARKERS))]
    styles = [Style(color, marker, dashes) for marker in turned]
    return next((each for each in styles if each not in taken), styles[0])


def _lighter(color: str, step: int) -> str:
    share = min(1 - 0.7**step, 0.6)
    r, g, b = (part + (1 - part) * share for part in to_rgb(color))
    return to_hex((r, g, b))
