"""How the rows of a run were tuned: from their cells, and from the search where it is at hand.

A cell knows its row's word, the hash of the search's protocol and how many trials its row had. The
rest (the metric, finalists, seeds) stands in the search file: in the run's own folder, in the one
that `--tuned` named when it was run, or in the package.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from negbench.errors import UserError
from negbench.plugins.row_terms import method_term
from negbench.plugins.term_syntax import parse, settings_apart, split
from negbench.storage import run_file, split_folders
from negbench.storage.search_store import EMBEDDED, Search, read_searches

from ..number_format import listed

if TYPE_CHECKING:
    from .frames import Run


@dataclass(frozen=True)
class Tuned:
    """How one row was tuned."""

    trials: int
    """How many settings were tried, at most; 1 where there was nothing to search."""
    protocols: tuple[str, ...]
    """Hash of the protocol of its search; several where the run is repeated over splits."""


UNTUNED = Tuned(0, ())
"""A row that no search was made for."""


def tuned_of(spec: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a cell keeps of the search that chose its settings; None where none did."""
    tuned = spec.get("tuned")
    return tuned if isinstance(tuned, Mapping) else None


def row_word(spec: Mapping[str, Any]) -> str:
    """A cell's row as it is typed; of a tuned one without the settings that its search chose."""
    tuned = tuned_of(spec)
    return str(tuned["row"]) if tuned and "row" in tuned else method_term(spec)


def row_variant(spec: Mapping[str, Any]) -> str:
    """The typed parameters of a row, those that a search chose left out."""
    if tuned_of(spec) is None:
        return str(spec["variant"])
    try:
        terms = [parse(term) for term in split(settings_apart(row_word(spec))[0], "+")]
    except UserError:  # a record of another version
        return ""
    return ";".join(term.variant for term in terms if term.values)


def tuned_rows(run: "Run") -> dict[tuple[str, str, str], Tuned]:
    """How each tuned row was tuned, by data set, backbone and label."""
    rows: dict[tuple[str, str, str], Tuned] = {}
    for cell, row in run.done:
        if tuned := tuned_of(cell.spec):
            key = (str(cell.spec["dataset"]), cell.backbone, row)
            before = rows.get(key, UNTUNED)
            protocols = dict.fromkeys((*before.protocols, str(tuned.get("protocol", ""))))
            trials = max(before.trials, int(tuned.get("trials", 0)))
            rows[key] = Tuned(trials, tuple(protocols))
    return rows


def search_at_hand(run: "Run", dataset: str, protocols: Sequence[str]) -> Search | None:
    """A search of this data set by one of these protocols, of any row; None if none is at hand."""
    here = (s for s in _searches(run) if s["dataset"] == dataset and s["hash"] in protocols)
    return next(here, None)


def _searches(run: "Run") -> Iterator[Search]:
    named = (each.get("tuned") for start in run.starts for each in run_file.experiments(start))
    folders = map(str, split_folders.expanded(run.folders))
    for source in dict.fromkeys([*folders, *(str(each) for each in named if each)]):
        if source == EMBEDDED or Path(source).is_dir():
            try:
                yield from read_searches(source)
            except UserError:  # a damaged search: the cells say what they know
                continue


def trials_in_words(trials: Sequence[int]) -> str:
    """`16 trials each`, or `8 to 16 trials each`, of the rows that had something to search."""
    many = sorted(n for n in trials if n > 1)
    least = f"{many[0]} to " if many[0] < many[-1] else ""
    return f"{least}{many[-1]} trials each"


def protocols_in_words(protocols: Sequence[str]) -> str:
    """`protocol 3f2a0b1c2d3e`, or several of them."""
    return f"{'protocol' if len(protocols) == 1 else 'protocols'} {listed(protocols)}"
