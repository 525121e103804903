"""The verdict of a run: sentences on its results, computed from the numbers alone.

First whether any method is above the references, then what the budget and the cells that are
pending leave open; who ranks best and is it real, for whom, at what false-negative rate, with what
popularity bias, at what cost. One list of sentences a data set and backbone; what was not measured
is not mentioned. Each sentence shall be true where it is quoted alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan

from negbench.storage.training_end import STILL_RISING

from ..number_format import counted, listed
from ..runs.frames import REFERENCE, Run
from ..runs.tuned_rows import trials_in_words
from ..statistics.significance import significance
from ..statistics.test_procedure import USERS_ALONE, design
from ..statistics.told_apart import ToldApart, told_apart
from ..tables.baseline_phrases import against_of, finished_row
from ..tables.headline import best_row
from ..tables.main_table_values import Block, MainTable, Row
from ..tables.pending_notes import pending
from ..tables.row_phrases import covered, named, rising, tuning
from . import by_group, sentences
from .inputs import RunInputs


@dataclass(frozen=True)
class Verdict:
    """The sentences on one data set and backbone."""

    dataset: str
    backbone: str
    sentences: tuple[str, ...]


def verdicts(run: Run, table: MainTable) -> list[Verdict]:
    """One verdict a block of the main table."""
    inputs = RunInputs.of(run, table.metric, table.vs)
    tests = told_apart(run, table.metric)
    texts_of_blocks = []
    for block in table.blocks:
        where = (block.dataset, block.backbone)
        texts = _sentences(run, table, block, inputs, tests.get(where))
        texts_of_blocks.append(Verdict(*where, tuple(filter(None, texts))))
    return texts_of_blocks


def _sentences(
    run: Run, table: MainTable, block: Block, inputs: RunInputs, tests: ToldApart | None
) -> list[str]:
    open_points = [_budgets(block), pending(run)]
    rows = [row for row in block.rows if not row.warm_up_only and not isnan(_mean(table, row))]
    methods = [row for row in rows if row.kind != REFERENCE]
    if not methods or tests is None or tests.untested:
        return [block.headline, *open_points]
    best, here = methods[0].label, inputs.at(block)
    everyone = best_row(table.metric, table.primary, rows, tests)
    return [
        block.headline,
        *open_points,
        "" if everyone.removesuffix(f"{tuning(rows)}.") in block.headline else everyone,
        _against_baseline(run, table, block, rows),
        *_against_references([row for row in rows if row.kind == REFERENCE], methods, tests),
        by_group.best_by_band(here),
        by_group.order_reversal(here, best),
        by_group.best_by_activity(here),
        sentences.false_negatives(here, best),
        sentences.popularity_bias(here, best),
        sentences.cost(here, best),
        _sample_size(run, table, block),
    ]


def _mean(table: MainTable, row: Row) -> float:
    return row.entries[table.primary].mean


def _budgets(block: Block) -> str:
    """Cells whose training came to no end, and rows that were not themselves."""
    capped, cells = (sum(n) for n in zip(*((r.capped, r.cells) for r in block.rows), strict=True))
    texts = []
    if capped:
        texts.append(
            f"{capped} of {counted(cells, 'cell')} {'was' if capped == 1 else 'were'} "
            f"{STILL_RISING}: with more epochs {'its row' if capped == 1 else 'their rows'} may "
            "rise and change places."
        )
    if warm := [row.label for row in block.rows if row.warm_up_only]:
        verb, own = ("was", "its") if len(warm) == 1 else ("were", "their")
        texts.append(
            f"{listed(warm)} {verb} warm-up only: {own} own phase never counted, so "
            f"{'it is' if len(warm) == 1 else 'they are'} ranked last and no sentence speaks of "
            f"{'it' if len(warm) == 1 else 'them'}."
        )
    return " ".join(texts)


def _against_baseline(run: Run, table: MainTable, block: Block, rows: list[Row]) -> str:
    """Which of the other methods are above their baseline, level with it, and below it."""
    labels = {row.baseline for row in rows}
    bases = {row.label: row for row in rows if row.label in labels}
    if not bases:
        return f"There is no {finished_row(table.vs, [block])} to compare with."
    rivals = [row for row in rows if row.label not in bases and row.kind != REFERENCE]
    if not rivals:
        return ""
    better, same, worse, untested = (
        [row for row in rivals if row.verdict == verdict]
        for verdict in ("better", "same", "worse", "")
    )
    many = counted(len(rivals), "other method")
    which = f"{len(better) or 'None'} of {many}"
    if len(rivals) == 1:
        which = f"The other method, {rivals[0].label}," if better else "The only other method"
    verb = "is not" if len(rivals) == 1 and not better else _is(better)
    sentence = f"{which} {verb} significantly above {against_of(table.vs, block)}"
    gains = {}
    for row in better:
        if (low := _mean(table, bases[row.baseline])) > 0:
            gains[row.label] = (_mean(table, row) - low) / low
    if gains:
        most = max(gains, key=lambda label: gains[label])
        sentence += f" ({most} by the most, {gains[most]:.1%})"
    for group, words in (
        (same, "not told apart from it"),
        (worse, "significantly below it"),
        (untested, "not tested"),
    ):
        if group:
            sentence += f"; {named([row.label for row in group])} {_is(group)} {words}"
    return f"{sentence}{_covered(run, table, block)}{rising([*bases.values(), *rivals])}."


def _is(rows: list[Row]) -> str:
    return "is" if len(rows) < 2 else "are"


def _covered(run: Run, table: MainTable, block: Block) -> str:
    tests = significance(run, table.metric, vs=table.vs)
    here = (tests["dataset"] == block.dataset) & (tests["backbone"] == block.backbone)
    return covered(bool((tests.loc[here, "covers"] != USERS_ALONE).all()))


def _against_references(
    references: list[Row], methods: list[Row], tests: ToldApart
) -> Iterator[str]:
    """A sentence on each reference; one on all of which the same is true."""
    labels: dict[str, list[str]] = {}
    for row in references:
        labels.setdefault(_against_reference(row, methods, tests), []).append(row.label)
    end = f"{covered(tests.covers_seeds)}{rising(methods)}."
    for clauses, those in labels.items():
        which = "each of the references" if len(those) > 1 else "the reference"
        yield f"Against {which} {listed(those)}: {clauses}{end}"


def _against_reference(reference: Row, methods: list[Row], tests: ToldApart) -> str:
    """Which methods are above a reference model, level with it, and below it, in clauses."""
    groups = {1: "significantly above", 0: "not told apart from", -1: "significantly below"}
    clauses = []
    for side, words in groups.items():
        rows = [row for row in methods if tests.side(row.label, reference.label) == side]
        if len(rows) == len(methods) > 1:
            everyone = f"all methods are {words}" if side else "no method is told apart from"
            clauses.append(f"{everyone} it")
        elif rows:
            clauses.append(f"{named([row.label for row in rows])} {_is(rows)} {words} it")
    return "; ".join(clauses)


def _sample_size(run: Run, table: MainTable, block: Block) -> str:
    tests = significance(run, table.metric, vs=table.vs)
    here = tests[(tests["dataset"] == block.dataset) & (tests["backbone"] == block.backbone)]
    users, seeds = int(here["n_users"].max()), int(here["n_seeds"].max())
    splits = int(here["n_splits"].max())
    if seeds < 2 and splits < 2:
        return (
            f"All of this rests on one seed and {counted(users, 'test user')}: it speaks of these "
            "trained models alone."
        )
    rest = f"{design(seeds, splits)}, {counted(users, 'test user')}"
    if trials := [row.trials for row in block.rows if row.trials > 1]:
        chosen = f"were chosen on validation among {trials_in_words(trials)}"
        return f"These comparisons rest on {rest} and settings that {chosen}."
    return f"These comparisons rest on {rest} and settings that were not tuned here."
