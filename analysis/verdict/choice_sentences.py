"""Sentences on choices: what is chosen and on which counts, its price and risk, or why none is.

Each says in itself how the row was tuned, whether it was still rising, and on what false negatives
were counted; then it is true wherever it is quoted.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from math import isnan
from statistics import fmean

from negbench.storage.training_end import STILL_RISING

from ..measures import bands
from ..number_format import counted, metric_label, seconds
from ..runs.frames import REFERENCE
from ..tables.baseline_phrases import against
from ..tables.main_table_values import MainTable
from ..tables.row_phrases import NAMED, named
from .choice import Choice, Why
from .row_facts import RowFacts, marks
from .standings import BlockTests, Standing


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the sentences are made from: by band the tests of the blocks and the standings."""

    table: MainTable
    blocks: Mapping[str, Sequence[BlockTests]]
    standings: Mapping[str, Sequence[Standing]]
    facts: Mapping[str, RowFacts]

    @property
    def n_blocks(self) -> int:
        """The number of blocks."""
        return len(self.blocks[bands.TOTAL])

    @property
    def base(self) -> str:
        """What rows are compared with, in words."""
        blocks = self.blocks[bands.TOTAL]
        rows = [row for block in blocks for row in block.rows.values()]
        return against(self.table.vs, [(row.label, row.baseline) for row in rows])

    def reference(self, band: str) -> str:
        """The best reference, by name where it is the same in all blocks."""
        best = {block.best_reference for block in self.blocks[band]} - {""}
        return f"the best reference ({best.pop()})" if len(best) == 1 else "the best reference"

    def of(self, band: str, row: str) -> Standing:
        """The standing of a row."""
        return next(line for line in self.standings[band] if line.row == row)

    def marked(self, row: str) -> str:
        """A row with what a sentence must say of it."""
        return f"{row} {marks(self.facts[row])}"


def best_sentence(evidence: Evidence, band: str, choice: Choice) -> str:
    """The choice on all items or on a band, or why there is none."""
    where = "" if band == bands.TOTAL else f" for {band} items"
    where += f" by {metric_label(evidence.table.metric)}"
    if not choice.row:
        return f"No choice{where}: {_why_none(evidence, band, choice)}."
    line = evidence.of(band, choice.row)
    start = f"Choice{where}: "
    start += evidence.marked(choice.row)
    reference = choice.why == Why.NO_REFERENCE_BEATEN
    start += ", a reference" if reference else ""
    rank = _rank(line, len(evidence.standings[band])) if band == bands.TOTAL else ""
    others = [row for row in line.level if row not in choice.tied]
    end = "" if line.blocks == 1 else " in any block"
    end = f"; not told apart from it{end}: {named(others)}" if others else ""
    end += f"; {_none_above(evidence, band, choice)}" if reference else ""
    end += _rising(evidence, {*choice.tied, *others, *line.bases} - {choice.row})
    return f"{start}: {_counts(evidence, band, line)}{rank}{_tied(evidence, choice)}{end}."


def price_sentence(evidence: Evidence, choice: Choice) -> str:
    """Cost, bands and false negatives of the choice; empty where there is none, or all unknown."""
    if not choice.row:
        return ""
    facts, clauses = evidence.facts[choice.row], []
    if not isnan(facts.cost_factor) and facts.kind != REFERENCE:
        clauses.append(
            f"an epoch takes {seconds(facts.cost_factor)} times the seconds of {evidence.base}"
        )
    for band in evidence.standings:
        if band != bands.TOTAL and choice.row in {line.row for line in evidence.standings[band]}:
            line = evidence.of(band, choice.row)
            clauses.append(
                f"on {band} items {_times('a row is', line.blocks - line.unbeaten, line.blocks)}"
            )
    if not isnan(facts.fn_lift):
        which = "held-out positives" if facts.held_out_only else "false"
        of = ", a part of the true false negatives, so its share of these is a lower bound"
        clauses.append(
            f"its negatives were {which} {facts.fn_lift:.2f} times as often as uniform draws"
            f"{of if facts.held_out_only else ' (exact)'}"
        )
    if not clauses:
        return ""
    return f"Price and risk of {evidence.marked(choice.row)}: {'; '.join(clauses)}."


def cheap_sentence(evidence: Evidence, choice: Choice, best: Choice) -> str:
    """The cheapest row that is unbeaten in the most blocks, or why there is none."""
    n = counted(evidence.n_blocks, "block")
    if not choice.row:
        why = _WHY_NOT_CHEAP[choice.why]
        return f"No cheap choice: {why.format(n=n, half=_in_half(evidence), base=evidence.base)}."
    line, facts = evidence.of(bands.TOTAL, choice.row), evidence.facts[choice.row]
    beside = ""
    if best.row and best.row != choice.row:
        own = seconds(evidence.facts[best.row].seconds)
        beside = f" (the choice, {evidence.marked(best.row)}: {own})"
    many = 1 + len(choice.tied)
    kind = ", a reference" if facts.kind == REFERENCE else ""
    which = f"the least of {many} rows" if many > 1 else "the only row"
    known = 2 * sum(gain >= 0 for gain in line.base_gains) > line.blocks  # none without a baseline
    below = _not_below(evidence, line) if known else ""
    return (
        f"Cheap: {evidence.marked(choice.row)}{kind}: "
        f"{seconds(facts.seconds)} {facts.clock} s a run with evaluation, without any search"
        f"{beside}, {which} that no row is significantly above in {line.unbeaten} of {n}{below}."
    )


