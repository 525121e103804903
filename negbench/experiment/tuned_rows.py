"""`--tuned SOURCE`: each row takes the settings that won its search, and the search's budget.

A search chose on the validation part of one split of one data set. On another split its settings
were chosen on pairs that may be test pairs there, so such a run is refused; so are a budget that is
not the search's, and rows of one data set that were tuned by different protocols: with more trials,
or over a wider space, a row may win by that alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from shlex import quote
from typing import Any, NoReturn

from negbench.errors import UserError
from negbench.experiment.cell.spec import CellSpec, PlannedCell, Tuned
from negbench.experiment.tuned_row_names import Key, key_of_cell, key_of_search
from negbench.plugins import registry
from negbench.plugins.term_syntax import parse, split
from negbench.scenario.ranking_protocol import in_words
from negbench.scenario.scenario import Scenario
from negbench.storage import cell_code
from negbench.storage.search_store import EMBEDDED, FOLDER, Search, read_searches, search_mark
from negbench.storage.split_folders import split_folders
from negbench.training.config import DEFAULT_OPTIMISER

NAMED = 12
"""How many rows a message names before it counts the others."""
SEARCHED = ("lr", "l2")
"""Training settings that a search chooses for each row, unless they were typed."""
Pair = tuple[CellSpec, Scenario]


@dataclass(frozen=True)
class Winner:
    """The settings that won the search of a row."""

    word: str
    """The method or reference with these settings, as it is typed."""
    budget: Mapping[str, Any]
    """The training budget of the search."""
    tuned: Tuned


@dataclass(frozen=True)
class TunedRows:
    """The searches of a source."""

    source: str
    searches: tuple[Search, ...]

    @classmethod
    def read(cls, source: str) -> "TunedRows":
        """Read a folder of `negbench tune`, or the searches that are embedded.

        Raises UserError if there is none, or one that is damaged.
        """
        searches = read_searches(source)
        if not searches:
            there = source == EMBEDDED or Path(source).is_dir()
            parts = split_folders(Path(source))
            remedy = (
                f"give one of its splits, as {parts[0]}" if parts else "negbench tune makes one"
            )
            raise UserError(
                f"--tuned must be `{EMBEDDED}`, or a folder that holds searches in {FOLDER}/; "
                f"{source} {'holds none' if there else 'is not there'}; {remedy}"
            )
        return cls(source, searches)

    @cached_property
    def _by_key(self) -> Mapping[Key, Sequence[Search]]:
        rows: dict[Key, list[Search]] = {}
        for search in self.searches:
            rows.setdefault(key_of_search(search), []).append(search)
        return rows

    def winners(self, pairs: Sequence[Pair], typed: Mapping[str, Any]) -> list[Winner]:
        """The winner of each cell's row; `typed` is the budget as far as it was typed.

        Raises UserError for a row without a winner, for settings or a budget that are not the
        search's, for other data or another split, for an edited plug-in, and for rows of different
        protocols.
        """
        keys = [key_of_cell(*pair) for pair in pairs]
        rows = {key: pair for key, pair in zip(keys, pairs, strict=True)}
        chosen = {key: self._search(key, *pair) for key, pair in rows.items()}
        if missing := [key for key, search in chosen.items() if search is None]:
            raise UserError(self._without_winner(missing, rows[missing[0]][0]))
        searches = {key: search for key, search in chosen.items() if search is not None}
        self._require_one_protocol(searches)
        for search in searches.values():
            self._require_its_budget(search, typed)
        winners = {key: _winner(search) for key, search in searches.items()}
        return [winners[key] for key in keys]

    def _search(self, key: Key, spec: CellSpec, scenario: Scenario) -> Search | None:
        """The search of a row that has a winner, on this split; None where there is none."""
        here = self._by_key.get(key, ())
        if spec.settings and not here:
            raise UserError(
                "with --tuned the settings behind an @ are the search's; got "
                f"{spec.method}{spec.settings}; leave them out"
            )
        decided = [each for each in here if _chosen(each) is not None]
        alike = [each for each in decided if not _differences(each["protocol"], spec, scenario)]
        if decided and not alike:
            differ = _differences(decided[0]["protocol"], spec, scenario)
            now = ", ".join(f"{name} {value}" for name, (value, _) in differ.items())
            then = ", ".join(f"{name} {value}" for name, (_, value) in differ.items())
            raise UserError(
                "with --tuned data, split and ranking must be those of the search, for its "
                f"validation part may hold test pairs of another; {key.dataset} has {now} here, "
                f"and the search of {key.row} in {self.source} had {then}; give the options that "
                "it was tuned with (as --split, --exclude, --mask), or tune again"
            )
        if len(alike) > 1:
            self._refuse("protocol", "hash", (key, alike[0]), (key, alike[1]))
        if alike:
            self._require_its_code(alike[0], spec)
        return alike[0] if alike else None

    def _require_its_code(self, search: Search, spec: CellSpec) -> None:
        terms = [parse(term).name for term in split(spec.method, "+")]
        names = {"backbone": spec.backbone_term.name, "method": "+".join(terms)}
        own = [(f, name) for f in cell_code.MEASURES for name in registry.added(f)]
        for key in [*cell_code.named(names), *own]:
            now, then = registry.code(*key), cell_code.hashes(search, key[0]).get(key[1])
            if then not in (None, now):  # built-ins, and older searches, have none
                name = cell_code.in_words(key)
                raise UserError(
                    "with --tuned the code of a plug-in must be that of the search; that of "
                    f"{name} changed since {self.source} was tuned; tune again"
                )

    def _without_winner(self, missing: Sequence[Key], spec: CellSpec) -> str:
        """One sentence on the rows of the first data set and backbone that have none."""
        first = missing[0]
        rows = [key.row for key in missing if key.block == first.block]
        decided = (key for key, each in self._by_key.items() if any(map(_chosen, each)))
        there = [key.row for key in decided if key.block == first.block]
        option = ["--references"] if spec.is_reference else ["-b", spec.backbone, "-m"]
        out = [] if self.source == EMBEDDED else ["-o", _short(self.source)]
        tune = ["negbench", "tune", "-d", spec.dataset, *option, ",".join(rows), *out]
        where = "as references" if spec.is_reference else f"with {first.backbone}"
        it = "it" if len(rows) == 1 else "them"
        how = (
            "too, with the options of that search"
            if first.dataset in {k.dataset for k in self._by_key}
            else "first"
        )
        return (
            f"--tuned must hold a winner for every row; {self.source} has none for {_named(rows)} "
            f"on {first.dataset} {where}, where it holds {_named(there) or 'nothing'}; leave "
            f"{it} out, or tune {it} {how}: {' '.join(map(quote, tune))}"
        )

    def _require_one_protocol(self, searches: Mapping[Key, Search]) -> None:
        """One protocol in a data set, one space in a block of it, and one budget in the run."""
        first: dict[str, tuple[Key, Search]] = {}
        blocks: dict[tuple[str, str], tuple[Key, Search]] = {}
        for key, search in searches.items():
            before = first.setdefault(key.dataset, (key, search))
            if before[1]["hash"] != search["hash"]:
                self._refuse("protocol", "hash", before, (key, search))
            before = blocks.setdefault(key.block, (key, search))
            if before[1]["ranges_hash"] != search["ranges_hash"]:
                self._refuse("space", "ranges_hash", before, (key, search))
        (one, usual), *others = [(key, budget_of(each)) for key, each in first.values()]
        for key, budget in others:
            if budget != usual:
                name = next(n for n in {**usual, **budget} if usual.get(n) != budget.get(n))
                raise UserError(
                    f"the rows of one run must have one budget; in {self.source} the searches on "
                    f"{one.dataset} had {name} {usual.get(name)} and those on {key.dataset} "
                    f"{budget.get(name)}; run the data sets apart"
                )

    def _refuse(
        self, word: str, field: str, one: tuple[Key, Search], other: tuple[Key, Search]
    ) -> NoReturn:
        raise UserError(
            f"rows of a data set must be tuned by one {word} to be compared; in {self.source} "
            f"{one[0].row} was tuned by {one[1][field]} and {other[0].row} by {other[1][field]} on "
            f"{one[0].dataset}; give a folder that holds one search, or run them apart"
        )

    def _require_its_budget(self, search: Search, typed: Mapping[str, Any]) -> None:
        budget = budget_of(search)
        for name, value in typed.items():
            if budget.get(name) == value:
                continue
            own = f"had {budget[name]}" if name in budget else "left it to the backbone"
            own = "chose it for each row" if name in SEARCHED and name not in budget else own
            raise UserError(
                "with --tuned the training budget is the search's; got "
                f"--{name.replace('_', '-')} {value}, and the search of {search['row']} in "
                f"{self.source} {own}; leave it out, or tune again"
            )


def budget_of(search: Search) -> dict[str, Any]:
    """The training budget of a search, as far as it was set; a usual optimiser is not in it."""
    protocol = search["protocol"]
    usual = {"optimiser": DEFAULT_OPTIMISER}
    given = {**usual, **protocol["budget"], "select": protocol["select"]}
    return {name: value for name, value in given.items() if value is not None}


def summary(cells: Iterable[PlannedCell], source: str) -> str:
    """How the rows of a plan are tuned, in a few words; empty where they are not."""
    tuned = [each.spec.tuned for each in cells if each.spec.tuned is not None]
    if not tuned:
        return ""
    protocols = list(dict.fromkeys(each.protocol for each in tuned))
    word = "protocol" if len(protocols) == 1 else "protocols"
    where = source if source == EMBEDDED else f"from {_short(source)}"
    return (
        f"rows tuned: {trials_words([t.trials for t in tuned])}, {where}, {word} "
        + " and ".join(protocols)
    )


def trials_words(trials: Sequence[int]) -> str:
    """How many trials each row had; rows with one had nothing to search."""
    many = sorted({n for n in trials if n > 1}) or [1]
    least, most = many[0], many[-1]
    each = f"{most} {'trial' if most == 1 else 'trials'} each"
    each = each if least == most else f"{least} to {each}"
    return f"{each}, 1 where nothing is searched" if 1 in trials and most > 1 else each


def _chosen(search: Search) -> Mapping[str, Any] | None:
    """The winning trial; where nothing was searched its one trial, once it is done."""
    if search["winner"] is not None:
        return dict(search["winner"])
    trials = search["trials"]
    alone = not search["space"] and len(trials) == 1 and trials[0].get("status") == "done"
    return dict(trials[0]) if alone else None


def _winner(search: Search) -> Winner:
    chosen = _chosen(search) or {}  # only searches that have one come here
    return Winner(str(chosen["word"]), budget_of(search), Tuned(**search_mark(search)))


def _differences(
    protocol: Mapping[str, Any], spec: CellSpec, scenario: Scenario
) -> dict[str, tuple[Any, Any]]:
    """In what data, split and ranking differ from the search's: each as it is and as it was."""
    parts = scenario.split
    pairs = {
        "data": (scenario.interactions.checksum, protocol.get("data")),
        "split": (
            f"{parts.rule} ({parts.hash})",
            f"{protocol.get('split')} ({protocol.get('split_hash')})",
        ),
        "exclude": (scenario.exclude, protocol.get("exclude")),
        "ranking": (in_words(vars(spec)), in_words(protocol)),
    }
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _named(rows: Sequence[str]) -> str:
    if len(rows) <= NAMED:
        return ", ".join(rows)
    return f"{', '.join(rows[:NAMED])} and {len(rows) - NAMED} more"


def _short(source: str) -> str:
    """A folder from where the command runs, if it lies below."""
    try:
        return str(Path(source).relative_to(Path.cwd()))
    except ValueError:
        return source
