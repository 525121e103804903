"""The comparison: is what a run shows real, row by row against one of them, and over all blocks?

Per data set and backbone the lines of `significance`, best first, and a footnote that holds all a
reviewer asks. Over the blocks mean ranks, with the Friedman test and Nemenyi's critical difference
from eight blocks on; below, the reason why there is none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from negbench.errors import NothingToReport
from negbench.evaluation.metric_names import Metric

from ..number_format import counted
from ..runs import frames
from ..runs.frames import Run
from ..statistics.friedman import Friedman, friedman, mean_ranks
from ..statistics.significance import significance
from ..statistics.test_procedure import Procedure
from . import footnotes

Line = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """One data set and backbone."""

    dataset: str
    backbone: str
    lines: tuple[Line, ...]
    """As `significance` gives them, by falling mean."""
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Comparison:
    """The whole comparison, ready to be laid out."""

    metric: Metric
    vs: str
    procedure: Procedure
    parts: tuple[Part, ...]
    across: tuple[Line, ...]
    """Mean ranks over the blocks, best first: row, method, blocks, mean_rank, maybe tied."""
    test: Friedman | None
    across_notes: tuple[str, ...]
    notes: tuple[str, ...]


def comparison(
    run: Run,
    metric: str | None = None,
    *,
    vs: str = "random",
    test: str = "paired-t",
    correction: str = "holm",
    seeds: str = "average",
) -> Comparison:
    """Gather the comparison; `comparison_layouts` lays it out."""
    procedure = Procedure(test, correction, seeds)
    chosen = frames.measure(run, metric)
    told = significance(
        run, f"{chosen[0]}@{chosen[1]}", vs=vs, test=test, correction=correction, seeds=seeds
    )
    if told.empty:
        raise NothingToReport(
            "a comparison needs a method with every seed finished; this run has none; run it to "
            "the end first"
        )
    parts = tuple(
        _part(run, str(where[0]), str(where[1]), block, vs)
        for where, block in told.groupby(["dataset", "backbone"])
    )
    across, found, across_notes = _across(run, chosen, parts, procedure)
    tested = bool((told["verdict"] != "").any())
    notes = (
        *footnotes.of_test(vs, chosen, tested, procedure, _compared(parts) if tested else ""),
        _READ,
        *footnotes.of_damage(run),
    )
    return Comparison(chosen, vs, procedure, parts, across, found, across_notes, notes)


_READ = (
    "d: mean difference over its standard deviation over users (d_z), with a 95 % bootstrap "
    "interval; w/t/l: users who win, tie and lose; rank: place in the block with a 95 % bootstrap "
    "interval over users and seeds."
)


def _part(run: Run, dataset: str, backbone: str, block: pd.DataFrame, vs: str) -> Part:
    ordered = block.sort_values(["mean", "row"], ascending=[False, True], kind="stable")
    lines = [{str(name): v for name, v in line.items()} for line in ordered.to_dict("records")]
    for line in lines:
        line["verdict"] = "baseline" if line["row"] == vs else line["verdict"]
    notes = (
        *footnotes.of_data(run, dataset),
        *footnotes.of_seeds(run, dataset, backbone, "Means"),
        *footnotes.of_settings(run, dataset, backbone),
        *footnotes.of_gaps(run, dataset, backbone),
        *footnotes.notes_of_data(run, dataset),
    )
    return Part(dataset, backbone, tuple(lines), notes)


def _compared(parts: tuple[Part, ...]) -> str:
    """How many comparisons with the baseline were corrected together, block by block."""
    counts = sorted({sum(line["p"] == line["p"] for line in part.lines) for part in parts})
    said = counted(counts[-1], "comparison")
    return f" ({said} each)" if len(counts) == 1 else f" ({counts[0]} to {said})"


def _across(
    run: Run, metric: Metric, parts: tuple[Part, ...], procedure: Procedure
) -> tuple[tuple[Line, ...], Friedman | None, tuple[str, ...]]:
    """Mean ranks over the blocks, the test where it may be had, and what is to be said of both."""
    name, by_seed = f"{metric[0]}@{metric[1]}", procedure.seeds == "blocks"
    test: Friedman | None = None
    try:
        test = friedman(run, name, alpha=procedure.alpha, by_seed=by_seed)
        ranked, verdict = test.ranks, said(test)
    except NothingToReport as refusal:
        ranked, verdict = mean_ranks(run, name, by_seed=by_seed), f"No test over blocks: {refusal}."
        if len(parts) < 2:
            return (), None, (verdict,)
    found = [{str(key): v for key, v in line.items()} for line in ranked.to_dict("records")]
    left = {line["row"] for part in parts for line in part.lines} - set(ranked["row"])
    notes = (
        [f"Left out, for not every block holds them: {', '.join(sorted(left))}."] if left else []
    )
    if by_seed:
        notes.append(
            "WARNING: a seed counts as a block; those of one data set are not independent."
        )
    return tuple(found), test, (*notes, verdict)


def said(test: Friedman) -> str:
    """The test in one sentence."""
    return (
        f"Friedman over {test.blocks} blocks: chi2 = {test.chi2:.2f}, {_p(test.p)}; "
        f"Iman-Davenport F = {test.f:.2f}, {_p(test.p_f)}; Nemenyi's critical difference of mean "
        f"ranks at {test.alpha}: {test.critical:.2f}; = within it of the first."
    )


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
