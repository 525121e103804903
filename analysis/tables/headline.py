"""The headline of a block: whether any method is above the reference models.

A method that does not beat a list of the most popular items has shown nothing, so this is said
first, under the title of every main table, as the first sentence of every verdict, and on the
terminal when a run ends. "Above" means told to be so by the test that `statistics/told_apart.py`
makes of all pairs of the block, for the best rows were picked by looking.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

from negbench.evaluation.metric_names import Metric

from ..number_format import listed, metric_label, spread
from ..runs.frames import REFERENCE
from ..statistics.told_apart import ToldApart
from .main_table_values import Row
from .row_phrases import covered, named, rising, tuning

POPULAR = "most_popular"
"""The reference that every method is asked to beat."""
NO_REFERENCE = (
    "No reference was run, so whether any method is above most_popular is not known (--references "
    "most_popular,item_knn)."
)


def headline(metric: Metric, primary: int, rows: Sequence[Row], tests: ToldApart | None) -> str:
    """The sentence on the rows of a block."""
    known = _known(rows, primary)
    methods = [row for row in known if row.kind != REFERENCE]
    references = [row for row in known if row.kind == REFERENCE]
    if tests is None or not methods:
        if any(row.warm_up_only for row in rows):
            return "No method left its warm-up, so nothing can be said of any."
        return "No method has every seed finished, so nothing can be said yet."
    texts = _Sentences(metric_label(metric), primary, methods, references, tests)
    if tests.untested:
        return f"{texts.highest()}{texts.tuning()}."
    if not references:
        return f"{texts.best_row()}{texts.tuning()}. {NO_REFERENCE}"
    unbeaten = texts.unbeaten()
    first = texts.none_above(unbeaten) if unbeaten else texts.above_references()
    asked = any(row.method == POPULAR for row in references)
    return first if asked else f"{first} {POPULAR} was not run."


def best_row(metric: Metric, primary: int, rows: Sequence[Row], tests: ToldApart) -> str:
    """The row with the highest mean, references among them, and those not told apart from it."""
    known = _known(rows, primary)
    texts = _Sentences(metric_label(metric), primary, known, (), tests)
    return f"{texts.best_row()}{texts.tuning()}."


def _known(rows: Sequence[Row], primary: int) -> list[Row]:
    """The rows that compete, by falling mean."""
    known = [r for r in rows if not r.warm_up_only and not isnan(r.entries[primary].mean)]
    return sorted(known, key=lambda row: -row.entries[primary].mean)


@dataclass(frozen=True, eq=False)
class _Sentences:
    """The sentences on the finished rows of a block, each group by falling mean."""

    label: str
    primary: int
    methods: Sequence[Row]
    references: Sequence[Row]
    tests: ToldApart

    def unbeaten(self) -> list[Row]:
        """Of most_popular and the best reference, those that no method is significantly above."""
        asked = [row for row in self.references if row.method == POPULAR]
        asked += [row for row in self.references[:1] if row not in asked]
        return [row for row in asked if not self._above(row)]

    def none_above(self, unbeaten: Sequence[Row]) -> str:
        """No method beats these references."""
        best, *others = self.methods
        higher = any(self._mean(best) > self._mean(row) for row in unbeaten)
        level = self.tests.untold(best.label, [row.label for row in unbeaten])
        level = ["it"] if level and len(unbeaten) == 1 else level
        which = "the best method" if others else "the only one"
        return (
            f"No method is {'significantly ' if higher else ''}above {self._values(unbeaten)}; "
            f"{which}, {best.label}, has {self._mean(best):.4f}"
            f"{f' and is not told apart from {listed(level)}' if level else ''}"
            f"{covered(self.tests.covers_seeds)}{rising(self.methods)}{self.tuning()}."
        )

    def above_references(self) -> str:
        """The best row, and that it or another is above the references."""
        best, top = self.methods[0], self.references[0]
        value = f"{top.label} ({self._mean(top):.4f})"
        if self.tests.untold(best.label, [row.label for row in self.references]):
            rest = f"significantly above the best reference, {value}: "
            rest += named([row.label for row in self._above(top)])
        elif len(self.references) == 1:
            rest = f"it is significantly above the reference {value}"
        else:
            rest = f"it is significantly above every reference, the best of them {value}"
        return f"{self.best_row()}; {rest}{self.tuning()}."

    def tuning(self) -> str:
        """The clause on how all these rows were tuned."""
        return tuning([*self.methods, *self.references])

    def highest(self) -> str:
        """The highest mean where no test is possible, without a full stop."""
        rows = sorted([*self.methods, *self.references], key=lambda row: -self._mean(row))
        value = f"{self.label} {self._mean(rows[0]):.4f}"
        why = "nothing can be tested with fewer than two test users"
        return f"{rows[0].label} has the highest mean, {value}; {why}{rising(rows)}"

    def best_row(self) -> str:
        """The highest mean and the rows not told apart from it, without a full stop."""
        rows = sorted([*self.methods, *self.references], key=lambda row: -self._mean(row))
        best, *others = rows
        entry = best.entries[self.primary]
        value = f"{self.label} {spread(entry.mean, entry.std)}"
        if not others:
            return f"{best.label} is the only row that ranks: {value}{rising([best])}"
        ties = self.tests.untold(best.label, [row.label for row in others])
        level = (
            f"not told apart from {named(ties)}" if ties else "significantly above every other row"
        )
        clauses = f"{covered(self.tests.covers_seeds)}{rising(rows)}"
        return f"{best.label} ranks best: {value}, {level}{clauses}"

    def _above(self, reference: Row) -> list[Row]:
        return [row for row in self.methods if self.tests.side(row.label, reference.label) > 0]

    def _mean(self, row: Row) -> float:
        return row.entries[self.primary].mean

    def _values(self, references: Sequence[Row]) -> str:
        """The references with their values; the metric stands with the first."""
        texts = []
        for at, row in enumerate(references):
            name = row.label if row.method == POPULAR else f"the best reference, {row.label}"
            texts.append(f"{name} ({'' if at else f'{self.label} '}{self._mean(row):.4f})")
        return " or ".join(texts)
