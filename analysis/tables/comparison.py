"""The comparison: every row against its baseline, with tests and ranks, and over all blocks.

Per data set and backbone the lines of `significance`, best first, references among them, and
footnotes that hold all a reviewer asks: what the test covers, what it could have found, and how
many seeds would be needed. Over the blocks mean ranks, with the Friedman test and Nemenyi's
critical difference from eight blocks on; below, the reason why there is none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from negbench.errors import NothingToReport
from negbench.evaluation.metric_names import Metric

from ..measures.budget import budget
from ..number_format import p_words
from ..runs import frames
from ..runs.baselines import several
from ..runs.frames import MetricLike, Run
from ..runs.notes import Note
from ..statistics.friedman import Friedman, friedman, mean_ranks
from ..statistics.margin import parse_margin
from ..statistics.significance import significance
from ..statistics.test_procedure import Procedure
from . import footnotes
from .baseline_phrases import against_in
from .budget_notes import mark
from .comparison_notes import LEGEND, of_test, power_sentences

Line = Mapping[str, Any]


@dataclass(frozen=True)
class ComparisonBlock:
    """One data set and backbone."""

    dataset: str
    backbone: str
    lines: tuple[Line, ...]
    """As `significance` gives them, by falling mean; `baseline` where there are several."""
    against: str
    """What the rows are compared with, in words."""
    notes: tuple[Note, ...]


@dataclass(frozen=True, eq=False)
class Comparison:
    """The whole comparison as values."""

    metric: Metric
    vs: str
    procedure: Procedure
    blocks: tuple[ComparisonBlock, ...]
    across: tuple[Line, ...]
    """Mean ranks over the blocks, best first: row, method, blocks, mean_rank, maybe tied."""
    test: Friedman | None
    across_notes: tuple[Note, ...]
    notes: tuple[Note, ...]


def comparison(
    run: Run,
    metric: MetricLike = None,
    *,
    vs: str = "random",
    test: str = "crossed",
    correction: str = "holm",
    margin: str | float | None = None,
) -> Comparison:
    """Compute the comparison; `comparison_text` lays it out.

    Raises NothingToReport if no method has every seed finished.
    """
    procedure = Procedure(test, correction, margin=parse_margin(margin))
    chosen = frames.choose_metric(run, metric)
    tests = significance(run, chosen, vs=vs, test=test, correction=correction, margin=margin)
    if tests.empty:
        raise NothingToReport(
            "a comparison needs a method with every seed finished; this run has none; run it to "
            "the end first"
        )
    own = several(vs, tests["baseline"])
    blocks = tuple(
        _block(run, str(where[0]), str(where[1]), block, vs, own)
        for where, block in tests.groupby(["dataset", "backbone"])
    )
    across, friedman_test, across_notes = _across(run, chosen, blocks, procedure.alpha)
    test_note = of_test(vs, chosen, tests, procedure)
    notes = (test_note, LEGEND, *footnotes.of_metric(run, chosen), *footnotes.of_damage(run))
    return Comparison(chosen, vs, procedure, blocks, across, friedman_test, across_notes, notes)


def _block(
    run: Run, dataset: str, backbone: str, tests: pd.DataFrame, vs: str, own: bool
) -> ComparisonBlock:
    """A block; `own` is whether the run's rows have baselines of their own."""
    spent = budget(run)
    here = spent[(spent["dataset"] == dataset) & (spent["backbone"] == backbone)]
    records = [{str(name): v for name, v in line.items()} for line in here.to_dict("records")]
    marks = {line["row"]: mark(line) for line in records}
    order = ["rank", "mean", "row"]
    ordered = tests.sort_values(order, ascending=[True, False, True], kind="stable")
    lines = [{str(name): v for name, v in line.items()} for line in ordered.to_dict("records")]
    for line in lines:
        if line["row"] == line["baseline"]:
            line["verdict"] = line["conclusion"] = "baseline"
        line["budget"] = marks.get(line["row"], "")
        if not own:
            del line["baseline"]
    notes, against = footnotes.of_block(run, dataset, backbone, "Means"), against_in(vs, tests)
    power = (Note("power", text) for text in power_sentences(lines, against))
    return ComparisonBlock(dataset, backbone, tuple(lines), against, (*notes, *power))


def _across(
    run: Run, metric: Metric, blocks: tuple[ComparisonBlock, ...], alpha: float
) -> tuple[tuple[Line, ...], Friedman | None, tuple[Note, ...]]:
    """Mean ranks over the blocks, the Friedman test if it is defined, and notes on both."""
    test: Friedman | None = None
    try:
        test = friedman(run, metric, alpha=alpha)
        ranked, verdict = test.ranks, friedman_sentence(test)
    except NothingToReport as refusal:
        ranked = mean_ranks(run, metric)
        verdict = f"No test over blocks: {refusal}."
        if len(blocks) < 2:
            return (), None, (Note("test", verdict),)
    lines = [{str(key): v for key, v in line.items()} for line in ranked.to_dict("records")]
    left = {line["row"] for block in blocks for line in block.lines} - set(ranked["row"])
    notes = []
    if left:
        names = ", ".join(sorted(left))
        notes.append(Note("gap", f"Left out, for not every block holds them: {names}."))
    return tuple(lines), test, (*notes, Note("test", verdict))


def friedman_sentence(test: Friedman) -> str:
    """The test in one sentence."""
    return (
        f"Friedman over {test.blocks} blocks: chi2 = {test.chi2:.2f}, {p_words(test.p)}; "
        f"Iman-Davenport F = {test.f:.2f}, {p_words(test.p_f)}; Nemenyi's critical difference of "
        f"mean ranks at {test.alpha}: {test.critical:.2f}; = within it of the first."
    )
