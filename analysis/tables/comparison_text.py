"""Layouts of the comparison: text for a screen of 100 columns, Markdown, LaTeX, csv and JSON."""

from collections.abc import Callable
from math import isnan
from typing import Any

import pandas as pd

from ..number_format import metric_label, number, p_cell
from ..runs.frames import REFERENCE, Run
from .comparison import Comparison, ComparisonBlock, Line, comparison
from .render import as_json, comma_separated, markdown, require_format, text
from .table import Column, Table, text_rows
from .tables_latex import latex

LABEL = 18
"""Longer labels stand on a line of their own in the text form."""


def render(
    run: Run,
    *,
    format: str = "text",
    metric: str | None = None,
    vs: str = "random",
    test: str = "crossed",
    correction: str = "holm",
    margin: str | float | None = None,
) -> str:
    """The comparison as text, md, latex, csv or json.

    Raises UserError if the format or any other option is unknown.
    """
    require_format("a format of comparisons", format, LAYOUTS)
    values = comparison(run, metric, vs=vs, test=test, correction=correction, margin=margin)
    return LAYOUTS[format](values)


def tables(values: Comparison, *, against: bool = False) -> list[Table]:
    """One table a block, the mean ranks over the blocks if there are any, and the notes.

    `against` is whether captions say what the rows are compared with.
    """
    blocks = [_block(values, block, against) for block in values.blocks]
    across = [_mean_ranks(values)] if values.across_notes else []
    return [*blocks, *across, Table(notes=values.notes)]


def _title(values: Comparison) -> str:
    return f"{metric_label(values.metric)} compared"


def _block(values: Comparison, block: ComparisonBlock, against: bool) -> Table:
    longest = max(len("Method"), *(len(_label(line)) for line in block.lines))
    columns: dict[Column, Callable[[Line], str]] = {
        Column("Method", align="<", width=min(LABEL, longest)): _label,
        Column(metric_label(values.metric)): lambda line: number(line["mean"]),
        Column("diff. [95 %]"): _tested(_difference),
        Column("%"): _tested(lambda line: _percent(line["relative"])),
        Column("p"): _tested(lambda line: p_cell(line["p_corrected"])),
        Column("MDE"): _tested(lambda line: number(line["detectable"])),
        Column("verdict"): lambda line: line["conclusion"] or "-",
        Column("rank"): _rank,
    }
    rows, title = text_rows(columns, block.lines), f"{block.dataset} · {block.backbone}"
    title += f" · against {block.against}" if against else ""
    return Table(title, tuple(columns), rows, notes=block.notes, squeeze=True)


def _mean_ranks(values: Comparison) -> Table:
    if not values.across:
        return Table(notes=values.across_notes)
    columns: dict[Column, Callable[[Line], str]] = {
        Column("Method", align="<"): lambda line: line["row"],
        Column("mean rank", align="<"): lambda line: (
            f"{line['mean_rank']:.2f}{' =' if line.get('tied') else ''}"
        ),
    }
    title = f"Mean rank over {values.across[0]['blocks']} blocks"
    rows, notes = text_rows(columns, values.across), values.across_notes
    return Table(title, tuple(columns), rows, notes=notes, rules=False, header=False)


def _tested(write: Callable[[Line], str]) -> Callable[[Line], str]:
    """A cell of the test, which the baseline and rows without a test do not have."""
    return lambda line: "-" if line["conclusion"] in ("", "baseline") else write(line)


def _label(line: Line) -> str:
    """The row with the marks of its budget, and whether it is a reference."""
    reference = " (ref.)" if line["kind"] == REFERENCE else ""
    return f"{line['row']}{reference}{line['budget']}"


def _difference(line: Line) -> str:
    if isnan(line["low"]):
        return f"{line['difference']:+.4f}"
    return f"{line['difference']:+.4f} [{line['low']:.4f}, {line['high']:.4f}]"


def _rank(line: Line) -> str:
    rank = f"{line['rank']:g} ({line['rank_low']:g}-{line['rank_high']:g})"
    return f"{'-' if isnan(line['rank']) else rank} {'=' if line['tied'] else ' '}"


def _percent(value: float) -> str:
    return "-" if isnan(value) else f"{100 * value:+.1f}"


def _procedure(values: Comparison) -> dict[str, str]:
    names = values.procedure
    return {"test": names.test, "correction": names.correction, "margin": str(names.margin)}


def _frame(values: Comparison) -> pd.DataFrame:
    """One line a row with all figures, and the procedure in every line."""
    lines = [line for block in values.blocks for line in block.lines]
    return pd.DataFrame(lines).assign(**_procedure(values))


def _tree(values: Comparison) -> dict[str, Any]:
    """All figures for JSON, with the notes."""
    test = values.test
    names = ("blocks", "chi2", "p", "f", "p_f")
    return {
        "metric": str(values.metric),
        "vs": values.vs,
        **_procedure(values),
        "alpha": values.procedure.alpha,
        "blocks": [
            {
                "dataset": block.dataset,
                "backbone": block.backbone,
                "rows": block.lines,
                "notes": block.notes,
            }
            for block in values.blocks
        ],
        "across": {
            "rows": values.across,
            "friedman": {name: getattr(test, name) for name in names}
            | {"critical_difference": test.critical}
            if test
            else None,
            "notes": values.across_notes,
        },
        "notes": values.notes,
    }


LAYOUTS: dict[str, Callable[[Comparison], str]] = {
    "text": lambda values: text(tables(values, against=True)),
    "md": lambda values: markdown(tables(values)),
    "latex": lambda values: latex(tables(values, against=True), _title(values)),
    "csv": lambda values: comma_separated(_frame(values)),
    "json": lambda values: as_json(_tree(values)),
}
