"""Colour, marker and dash of each method, the same in every figure.

The common methods have a fixed style, hue by family: greys for the baseline and the references,
blues for static samplers, warm colours for hard ones, greens for adaptive ones, black for the full
softmax.
Any other name gets its style from a hash of its letters, within the hue of its family, so that it
keeps it from run to run; only if that style is taken in this run does it get the next free one. A
family that is not known here gets its hue from a hash too. The colours are those of Okabe and Ito
and of Paul Tol's schemes, distinct under the common colour blindnesses; markers differ as well.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from matplotlib.colors import to_hex, to_rgb

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "d", "8", "H")
FREE = (">", "d", "p")
"""Markers that no fixed style has: for other methods, whose colours may resemble a fixed one."""
DASHES: tuple[tuple[float, ...], ...] = ((), (4, 1.5), (1.2, 1.2), (5, 1.2, 1.2, 1.2))
REFERENCE = "#8C8C8C"
REFERENCE_MARKERS = ("*", "1", "2", "x")
OTHERS = ("#CC6677", "#AA4499", "#999933", "#661100", "#8C6BB1", "#A6761D", "#E7A6C8", "#44AA99")
"""Colours of methods without a family."""
HUES: Mapping[str, tuple[str, ...]] = {
    "static": ("#4477AA", "#88CCEE", "#004488", "#77AADD"),
    "dynamic": ("#CC6677", "#CC3311", "#EE8866", "#882255"),
    "mixing": ("#44AA99", "#66AA55", "#225522", "#AACC88"),
    "diffusion": ("#AA4499", "#8C6BB1", "#5D3A9B", "#E7A6C8"),
    "contrastive": ("#117777", "#33BBEE", "#77BBAA", "#005F6B"),
    "preference": ("#6D2E46", "#B5838D", "#7A4E4E", "#D5A6A6"),
    "language": ("#A6761D", "#661100", "#D9B365", "#8C510A"),
    "weighting": ("#999933", "#6B6B00", "#BBCC33", "#DDAA33"),
}
"""Colours of a family's methods that have no fixed style."""


@dataclass(frozen=True)
class Style:
    """Colour, marker and dashes of a row."""

    color: str
    marker: str
    dashes: tuple[float, ...] = ()


FIXED: Mapping[str, Style] = {
    "random": Style("#555555", "o", DASHES[1]),
    "popularity": Style("#56B4E9", "s"),
    "in_batch": Style("#0072B2", "D"),
    "mixed": Style("#332288", "^", DASHES[1]),
    "dns": Style("#D55E00", "v"),
    "dns_mn": Style("#E69F00", "<", DASHES[1]),
    "adaptive": Style("#009E73", "P"),
    "adaptive_mixed": Style("#117733", "X", DASHES[1]),
    "all_items": Style("#000000", "h", DASHES[2]),
}


def assign_styles(
    rows: Iterable[tuple[str, str, bool]], families: Mapping[str, str] | None = None
) -> dict[str, Style]:
    """The style of each (row, method, is a reference); a variant lightens its method's colour.

    `families` maps each method to its family, where it is known.
    """
    # The fixed styles first, so that no other method takes one of them.
    ordered = sorted(set(rows), key=lambda row: (row[1] not in FIXED, row))
    markers = {FIXED[method].marker for _, method, _ in ordered if method in FIXED}
    variants: dict[str, int] = {}
    styles: dict[str, Style] = {}
    for row, method, reference in ordered:
        at = variants.get(method, 0)
        variants[method] = at + 1
        if method in FIXED and not reference:
            styles[row] = FIXED[method] if not at else _variant(FIXED[method], at, markers)
        else:
            colors = (REFERENCE,) if reference else hue((families or {}).get(method, ""))
            markers_of = REFERENCE_MARKERS if reference else FREE
            styles[row] = _own(method, markers_of, colors, list(styles.values()))
        markers.add(styles[row].marker)
    return styles


def _variant(style: Style, at: int, markers: set[str]) -> Style:
    start = MARKERS.index(style.marker)
    turned = MARKERS[start:] + MARKERS[:start]
    marker = next((m for m in turned if m not in markers), style.marker)
    return Style(_lighter(style.color, at), marker, DASHES[at % len(DASHES)])


def hue(family: str) -> tuple[str, ...]:
    """The colours of a family: its own, or those that a hash of its name gives."""
    if family in ("", "other"):
        return OTHERS
    known = list(HUES.values())
    return HUES.get(family, known[zlib.crc32(family.encode()) % len(known)])


def _own(
    method: str, markers: Sequence[str], colors: Sequence[str], taken: Sequence[Style]
) -> Style:
    """The style that the hash of the name gives, or the next free one."""
    known = list(product(markers, colors))
    start = zlib.crc32(method.encode()) % len(known)
    used = {(style.marker, style.color) for style in taken}
    turned = [pair for pair in known[start:] + known[:start] if pair not in used]
    turned = turned or [pair for pair in product(MARKERS, colors) if pair not in used] or known
    # A colour of its own while there are any, then one that is shared under another marker.
    seen = {style.color for style in taken}
    marker, color = next((pair for pair in turned if pair[1] not in seen), turned[0])
    return Style(color, marker, DASHES[start % len(DASHES)])


def _lighter(color: str, step: int) -> str:
    share = 1 - 0.6**step
    r, g, b = (part + (1 - part) * share for part in to_rgb(color))
    return to_hex((r, g, b))
