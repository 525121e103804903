"""The recommendation of a run: which row to choose over all its blocks, by rule and in words.

The best row overall, on the most and on the least popular items, and the cheapest that loses
nothing; none where the tests carry none (`choice.py`). Beside the choices stand what cannot be
concluded and the rule itself. `recommendation_text.py` lays it out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from negbench.errors import NothingToReport
from negbench.evaluation.metric_names import Metric

from ..measures import bands
from ..runs.frames import Run
from ..statistics.told_apart import Where
from ..tables.main_table_values import MainTable
from .choice import Choice, best_choice, cheap_choice
from .choice_sentences import Evidence, best_sentence, cheap_sentence, price_sentence
from .open_points import open_points
from .row_facts import RowFacts, row_facts
from .standings import Standing, blocks_on, common, standings

CHEAP = "cheap"
"""The purpose beside "all" items and the names of the bands."""
RULE = (
    "Rule: chosen is a method that no row is significantly above in more than half of the blocks, "
    "and that is significantly above its baseline and the best reference in more than half; of "
    "several the one unbeaten in most, then the cheapest epoch. Significant: p < 0.05, Holm over "
    "all pairs of a block, users and seeds (or splits) as samples. Not told apart is not the same."
)


@dataclass(frozen=True)
class Advice:
    """The choice for one purpose: "all" items, a band of items, or "cheap"."""

    purpose: str
    choice: Choice
    sentences: tuple[str, ...]
    """Each is true where it is quoted alone."""


@dataclass(frozen=True, eq=False)
class Recommendation:
    """The choices of a run, the standings that they follow from, and what stays open."""

    metric: Metric
    vs: str
    blocks: tuple[Where, ...]
    advices: tuple[Advice, ...]
    standings: Mapping[str, tuple[Standing, ...]]
    """By band, "all" first: the rows that every block holds, the best mean rank first."""
    facts: Mapping[str, RowFacts]
    """What each of these rows costs and risks, by label."""
    open_points: tuple[str, ...]
    """What cannot be concluded, one sentence each."""
    rule: str = RULE

    @property
    def choice(self) -> Choice:
        """The choice on all items."""
        return self.advices[0].choice

    @property
    def sentences(self) -> tuple[str, ...]:
        """The page in sentences: the choices, then what cannot be concluded."""
        advices = (sentence for advice in self.advices for sentence in advice.sentences)
        return (*advices, *self.open_points)

    @property
    def summary(self) -> tuple[str, ...]:
        """What stands on top of a comparison: the choice on all items and what stays open."""
        return (self.advices[0].sentences[0], *self.open_points)


def recommendation(run: Run, table: MainTable) -> Recommendation:
    """The recommendation of a run, from its main table: that of `main_table(run, metric, vs)`.

    Metric, baseline and bands are those of the table. Of the result `sentences` is the whole page
    and `summary` its first lines, both tuples of text. Raises NothingToReport if no block has a
    method with every seed finished.
    """
    everywhere = blocks_on(run, table, bands.TOTAL)
    if not everywhere:
        raise NothingToReport(
            "a recommendation needs a method with every seed finished; this run has none; run it "
            "to the end first"
        )
    names = [column.band for column in table.columns if column.metric == table.metric]
    ends = list(dict.fromkeys((names[1], names[-1]))) if len(names) > 2 else []
    by_band = {band: blocks_on(run, table, band) for band in (bands.TOTAL, *ends)}
    lines = {band: tuple(standings(blocks)) for band, blocks in by_band.items()}
    facts = row_facts(run, table, everywhere, common(everywhere))
    evidence = Evidence(table, by_band, lines, facts)
    choices = {band: _best(evidence, band) for band in by_band}
    advices = [
        Advice(band, choice, tuple(_of_band(evidence, band, choice)))
        for band, choice in choices.items()
    ]
    cheap = _cheap(evidence)
    advices.append(Advice(CHEAP, cheap, (cheap_sentence(evidence, cheap, choices[bands.TOTAL]),)))
    return Recommendation(
        table.metric,
        table.vs,
        tuple(block.where for block in everywhere),
        tuple(advices),
        lines,
        facts,
        tuple(open_points(run, table, everywhere)),
    )


def _best(evidence: Evidence, band: str) -> Choice:
    blocks = evidence.blocks[band]
    return best_choice(
        evidence.standings[band],
        {row: facts.cost_factor for row, facts in evidence.facts.items()},
        covered=sum(block.covers_seeds for block in blocks),
        referenced=sum(bool(block.best_reference) for block in blocks),
    )


def _cheap(evidence: Evidence) -> Choice:
    return cheap_choice(
        evidence.standings[bands.TOTAL],
        {row: facts.seconds for row, facts in evidence.facts.items()},
        telling=sum(block.tells for block in evidence.blocks[bands.TOTAL]),
    )


def _of_band(evidence: Evidence, band: str, choice: Choice) -> list[str]:
    sentences = [best_sentence(evidence, band, choice)]
    if band == bands.TOTAL and (price := price_sentence(evidence, choice)):
        sentences.append(price)
    return sentences
