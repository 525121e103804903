"""Layouts of the tuning tables: text for a screen of 100 columns, Markdown, csv, LaTeX and JSON."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import nan
from pathlib import Path

from ..number_format import number, seconds
from ..runs.notes import Note
from ..tables.column_formats import signed_percent, two_digits
from ..tables.main_table_text import LABEL
from ..tables.render import as_json, comma_separated, markdown, require_format, text
from ..tables.table import Column, Record, Table, known, table_of
from .latex import latex
from .lines import Line, winner_text
from .long_form import long_form, tree
from .page import TuningBlock, TuningPage, tuning_page
from .protocol_notes import ANOVA, ONE_SEED, UNREAD

SCORES = (
    Column("Trials", "trials", description="settings tried, failed ones in brackets"),
    Column("Default", "default", number, "the published default's test score"),
    Column("E_N", "tuned", number, "test score of the trial that validation puts first"),
    Column("Gain", "gain", signed_percent, "E_N over the default"),
    Column(
        "n>random",
        "to_pass",
        description="the least n for which the best by validation of n of the row's trials is "
        "expected to score above E_N of `random` on test; never: not with all of its trials",
    ),
    Column(
        "Oracle setting",
        "setting_inflation",
        signed_percent,
        "the highest test score of a trial that ran to its end, over E_N: what choosing the "
        "setting on test shows",
    ),
    Column(
        "Oracle epoch",
        "epoch_inflation",
        signed_percent,
        "of the final trainings, the highest test score of any epoch over that of the epoch kept",
    ),
    Column("CPU min", "minutes", seconds, "CPU minutes of all trials"),
)
SETTINGS = (
    Column("Parameter", "parameter", align="<"),
    Column("Share", "share", lambda value: f"{100 * value:.0f} %"),
    Column("R2", "r2", two_digits),
    Column("Trials", "anova_trials", lambda value: f"{value:.0f}"),
    Column("Winner", "winner", align="<"),
)


def render(source: str | Path | Sequence[str | Path], *, format: str = "text") -> str:
    """The tuning tables of the searches in these run folders, as text, md, csv, latex or json.

    Raises UserError if the format is unknown or a file damaged, NothingToReport without searches.
    """
    require_format("a format of tuning tables", format, LAYOUTS)
    return LAYOUTS[format](tuning_page(source))


def tables(page: TuningPage) -> list[Table]:
    """Per block the scores, the settings and the notes; the legend last."""
    longest = max(len(each.searched.row) for block in page.blocks for each in block.lines)
    method = Column("Method", "row", align="<", width=max(min(LABEL, longest), 6))
    parts = []
    for block in page.blocks:
        title = f"{block.dataset} · {block.backbone}"
        scores = _table(f"{title}: {block.metric} on test, one seed", block, (method, *SCORES))
        chosen = _table(f"{title}: settings chosen on validation", block, (method, *SETTINGS))
        parts += [scores, chosen, Table(notes=block.notes)]
    return [*parts, Table(notes=(*legend(page), *page.notes))]


def _table(title: str, block: TuningBlock, columns: Sequence[Column]) -> Table:
    """A table without its empty columns; where only the first has any value, its title alone."""
    methods, references = map(list, (map(record, block.methods), map(record, block.references)))
    table = table_of(title, columns, methods, references)
    return Table(title) if table is None else replace(table, squeeze=True)


def record(line: Line) -> Record:
    """The values of a line by the fields of the columns."""
    effect = line.shares
    return {
        "row": line.searched.row,
        "trials": line.trials,
        "default": line.default,
        "tuned": line.tuned,
        "gain": line.gain_share,
        "to_pass": "" if line.to_pass is None else str(line.to_pass),
        "setting_inflation": line.setting_inflation,
        "epoch_inflation": line.epoch_inflation,
        "minutes": line.cpu_seconds / 60,
        "parameter": effect.first if effect else "",
        "share": effect.shares[effect.first] if effect else nan,
        "r2": effect.r2 if effect else nan,
        "anova_trials": effect.trials if effect else nan,
        "winner": winner_text(line),
    }


def legend(page: TuningPage) -> Iterator[Note]:
    """What the columns mean, of those that any block shows, and what no figure is."""
    lines = [each for block in page.blocks for each in block.lines]
    records = [record(each) for each in lines]
    shown = [column for column in SCORES if any(known(each, column) for each in records)]
    yield Note("legend", f"{'; '.join(f'{c.header}: {c.description}' for c in shown)}.")
    if any(each.shares for each in lines):
        yield ANOVA
    yield UNREAD
    yield ONE_SEED


LAYOUTS: dict[str, Callable[[TuningPage], str]] = {
    "text": lambda page: text(tables(page)),
    "md": lambda page: markdown(tables(page)),
    "csv": lambda page: comma_separated(long_form(page)),
    "latex": latex,
    "json": lambda page: as_json(tree(page)),
}
