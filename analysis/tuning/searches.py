"""The searches of run folders as values: rows, their trials and the ranges that were searched."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import nan
from pathlib import Path
from typing import Any

from negbench.errors import NothingToReport
from negbench.plugins import search_range
from negbench.storage import split_folders
from negbench.storage.search_store import Search, read_searches

REFERENCE = "reference"
"""The backbone of the searches of reference models."""
NAN = nan


@dataclass(frozen=True)
class Trial:
    """One setting that was tried; a number that is not known is NaN."""

    place: int
    """0 is the published default."""
    word: str
    settings: Mapping[str, Any]
    status: str
    """done, failed, pending, or cut: stopped early by successive halving."""
    valid: float = NAN
    """The metric of selection on the valid part."""
    test: float = NAN
    """The same on the test part: for curves and oracles, never for selection."""
    cpu_seconds: float = NAN
    seconds: float = NAN
    dots: float = NAN
    cell: str = ""

    @property
    def done(self) -> bool:
        """Whether it was trained to its end and has a value to select by."""
        return self.status == "done" and self.valid == self.valid

    @property
    def failed(self) -> bool:
        """Whether it failed or diverged: it counts as a trial, in the last place."""
        return self.status == "failed" or (self.status == "done" and not self.done)


@dataclass(frozen=True)
class Range:
    """A searched parameter with its range."""

    owner: str
    """training, backbone, method or reference."""
    name: str
    kind: str
    values: tuple[Any, ...]
    zero: float = 0.0

    @property
    def text(self) -> str:
        """The range in words: `log [0.0001, 0.1]`, `{2, 4, 8}`."""
        return search_range.in_words(self.kind, self.values, self.zero)

    def place(self, value: Any) -> float | None:
        """Where a value lies in the range, from 0 to 1; None for an entry of a list."""
        return search_range.place(self.kind, self.values, value, self.zero)

    def at_edge(self, value: Any) -> bool:
        """Whether a value lies in the outer tenth of the range, or is an end of its list."""
        return search_range.at_edge(self.kind, self.values, value, self.zero)


@dataclass(frozen=True)
class Searched:
    """The search of one row: a method or reference on a data set and backbone."""

    search: Search
    folder: Path | None = field(default=None, compare=False)
    """The run folder it was read from; None where it was read from none."""

    @property
    def dataset(self) -> str:
        """The data set."""
        return str(self.search["dataset"])

    @property
    def backbone(self) -> str:
        """The backbone as it was typed, or "reference"."""
        return str(self.search["backbone"])

    @property
    def row(self) -> str:
        """The method or reference as it was typed."""
        return str(self.search["row"])

    @property
    def hash(self) -> str:
        """The hash of the protocol; rows of different ones do not compare."""
        return str(self.search["hash"])

    @property
    def ranges_hash(self) -> str:
        """The hash of the ranges that all methods of a backbone share; empty for references."""
        return str(self.search.get("ranges_hash") or "")

    @property
    def shared(self) -> Mapping[str, str]:
        """The ranges that all methods of its backbone share, in words, by parameter."""
        shared: Mapping[str, str] = self.search.get("ranges") or {}
        return shared

    @property
    def test_seeds(self) -> tuple[int, ...]:
        """The fresh seeds of the final cells."""
        return tuple(self.search.get("test_seeds") or self.protocol.get("test_seeds") or ())

    @property
    def reference(self) -> bool:
        """Whether it is a reference model, which has no backbone."""
        return self.backbone == REFERENCE

    @property
    def protocol(self) -> Mapping[str, Any]:
        """What every row of the search shares: trials, seeds, budget, split."""
        protocol: Mapping[str, Any] = self.search["protocol"]
        return protocol

    @property
    def metric(self) -> str:
        """The metric of selection: `valid` and `test` of every trial."""
        return str(self.protocol.get("select", "ndcg@20"))

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """Every trial, in the order of the points; the first is the published default."""
        return tuple(_trial(at, each) for at, each in enumerate(self.search["trials"]))

    @property
    def counted(self) -> tuple[Trial, ...]:
        """The trials that are over, failed ones too: done, failed or cut by halving."""
        return tuple(each for each in self.trials if each.status != "pending")

    @property
    def pending(self) -> int:
        """How many trials are still to be run."""
        return len(self.trials) - len(self.counted)

    @property
    def halved(self) -> bool:
        """Whether successive halving cut some trial, which so has no score at the full budget."""
        return any(each.status == "cut" for each in self.trials)

    @cached_property
    def space(self) -> tuple[Range, ...]:
        """The searched parameters."""
        return tuple(
            Range(
                str(each["owner"]),
                str(each["name"]),
                str(each["kind"]),
                tuple(each["values"]),
                float(each.get("zero") or 0),
            )
            for each in self.search["space"]
        )

    @property
    def winner(self) -> Mapping[str, Any] | None:
        """The setting that was chosen: trial, word, settings, valid; None while undecided."""
        winner: Mapping[str, Any] | None = self.search["winner"]
        return winner

    @property
    def edges(self) -> tuple[str, ...]:
        """The parameters of the winner that lie at an edge of their range."""
        settings = self.winner["settings"] if self.winner else {}
        return tuple(r.name for r in self.space if r.name in settings and _edge(r, settings))


def searches(folders: str | Path | Sequence[str | Path]) -> tuple[Searched, ...]:
    """The searches of one run folder or of several, sorted; of twice the same the fuller one.

    Raises UserError for a damaged file, NothingToReport where there is no search at all.
    """
    paths = [folders] if isinstance(folders, str | Path) else list(folders)
    rows: dict[tuple[str, ...], Searched] = {}
    for each in _read(paths):
        key = (each.dataset, each.backbone, each.row, each.hash, each.ranges_hash)
        if key not in rows or len(rows[key].counted) < len(each.counted):
            rows[key] = each
    if not rows:
        where = ", ".join(map(str, paths))
        raise NothingToReport(
            f"a folder must hold searches; there are none in {where}; `negbench tune` makes them"
        )
    return tuple(rows[key] for key in sorted(rows))


def _read(paths: Sequence[str | Path]) -> Iterator[Searched]:
    for path in paths:
        for folder in split_folders.expanded([Path(path).expanduser()]):
            yield from (Searched(each, folder) for each in read_searches(folder))


def _trial(place: int, entry: Mapping[str, Any]) -> Trial:
    numbers = {
        name: NAN if entry.get(name) is None else float(entry[name])
        for name in ("valid", "test", "cpu_seconds", "seconds", "dots")
    }
    for name, cost in (entry.get("earlier") or {}).items():
        numbers[name] += float(cost)
    return Trial(
        place,
        str(entry["word"]),
        entry.get("settings") or {},
        str(entry["status"]),
        cell=str(entry.get("cell") or ""),
        **numbers,
    )


def _edge(each: Range, settings: Mapping[str, Any]) -> bool:
    return each.at_edge(settings[each.name])


def pending(rows: Sequence[Searched]) -> str:
    """One sentence where trials are pending, for outputs without notes; empty if none is."""
    waiting = sum(bool(each.pending) for each in rows)
    if not waiting:
        return ""
    return f"{waiting} of {len(rows)} rows have trials pending: their figures may change."
