"""What the table for a paper says of itself: a short caption, and the protocol under the table.

The caption holds what a number may not be quoted without: the mean over what, the marks, the test,
whether rows were tuned, which rows are not shown. The protocol is that of the main table's notes,
each sentence once with the blocks that it is about; sizes, bands, versions of the code and notes on
the data stand in the appendix, but for warnings.
"""

from collections.abc import Iterator, Mapping, Sequence

from ..number_format import counted, listed
from ..runs.frames import Run
from ..runs.notes import Note
from ..runs.tuned_rows import tuned_rows
from ..statistics.test_procedure import DEFAULT
from . import footnotes
from .baseline_phrases import MISSING, against_in, untested
from .blocks import Where
from .budget_notes import BEFORE_PHASE
from .latex_notes import in_latex, stays, superscript
from .latex_text import escaped
from .paper_names import Names
from .paper_table import BETTER, LEVEL, WORSE, PaperTable
from .row_phrases import named

SETS = 4
"""How many data sets a caption names before it counts them."""


def caption(run: Run, table: PaperTable, names: Names, *, spread: bool) -> list[str]:
    """The sentences of the caption, in LaTeX; the first stands in the list of tables."""
    means = "Mean ± standard deviation" if spread else "Mean"
    seeds = {
        where: [in_latex(note) for note in footnotes.of_seeds(run, *where, means)]
        for where in table.blocks
    }
    return [
        _title(table, names),
        *merged(seeds, names),
        "Bold: best of the rows shown; underlined: second best.",
        *_test(table, names),
        *_tuning(run, table),
        *_left_out(table, names),
    ]


def below(run: Run, table: PaperTable, names: Names) -> list[str]:
    """The sentences under the table, in LaTeX."""
    bands = any(metric.band != "all" for metric in table.metrics)
    kept = {
        where: [in_latex(note) for note in footnotes.of_block(run, *where) if _shown(note, bands)]
        for where in table.blocks
    }
    of_run = [
        in_latex(note)
        for metric in table.metrics
        for note in (*footnotes.of_metric(run, metric.metric), *footnotes.of_damage(run))
    ]
    labels = [row.label for row in table.rows]
    pairs = [f"{names.latex(word)} is {escaped(word)}" for word in names.renamed(labels)]
    typed = [f"Rows as they are typed: {', '.join(pairs)}."] if pairs else []
    return [*_families(table, names), *merged(kept, names), *dict.fromkeys(of_run), *typed]


def merged(texts: Mapping[Where, Sequence[str]], names: Names) -> list[str]:
    """Each sentence of LaTeX once, behind the blocks that it is about if not about all."""
    about: dict[str, list[Where]] = {}
    for where, sentences in texts.items():
        for text in dict.fromkeys(sentences):
            about.setdefault(text, []).append(where)
    lines: dict[str, list[str]] = {}
    for text, blocks in about.items():
        scope = "" if len(blocks) == len(texts) else _scope(blocks, list(texts), names)
        lines.setdefault(scope, []).append(text)
    return [
        f"{f'{scope}: ' if scope else ''}{' '.join(sentences)}"
        for scope, sentences in lines.items()
    ]


def _scope(blocks: Sequence[Where], every: Sequence[Where], names: Names) -> str:
    """The blocks by name; a data set alone where all its backbones are meant."""
    words = []
    for dataset in dict.fromkeys(dataset for dataset, _ in blocks):
        mine = [where for where in every if where[0] == dataset]
        if set(mine) <= set(blocks):
            words.append(names.latex(dataset))
        else:
            words += [
                f"{names.latex(dataset)} with {names.latex(backbone)}"
                for where, backbone in blocks
                if where == dataset
            ]
    return listed(words)


def _shown(note: Note, bands: bool) -> bool:
    """Whether a note stands under the table; seeds stand in the caption."""
    return note.kind != "seeds" and (stays(note) or (bands and note.kind == "bands"))


def _title(table: PaperTable, names: Names) -> str:
    metrics = [names.latex(metric.name, metric.full_header) for metric in table.metrics]
    sets, backbones = (list(dict.fromkeys(words)) for words in zip(*table.blocks, strict=True))
    where = listed([names.latex(name) for name in sets])
    where = where if len(sets) <= SETS else counted(len(sets), "data set")
    references = sum(row.reference for row in table.rows)
    rows = [counted(len(table.rows) - references, "method")] if len(table.rows) > references else []
    rows += [counted(references, "reference")] if references else []
    alone = f", {names.latex(backbones[0])}" if len(backbones) == 1 else ""
    return f"{listed(metrics)} of {listed(rows)} on {where}{alone}."


def _test(table: PaperTable, names: Names) -> Iterator[str]:
    """What the marks of the tests mean, or why there is none."""
    tests = table.tests
    if _untestable(table):
        yield "No test: one test user does not show how much users differ."
        return
    base = names.latex(against_in(table.vs, tests))
    how = escaped("; elsewhere ".join(DEFAULT.words_for(tests)) or DEFAULT.tested)
    how = f"{how}, {escaped(DEFAULT.corrected)}, $p < {DEFAULT.alpha}$"
    level = f"{superscript(LEVEL)} not told apart from the best shown"
    if not (tests["verdict"] != "").any():
        yield f"No test against {base}: {MISSING}."
        yield f"{level}: {how}."
        return
    yield f"{superscript(BETTER)} better, {superscript(WORSE)} worse than {base}, {level}: {how}."


def _families(table: PaperTable, names: Names) -> Iterator[str]:
    """What is bold, and which comparisons were corrected together."""
    clauses = ["references count"] if any(row.reference for row in table.rows) else []
    if BEFORE_PHASE in table.marks:
        clauses.append(f"rows that never left their warm-up ({superscript(BEFORE_PHASE)}) do not")
    yield f"{'; '.join(['Bold and underlined go by the mean, tested or not', *clauses])}."
    if _untestable(table):
        return
    base = names.latex(against_in(table.vs, table.tests))
    yield (
        f"Corrected together: comparisons with {base} within data set, backbone and metric"
        f"{escaped(untested(table.vs, table.tests))}; with the best over all pairs of rows that "
        "were run."
    )
    if any(metric.band != "all" for metric in table.metrics):
        yield f"Values by band are not tested against {base}."


def _untestable(table: PaperTable) -> bool:
    return bool(len(table.tests)) and bool((table.tests["n_users"] < 2).all())


def _tuning(run: Run, table: PaperTable) -> Iterator[str]:
    """That no row was tuned, where it is so; how rows were tuned stands under the table."""
    sets = {dataset for dataset, _ in table.blocks}
    if not any(key[0] in sets and tuned.trials > 1 for key, tuned in tuned_rows(run).items()):
        yield "No row was tuned here."


def _left_out(table: PaperTable, names: Names) -> Iterator[str]:
    """How many rows are not shown, and whether one of them is higher than what is bold."""
    if not table.left_out:
        return
    rows = named([names.latex(label) for label in table.left_out])
    of = counted(len(table.columns), "column")
    higher = (
        f"in {table.higher} of {of} one of them is higher than the bold one"
        if table.higher
        else "none of them is higher than a bold one"
    )
    yield f"Not shown, of the rows that were run: {rows}; {higher}."
