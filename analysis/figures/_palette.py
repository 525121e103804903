"""Palette: one colour, marker and dash a method, the same in every figure.

The common methods have a fixed look, hue by family: greys for the baseline and the references,
blues for static draws, warm colours for hard ones, greens for adaptive ones, black for the full
softmax.
Any other name gets its look from its own letters, within the hue of its family, so that it keeps
it from run to run; only if that look is taken in this run does it move on to the next. A family
that is not known here gets its hue from its letters too. The colours are those of Okabe and Ito and
of Paul Tol's schemes, told apart under the common colour blindnesses; markers differ as well.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from matplotlib.colors import to_hex, to_rgb

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "d", "8", "H")
FREE = (">", "d", "p")
"""Markers that no fixed look has: for strangers, whose colours may come near to one of those."""
DASHES: tuple[tuple[float, ...], ...] = ((), (4, 1.5), (1.2, 1.2), (5, 1.2, 1.2, 1.2))
REFERENCE = "#8C8C8C"
REFERENCE_MARKERS = ("*", "1", "2", "x")
OTHERS = ("#CC6677", "#AA4499", "#999933", "#661100", "#8C6BB1", "#A6761D", "#E7A6C8", "#44AA99")
"""For methods of no family."""
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
"""The colours of a family's further methods."""


@dataclass(frozen=True)
class Look:
    """How a row is drawn."""

    color: str
    marker: str
    dashes: tuple[float, ...] = ()


FIXED: Mapping[str, Look] = {
    "random": Look("#555555", "o", DASHES[1]),
    "popularity": Look("#56B4E9", "s"),
    "in_batch": Look("#0072B2", "D"),
    "mixed": Look("#332288", "^", DASHES[1]),
    "dns": Look("#D55E00", "v"),
    "dns_mn": Look("#E69F00", "<", DASHES[1]),
    "adaptive": Look("#009E73", "P"),
    "adaptive_mixed": Look("#117733", "X", DASHES[1]),
    "all_items": Look("#000000", "h", DASHES[2]),
}


def looks(
    rows: Iterable[tuple[str, str, bool]], families: Mapping[str, str] | None = None
) -> dict[str, Look]:
    """The look of each (row, method, is a reference); a variant lightens its method's colour.

    `families` says the family of each method, where it is known.
    """
    # The fixed looks first, so that no stranger takes one of them.
    told = sorted(set(rows), key=lambda row: (row[1] not in FIXED, row))
    markers = {FIXED[method].marker for _, method, _ in told if method in FIXED}
    variants: dict[str, int] = {}
    found: dict[str, Look] = {}
    for row, method, reference in told:
        at = variants.get(method, 0)
        variants[method] = at + 1
        if method in FIXED and not reference:
            found[row] = FIXED[method] if not at else _variant(FIXED[method], at, markers)
        else:
            colors = (REFERENCE,) if reference else hue((families or {}).get(method, ""))
            markers_of = REFERENCE_MARKERS if reference else FREE
            found[row] = _own(method, markers_of, colors, list(found.values()))
        markers.add(found[row].marker)
    return found


def _variant(look: Look, at: int, markers: set[str]) -> Look:
    start = MARKERS.index(look.marker)
    turned = MARKERS[start:] + MARKERS[:start]
    marker = next((m for m in turned if m not in markers), look.marker)
    return Look(_lighter(look.color, at), marker, DASHES[at % len(DASHES)])


def hue(family: str) -> tuple[str, ...]:
    """The colours of a family: its own, or those that its letters give it."""
    if family in ("", "other"):
        return OTHERS
    known = list(HUES.values())
    return HUES.get(family, known[zlib.crc32(family.encode()) % len(known)])


def _own(method: str, markers: Sequence[str], colors: Sequence[str], taken: Sequence[Look]) -> Look:
    """The look that a name gives itself, or the next one that is free."""
    known = list(product(markers, colors))
    start = zlib.crc32(method.encode()) % len(known)
    used = {(look.marker, look.color) for look in taken}
    turned = [pair for pair in known[start:] + known[:start] if pair not in used]
    turned = turned or [pair for pair in product(MARKERS, colors) if pair not in used] or known
    # A colour of its own while there are any, then one that is shared under another marker.
    seen = {look.color for look in taken}
    marker, color = next((pair for pair in turned if pair[1] not in seen), turned[0])
    return Look(color, marker, DASHES[start % len(DASHES)])


def _lighter(color: str, step: int) -> str:
    share = 1 - 0.6**step
    r, g, b = (part + (1 - part) * share for part in to_rgb(color))
    return to_hex((r, g, b))
