"""Notes of a comparison: what the test covers, what it could have found, and the seeds needed.

A difference that is not told apart is no proof of equality; the sentences on power say what the
number of seeds and of users at hand lets pass unseen.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import isinf, isnan
from typing import Any

import pandas as pd

from negbench.evaluation.metric_names import Metric

from ..number_format import counted, metric_label
from ..runs.notes import Note
from ..statistics.pairwise import MOST_SEEDS, POWER
from ..statistics.significance import NOT_APART, UNDECIDED
from ..statistics.test_procedure import ALPHA, USERS_ALONE, Procedure, design
from .baseline_phrases import MISSING, against_in, untested

Line = Mapping[str, Any]
LEGEND = Note(
    "legend",
    "diff.: difference of means and its 95 % interval; MDE: the least difference found with power "
    "0.8, before correction; both by t over users where the test is of ranks or signs. p: after "
    "correction, as the verdict goes by it; csv and json have it before that too.",
)


def of_test(vs: str, metric: Metric, tests: pd.DataFrame, procedure: Procedure) -> Note:
    """What the verdicts and the ties mean, from the lines of `significance`."""
    how = "; elsewhere ".join(procedure.words_for(tests))
    ties = (
        "rank, in brackets: the places that the tests of all pairs leave open, Holm-corrected; = "
        f"best, or not told apart from it by them (p >= {procedure.alpha}); references count."
    )
    if not (tests["verdict"] != "").any():
        text = f"No test against {vs}: {MISSING}. {ties[:1].upper()}{ties[1:]}"
        return Note("test", f"{text} Test: {how}.")
    base, beyond, within = against_in(vs, tests), "", ""
    if procedure.test == "wilcoxon":
        beyond = ", ranks and means pointing to one side"
    if procedure.margin.size:
        size = f"{procedure.margin}{f' of {base}' if procedure.margin.relative else ''}"
        beyond += f" and the 95 % interval lies wholly beyond the margin of {size}"
        within = (
            f"same: it lies within the margin, row by row, not corrected; {UNDECIDED}: neither; "
        )
    return Note(
        "test",
        f"better, worse than {base} in {metric_label(metric)}: {how}, {procedure.corrected} within "
        f"data set and backbone{_compared(tests)}, p < {procedure.alpha}{beyond}"
        f"{untested(vs, tests)}; {within}{ties}",
    )


def _compared(tests: pd.DataFrame) -> str:
    """How many comparisons with the baseline were corrected together, block by block."""
    counts = sorted(set(tests.groupby(["dataset", "backbone"])["p"].count()))
    most = counted(int(counts[-1]), "comparison")
    return f" ({most} each)" if len(counts) == 1 else f" ({counts[0]} to {most})"


def power_sentences(lines: Sequence[Line], base: str) -> Iterator[str]:
    """The sentences on the lines of one block, as `significance` gives them; `base` in words."""
    tested = [line for line in lines if line["conclusion"] not in ("", "baseline")]
    least = sorted(line["detectable"] for line in tested if not isnan(line["detectable"]))
    if not least:
        return
    seeds = design(int(tested[0]["n_seeds"]), int(tested[0]["n_splits"]))
    ends = dict.fromkeys((f"{least[0]:.4f}", f"{least[-1]:.4f}"))
    covers = tested[0]["covers"]
    unseen = (
        f"With {seeds}, differences to {base} under {' to '.join(ends)}, by row, go unseen more "
        f"than one time in five (power {POWER})"
    )
    if covers == USERS_ALONE:
        yield f"{unseen}, over users alone."
        if tested[0]["n_seeds"] == tested[0]["n_splits"] == 1:
            yield "One seed does not show how much seeds differ; run 5 or more (--seeds 5)."
        return
    yield f"{unseen}{_needed(tested)}."


def _needed(tested: Sequence[Line]) -> str:
    """The seeds, or splits, that would tell apart the widest difference of those that are not."""
    undecided = (line for line in tested if line["conclusion"] in (NOT_APART, UNDECIDED))
    open_lines = [line for line in undecided if not line["p_corrected"] < ALPHA]
    if not open_lines:
        return ""
    widest = max(open_lines, key=lambda line: abs(line["difference"]))
    what = f"; the largest not told apart, {widest['row']} ({widest['difference']:+.4f}),"
    needed, at_hand, what_more = widest["seeds_needed"], widest["n_seeds"], "seeds"
    if widest["n_splits"] > 1:
        at_hand, what_more = widest["n_splits"], "splits"
    if isnan(needed):
        return ""
    if isinf(needed):
        return f"{what} is out of reach of {MOST_SEEDS:,} {what_more}: it needs more users"
    if needed <= at_hand:
        return f"{what} is lost to the correction"
    return f"{what} would need {needed:.0f} {what_more} or more"