def _not_below(evidence: Evidence, line: Standing) -> str:
    """The clause that the cheap row is not below its baseline."""
    return f", {'in most' if line.blocks > 1 else 'and'} not below {evidence.base}"


_WHY_NOT_CHEAP = {
    Why.ALL_LEVEL: (
        "no two rows are told apart over users and seeds{half}, so nothing shows that a cheap row "
        "loses nothing"
    ),
    Why.NONE_PASSES: "every row has a row significantly above it{half}",
    Why.BELOW_BASE: (
        "every row that no row is significantly above is below {base}{half}, so nothing shows that "
        "a cheap row loses nothing"
    ),
    Why.NO_SECONDS: (
        "the seconds of a run are not known, or not of like machines, for every row that no row is "
        "above ({n})"
    ),
}


def _counts(evidence: Evidence, band: str, line: Standing, *, gains: bool = True) -> str:
    """In how many blocks no row is above it, and it is above its baseline and best reference."""
    pairs = []
    if set(line.bases) != {line.row}:
        pairs.append((evidence.base, line.above_base, line.base_gains))
    referenced = any(block.best_reference for block in evidence.blocks[band])
    if line.kind != REFERENCE and referenced:
        pairs.append((evidence.reference(band), line.above_reference, line.reference_gains))
    clauses = []
    for other, count, shares in pairs:
        start = "not " if line.blocks == 1 and not count else ""
        times = f" in {count} of {line.blocks}" if line.blocks > 1 else ""
        gain = _gain(shares, ends=band == bands.TOTAL) if gains else ""
        clauses.append(f"{start}significantly above {other}{times}{gain}")
    text = _times("no row is", line.unbeaten, line.blocks)
    text += f"; it is {' and '.join(clauses)}" if clauses else ""
    if line.kind != REFERENCE and not referenced:
        text += "; no reference was run, so it is not known to be above most_popular"
    return text


def _times(who: str, count: int, blocks: int) -> str:
    """`no row is significantly above it in 1 of 2 blocks`; of one block, whether it is so."""
    if blocks > 1:
        return f"{who} significantly above it in {count} of {blocks} blocks"
    if not count:
        who = {"no row is": "a row is", "a row is": "no row is"}[who]
    return f"{who} significantly above it"


def _in_half(evidence: Evidence) -> str:
    return f" in half or more of {evidence.n_blocks} blocks" if evidence.n_blocks > 1 else ""


def _in_most(blocks: int) -> str:
    return f" in more than half of {blocks} blocks" if blocks > 1 else ""


def _none_above(evidence: Evidence, band: str, choice: Choice) -> str:
    """No method is above the best reference, with the one that comes closest."""
    closest = evidence.of(band, choice.closest)
    n = closest.blocks
    count = f", in {closest.above_reference} of {n}" if n > 1 else ""
    return (
        f"no method is significantly above {evidence.reference(band)}{_in_most(n)}; the closest is "
        f"{evidence.marked(closest.row)}{count}"
    )


def _rank(line: Standing, rows: int) -> str:
    rank, low, high = (f"{x:.1f}" for x in (line.rank, line.rank_low, line.rank_high))
    word = "rank" if line.blocks == 1 else "mean rank"
    left = f" (the tests leave {low} to {high} open)" if low != high else ""
    return f"; {word} {rank} of {rows}{left}"


def _gain(gains: Sequence[float], *, ends: bool) -> str:
    """The mean gain over the blocks, and from the least to the most of a block."""
    if any(map(isnan, gains)):
        return ""
    if len(gains) == 1:
        return f" ({100 * gains[0]:+.1f} %)"
    low, high = (f"{100 * end:+.1f}" for end in (min(gains), max(gains)))
    return f" ({100 * fmean(gains):+.1f} % on average{f', {low} to {high}' if ends else ''})"


def _tied(evidence: Evidence, choice: Choice) -> str:
    """The rows that meet the rule as well, and by what the choice was made among them."""
    if not choice.tied:
        return ""
    also = f"; {named(choice.tied)} {'meets' if len(choice.tied) == 1 else 'meet'} the rule too"
    factors = {row: evidence.facts[row].cost_factor for row in (choice.row, *choice.tied)}
    if evidence.facts[choice.row].kind == REFERENCE or any(map(isnan, factors.values())):
        return also
    shown = [f"{row} {seconds(factor)}" for row, factor in list(factors.items())[:NAMED]]
    return f"{also}; the cheapest epoch is chosen ({', '.join(shown)} times {evidence.base})"


def _rising(evidence: Evidence, compared: Set[str]) -> str:
    """A clause on those of the rows compared with that were still rising."""
    capped = [row for row, facts in sorted(evidence.facts.items()) if facts.capped]
    rows = [row for row in capped if row in compared]
    verb = "was" if len(rows) == 1 else "were"
    return f"; {named(rows)} {verb} {STILL_RISING}" if rows else ""


def _why_none(evidence: Evidence, band: str, choice: Choice) -> str:
    n = counted(evidence.n_blocks, "block")
    if choice.why == Why.ONE_SEED:
        return f"one seed{_in_half(evidence)}, so another training may turn the order (--seeds 5)"
    if not choice.closest:
        return f"no method is held by all of {n}"
    if choice.why == Why.NO_REFERENCE_BEATEN:
        return f"{_none_above(evidence, band, choice)}; no reference meets the rule either"
    closest = evidence.of(band, choice.closest)
    counts = _counts(evidence, band, closest, gains=False)
    most = _in_most(evidence.n_blocks)
    return f"no method meets the rule{most}; the closest, {evidence.marked(closest.row)}: {counts}"
