"""The appendix of a paper in LaTeX: the protocol of each block, and the settings of every row.

It holds what the table for a paper leaves to it (sizes, bands, versions of the code, notes on the
data) beside all that stands there, so that it can be read alone.
"""

from collections.abc import Iterator

from ..runs.frames import Run
from ..tables import footnotes
from ..tables.blocks import by_block
from ..tables.latex_notes import in_latex
from ..tables.latex_text import escaped
from ..tables.tables_latex import latex
from .settings import facts, settings, stopping, tables

LEFT_OUT = {"command", "gone on with"}
"""Facts with paths of the machine; a bundle holds the commands."""


def appendix(run: Run) -> str:
    """The protocol as a list, and a table of settings a data set and backbone."""
    frame = settings(run)
    pairs = frame[["dataset", "backbone"]].drop_duplicates().itertuples(index=False, name=None)
    blocks = by_block((where, None) for where in pairs)
    items = [item for dataset, backbone in blocks for item in _protocol(run, dataset, backbone)]
    notes = [in_latex(note) for note in footnotes.of_damage(run)]
    machine = [f"{name}: {text}" for name, text in facts(run) if name not in LEFT_OUT]
    return "\n".join(
        [
            "\\paragraph{Protocol}",
            "\\begin{itemize}\\sloppy",
            *items,
            f"\\item {escaped(' '.join(stopping(run)))}",
            *([f"\\item {' '.join(notes)}"] if notes else []),
            f"\\item {escaped('; '.join(machine))}.",
            "\\end{itemize}",
            "",
            latex(tables(frame), "Settings"),
        ]
    )


def _protocol(run: Run, dataset: str, backbone: str) -> Iterator[str]:
    notes = footnotes.of_block(run, dataset, backbone)
    text = " ".join(map(in_latex, dict.fromkeys(notes)))
    yield f"\\item \\textbf{{{escaped(f'{dataset}, {backbone}')}.}} {text}"
