"""How far the search of a row has come, read from its cells alone, and which cells come next.

Choices (survivors, finalists, winner) see validation values only. Because all is read from disk, a
killed search goes on where it stopped, and any number of processes come to the same winner.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from negbench.experiment.cell.spec import PlannedCell
from negbench.storage.search_store import TRIALS, path_of, read_search
from negbench.training.config import TrainConfig
from negbench.tuning import selection
from negbench.tuning.halving import rungs, survivors
from negbench.tuning.outcomes import Outcomes
from negbench.tuning.protocol import Protocol
from negbench.tuning.rows import Row

K = TypeVar("K")
Values = Mapping[int, float | None]


@dataclass(frozen=True)
class Round:
    """Some of the trials at one cap of epochs: all in full, or a rung of successive halving."""

    epochs: int | None
    """The cap; None is the whole budget."""
    trials: tuple[int, ...]
    valid: Values
    """The validation value of each trial that has ended, None where it failed."""

    @property
    def ended(self) -> bool:
        """Whether no trial of it is pending."""
        return len(self.valid) == len(self.trials)


@dataclass(frozen=True)
class SearchState:
    """The rounds so far, and what they decided."""

    row: Row
    rounds: tuple[Round, ...]
    finalists: tuple[int, ...] | None = None
    """None while trials are pending."""
    finals: Mapping[int, Sequence[float | None]] | None = None
    """The validation values of each finalist's own seeds, as far as these have ended."""
    winner: int | None = None
    """The chosen trial; None while it is not decided, and where every trial or finalist failed."""
    next_cells: tuple[PlannedCell, ...] = ()
    """The cells to train before anything more can be decided."""
    outcomes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """All that is known of its cells, by the names of their folders; choices do not read it."""

    @property
    def decided(self) -> bool:
        """Whether nothing is left to train before the final cells."""
        return not self.next_cells


def read_state(row: Row, protocol: Protocol, out: Path) -> SearchState:
    """The state of a row's search in its folder.

    Raises UserError if its search file is damaged.
    """
    select = TrainConfig(**row.options.train).select
    known = Outcomes.of(out / TRIALS, select, read_search(file_of(row, out)))
    rounds: list[Round] = []
    trials = tuple(each.number for each in row.trials)
    for cap, keep in caps(row, protocol):
        cells = {trial: row.cell(row.trials[trial], epochs=cap) for trial in trials}
        valid = _values(cells, known)
        rounds.append(Round(cap, trials, valid))
        if not rounds[-1].ended:
            pending = tuple(cell for trial, cell in cells.items() if trial not in valid)
            return SearchState(row, tuple(rounds), next_cells=pending, outcomes=known.seen)
        trials = survivors(valid, keep) if keep < len(trials) else trials
    finalists = tuple(selection.finalists(rounds[-1].valid, protocol.finalists))
    if row.is_reference or len(row.trials) == 1:  # no seed, or no choice
        chosen = next(iter(finalists), None)
        return SearchState(row, tuple(rounds), finalists, {}, chosen, outcomes=known.seen)
    pairs = [(trial, seed) for trial in finalists for seed in protocol.seeds_of_finalists]
    finals = {pair: row.cell(row.trials[pair[0]], pair[1]) for pair in pairs}
    values = _values(finals, known)
    by_trial = {
        trial: [value for pair, value in values.items() if pair[0] == trial] for trial in finalists
    }
    pending = tuple(cell for pair, cell in finals.items() if pair not in values)
    winner = None if pending else selection.winner(by_trial)
    return SearchState(
        row, tuple(rounds), finalists, by_trial, winner, pending, outcomes=known.seen
    )


def caps(row: Row, protocol: Protocol) -> list[tuple[int | None, int]]:
    """The cap of epochs of each round, and how many trials go on from it."""
    n = len(row.trials)
    if protocol.fidelity == "full" or row.is_reference or n == 1:
        return [(None, n)]
    whole = TrainConfig(**row.options.train).epochs
    steps = rungs(n, whole, protocol.finalists)
    return [(step.epochs if step.epochs < whole else None, step.keep) for step in steps]


def _values(cells: Mapping[K, PlannedCell], known: Outcomes) -> dict[K, float | None]:
    """The validation value of each cell that has ended."""
    outcomes = {key: known.of_cell(planned) for key, planned in cells.items()}
    return {key: each["valid"] for key, each in outcomes.items() if each["ended"]}


def file_of(row: Row, out: Path) -> Path:
    """The search file of a row."""
    return path_of(out, row.scenario.interactions.name, row.backbone, row.typed)
