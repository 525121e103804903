"""The searches of a run's folders as figures show them: blocks, styles, what is left out.

A block is a table of `negbench.analysis.tuning`: a data set, a backbone and one protocol, whose
rows compare.
"""

from collections.abc import Iterable, Mapping, Sequence
from weakref import WeakKeyDictionary

from negbench.errors import NothingToReport
from negbench.plugins.term_syntax import settings_apart, split

from ..number_format import counted, listed
from ..runs.frames import REFERENCE, Run
from ..runs.over_seeds import rows_of_run
from ..tuning.page import TuningBlock, TuningPage, tuning_page
from ._palette import Style, assign_styles
from ._style import nothing_to_plot

_PAGES: WeakKeyDictionary[Run, TuningPage] = WeakKeyDictionary()


def page_of_run(run: Run) -> TuningPage:
    """The tables of all searches in the folders of a run, read and computed once a run.

    Raises UserError for a damaged file, NothingToReport where there is no search.
    """
    if run not in _PAGES:
        _PAGES[run] = tuning_page(run.folders)
    return _PAGES[run]


def search_blocks(run: Run, kind: str) -> tuple[TuningBlock, ...]:
    """The blocks of all searches in the folders of a run.

    Raises NothingToReport if there is no search, and UserError for a damaged file.
    """
    try:
        return page_of_run(run).blocks
    except NothingToReport as error:
        remedy = "`negbench tune` makes them"
        raise nothing_to_plot(kind, "searches of settings", remedy) from error


def stem(kind: str, block: TuningBlock, blocks: Iterable[TuningBlock]) -> str:
    """The name of a block's plot, with its protocol where another one stands beside it."""
    names = [kind, block.dataset, block.backbone, *apart(block, blocks)]
    return "-".join(names)


def apart(block: TuningBlock, blocks: Iterable[TuningBlock]) -> list[str]:
    """What tells a block from others of its data set and backbone; empty where there is none."""
    where = (block.dataset, block.backbone)
    beside = [each for each in blocks if (each.dataset, each.backbone) == where]
    if len(beside) < 2:
        return []
    ranges = (line.searched.ranges_hash for line in block.lines if not line.reference)
    other = next(ranges, "") if len({each.hash for each in beside}) < len(beside) else ""
    return [block.hash, other] if other else [block.hash]


def place(block: TuningBlock) -> str:
    """Where its rows were searched, for a caption: the data set and the backbone."""
    on = "" if block.backbone == REFERENCE else f" with {block.backbone}"
    return f"{block.dataset}{on}"


def protocol(block: TuningBlock) -> str:
    """A sentence that names the protocol, and what is still to be run."""
    rows = [line.searched for line in block.lines]
    pending = sum(row.pending for row in rows)
    trials = counted(sum(len(row.trials) for row in rows), "trial")
    wait = f" {pending:,} of {trials} pending: this may change." if pending else ""
    return f"Protocol {block.hash}.{wait}"


def left_out(reasons: Mapping[str, str]) -> str:
    """A sentence that names the rows which a figure lacks, and why; `reasons` are by row."""
    rows: dict[str, list[str]] = {}
    for row, why in reasons.items():
        rows.setdefault(why, []).append(row)
    clauses = [f"{listed(names)} ({why})" for why, names in rows.items()]
    return f"Left out: {'; '.join(clauses)}." if clauses else ""


def search_styles(run: Run, blocks: Sequence[TuningBlock]) -> Mapping[str, Style]:
    """The style of every row of the run and of its searches, as in the run's other figures."""
    own = rows_of_run(run)[["row", "method", "kind"]].itertuples(index=False, name=None)
    keys = {row: (row, method, kind == REFERENCE) for row, method, kind in own}
    for line in (line for block in blocks for line in block.lines):
        row = line.searched.row
        keys.setdefault(row, (row, _method(row), line.reference))
    return assign_styles(keys.values())


def _method(row: str) -> str:
    """The names of a row's methods without their parameters: `popularity+dns`."""
    word, _ = settings_apart(row)
    return "+".join(piece.partition("(")[0].strip() for piece in split(word, "+"))
