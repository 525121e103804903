"""Phrases on rows that a sentence cannot do without: ties, budgets, and what a test covers.

A sentence that compares rows says in itself which of them cannot be told apart, which were still
rising when the budget ended, whether settings were searched, and that one seed covers users alone;
then it is true wherever it is quoted.
"""

from collections.abc import Sequence
from re import sub

from negbench.storage.training_end import STILL_RISING

from ..number_format import counted, listed
from ..runs.frames import REFERENCE
from ..runs.tuned_rows import protocols_in_words, trials_in_words
from .main_table_values import Row

NAMED = 4
"""How many rows a sentence names before it counts the others."""


UNTUNED = "; no row was tuned here"
"""A clause of every sentence that says which row is best: a tuned one might not be."""


def tuning(rows: Sequence[Row]) -> str:
    """The clause on how these rows were tuned; UNTUNED where none was."""
    searched = [row for row in rows if row.trials > 1]
    if not searched:
        return UNTUNED
    alone = sorted(row.label for row in rows if row.trials <= 1)
    who = f"every row but {named(alone)} (nothing to search)" if alone else "every row"
    protocols = dict.fromkeys(each for row in searched for each in row.protocols)
    return (
        f"; {who} was tuned: {trials_in_words([row.trials for row in searched])}, chosen on "
        f"validation ({protocols_in_words(list(protocols))})"
    )


def named(labels: Sequence[str], shown: int = NAMED, what: str = "row") -> str:
    """Some labels by name, the others as a count of `what`."""
    if len(labels) <= shown:
        return listed(labels)
    return listed([*labels[: shown - 1], counted(len(labels) - shown + 1, f"other {what}")])


def rising(rows: Sequence[Row]) -> str:
    """A clause on those of the compared rows whose budget ended too early; empty if none did."""
    capped = [row.label for row in rows if row.capped]
    trained = [row for row in rows if row.kind != REFERENCE]
    if not capped:
        return ""
    if len(capped) == len(trained) > 2:
        return f"; all methods were {STILL_RISING}"
    if len(capped) > NAMED:
        return f"; {len(capped)} of {len(trained)} methods were {STILL_RISING}"
    return f"; {listed(capped)} {'was' if len(capped) == 1 else 'were'} {STILL_RISING}"


def covered(seeds: bool) -> str:
    """A clause on a test that covers users alone; empty if it covers the seeds too."""
    return "" if seeds else " (tested over users alone)"


def said_once(sentences: Sequence[str]) -> list[str]:
    """Sentences that are read together: what the first says of all rows is cut from the others.

    These are the clauses of `covered`, of UNTUNED, and of `rising` where it is all methods.
    """
    if not sentences:
        return []
    first, *others = sentences
    cut = [clause for clause in (UNTUNED, covered(seeds=False)) if clause in first]
    every = f"all methods were {STILL_RISING}"
    for clause in cut:
        others = [each.replace(clause, "") for each in others]
    if every in first:
        some = rf"; [^;.():]* (?:was|were) {STILL_RISING}"
        others = [sub(some, "", each) for each in others]
    return [first, *others]
