"""Palette: one colour, marker and dash a method, the same in every figure.

The common methods have a fixed look, hue by family: greys for the baseline and the references,
blues for static draws, warm colours for hard ones, greens for adaptive ones, black for the full
softmax.
Any other name gets its look from its own letters, so that it keeps it from run to run; only if that
look is taken in this run does it move on to the next. The colours are those of Okabe and Ito and
of Paul Tol's muted scheme, told apart under the common colour blindnesses; markers differ as well.
"""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

from matplotlib.colors import to_hex, to_rgb

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "d", "8", "H")
DASHES: tuple[tuple[float, ...], ...] = ((), (4, 1.5), (1.2, 1.2), (5, 1.2, 1.2, 1.2))
REFERENCE = "#8C8C8C"
REFERENCE_MARKERS = ("*", "1", "2", "x")
OTHERS = ("#CC6677", "#44AA99", "#AA4499", "#999933", "#88CCEE", "#661100", "#CC79A7", "#6699CC")


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


def looks(rows: Iterable[tuple[str, str, bool]]) -> dict[str, Look]:
    """The look of each (row, method, is a reference); a variant lightens its method's colour."""
    told = sorted(set(rows))
    taken: set[tuple[str, str]] = set()
    found: dict[str, Look] = {}
    variants: dict[str, int] = {}
    # The fixed looks first, so that no stranger takes one of them.
    for row, method, reference in sorted(told, key=lambda t: (t[1] not in FIXED, t)):
        at = variants.get(method, 0)
        variants[method] = at + 1
        look = _free(method, taken, reference)
        if at and method in FIXED and not reference:
            base = FIXED[method]
            marker = _next(look.marker, {found[r].marker for r in found})
            look = Look(_lighter(base.color, at), marker, DASHES[at % len(DASHES)])
        taken.add((look.color, look.marker))
        found[row] = look
    return found


def _free(method: str, taken: set[tuple[str, str]], reference: bool) -> Look:
    if method in FIXED and not reference:
        return FIXED[method]
    markers, colors = (REFERENCE_MARKERS, (REFERENCE,)) if reference else (MARKERS, OTHERS)
    known = list(product(markers, colors))
    start = zlib.crc32(method.encode()) % len(known)
    used_colors = {color for color, _ in taken}
    turned = known[start:] + known[:start]
    free = [(m, c) for m, c in turned if (c, m) not in taken] or turned
    # A colour of its own while there are any, then one that is shared under another marker.
    marker, color = next(((m, c) for m, c in free if c not in used_colors), free[0])
    return Look(color, marker, DASHES[start % len(DASHES)])


def _next(marker: str, taken: set[str]) -> str:
    at = MARKERS.index(marker)
    turned = MARKERS[at:] + MARKERS[:at]
    return next((m for m in turned if m not in taken), marker)


def _lighter(color: str, step: int) -> str:
    share = 1 - 0.6**step
    r, g, b = (part + (1 - part) * share for part in to_rgb(color))
    return to_hex((r, g, b))
