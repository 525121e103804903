"""The tuning tables of an appendix, in LaTeX with booktabs: spaces and budgets, chosen values."""

from collections.abc import Sequence

from ..number_format import number, seconds
from ..runs.notes import Note
from ..tables.column_formats import signed_percent
from ..tables.latex_float import PREAMBLE, Tabular, line, table_float
from ..tables.latex_text import escaped
from .lines import Line, winner_text
from .page import TuningBlock, TuningPage
from .protocol_notes import ONE_SEED, UNREAD

TYPES = "@{}lp{0.45\\linewidth}rr@{}"


def latex(page: TuningPage) -> str:
    """Two floats a data set and backbone: what was searched, and what was chosen."""
    parts = [part for block in page.blocks for part in (_spaces(block), _chosen(block))]
    return PREAMBLE + "\n".join(parts)


def _spaces(block: TuningBlock) -> str:
    """The ranges of each row; those that all methods share stand in the caption."""
    shared = shared_ranges(block)
    caption = [f"Search spaces and budgets on {block.dataset}, {block.backbone}."]
    if shared:
        ranges = "; ".join(f"{name} {text}" for name, text in shared.items())
        caption.append(f"Searched for every method: {ranges}.")
    rows = [
        [line.searched.row, own_ranges(line, shared), line.trials, seconds(line.cpu_seconds / 60)]
        for line in (*block.methods, *block.references)
    ]
    headers = ("Method", "Own parameters", "Trials", "CPU min")
    return _float(caption, headers, TYPES, rows, block)


def _chosen(block: TuningBlock) -> str:
    """The winner of each row, its test score by one seed and the gain over the default."""
    caption = [
        f"Settings chosen on validation {block.metric} on {block.dataset}, {block.backbone}.",
        f"E_N: test {block.metric} of the trial that validation puts first.",
        "Gain: over the published default.",
        ONE_SEED.text,
        UNREAD.text,
    ]
    rows = [
        [
            line.searched.row,
            winner_text(line) or "-",
            number(line.tuned),
            _percent(line.gain_share),
        ]
        for line in (*block.methods, *block.references)
    ]
    headers = ("Method", "Winner", "E_N", "Gain")
    return _float(caption, headers, TYPES, rows, block, notes=False)


def shared_ranges(block: TuningBlock) -> dict[str, str]:
    """The ranges of the shared part that every method of the block has, by parameter."""
    spaces = [{each.name: each.text for each in m.searched.space} for m in block.methods]
    shared = block.methods[0].searched.shared if spaces else {}
    return {n: text for n, text in shared.items() if all(s.get(n) == text for s in spaces)}


def own_ranges(line: Line, shared: dict[str, str]) -> str:
    """What is searched for this row beside the shared part."""
    hidden = {} if line.reference else shared
    own = [f"{r.name} {r.text}" for r in line.searched.space if hidden.get(r.name) != r.text]
    return "; ".join(own) or "-"


def _percent(value: float) -> str:
    return "-" if value != value else signed_percent(value)


def _float(
    caption: Sequence[str],
    headers: Sequence[str],
    types: str,
    rows: Sequence[Sequence[str]],
    block: TuningBlock,
    notes: bool = True,
) -> str:
    """A float of these rows, references apart; the protocol stands under the first of a block."""
    lines = [line([*map(escaped, row)]) for row in rows]
    end = len(block.methods)
    below = [escaped(note.text) for note in (block.notes if notes else _marks(block))]
    shown = Tabular(types, [line([*map(escaped, headers)])], [lines[:end], lines[end:]])
    return table_float([*map(escaped, caption)], [shown], below, gap="3pt")


def _marks(block: TuningBlock) -> Sequence[Note]:
    """The notes on the marks of the chosen values, and the hash that tables compare by."""
    kept = [note for note in block.notes if note.text.startswith("!")]
    return [Note("settings", f"Protocol {block.hash}."), *kept]
