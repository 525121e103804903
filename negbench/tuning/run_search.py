"""Runs a search: trials, finalists, and the winner of each row on fresh seeds.

    RUN/tune.json   what was asked for, so that `negbench resume RUN` goes on
    RUN/searches    one file a row: space, trials, finalists, winner
    RUN/trials      a run folder with the cells of trials and finalists
    RUN             is a run folder itself: the final cells, tested once

Every cell is an ordinary one, so workers, clusters, checkpoints and records are those of a run. A
shard takes every n-th row, with all its rounds.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from negbench.data.number_words import counted
from negbench.errors import UserError
from negbench.evaluation.metric_names import parse_metrics
from negbench.experiment import run_grid
from negbench.experiment.cell.spec import PlannedCell
from negbench.experiment.options.options import Options
from negbench.experiment.plan import Plan, plan
from negbench.experiment.same_data import set_aside_earlier_winners
from negbench.experiment.workers.local_pool import no_room
from negbench.storage import cell_store, claims
from negbench.storage.search_store import TRIALS, write_search
from negbench.training.config import TrainConfig
from negbench.tuning.checks import require_rows, require_same_search
from negbench.tuning.final_cells import final_cells, mark_of
from negbench.tuning.protocol import TRIAL_SEED, Protocol
from negbench.tuning.rows import Row, rows_of
from negbench.tuning.search_record import search_record
from negbench.tuning.search_state import SearchState, read_state
from negbench.tuning.space import Ranges

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Search:
    """A search that was asked for: its rows, and what could not be paired."""

    options: Options
    protocol: Protocol
    own: Ranges
    """Ranges that were given in place of the cards'."""
    grid: Plan
    """The default of every row, which is trial 0."""
    rows: tuple[Row, ...]

    @property
    def mine(self) -> tuple[Row, ...]:
        """The rows of this shard."""
        at, of = self.options.shard
        return self.rows[at - 1 :: of]


@dataclass(frozen=True)
class SearchResult:
    """How a search ended."""

    out: Path
    rows: int
    failed: tuple[tuple[str, str], ...]
    """Rows without a winner, and final cells that failed, each with its reason."""
    failed_trials: int
    done: int
    """Final cells."""


def prepare(options: Options, protocol: Protocol, own: Ranges) -> Search:
    """Plan a search; nothing is written.

    Raises UserError for a wrong option, data without a validation part, and what `require_rows`
    refuses.
    """
    select = TrainConfig(**options.train).select
    metrics = options.metrics
    if parse_metrics(select)[0] not in parse_metrics(metrics):
        metrics = (",".join((*metrics, select)),)
    options = replace(options, metrics=metrics, seeds=(TRIAL_SEED,))
    grid = plan(options)
    for scenario in grid.scenarios.values():
        if not len(scenario.split.valid):
            raise UserError(
                f"tuning needs a validation part; {scenario.interactions.name} has none under "
                f"{scenario.split.rule}; use another --split"
            )
    rows = tuple(rows_of(options, protocol, grid.scenarios, own))
    require_rows(rows, protocol, own)
    return Search(options, protocol, own, grid, rows)


def run_search(
    search: Search, out: Path, *, command: str = "", bar: bool | None = None
) -> SearchResult:
    """Train what is missing of a search, round by round, and test the winners.

    Raises UserError as `run_grid.carry_out` does.
    """
    check(search, out)
    attending = run_grid.attend(out)  # also between two rounds
    try:
        return _work_through(search, out, command, bar)
    finally:
        attending.release()
        claims.clear(out)


def _work_through(search: Search, out: Path, command: str, bar: bool | None) -> SearchResult:
    trials = out / TRIALS
    if search.options.overwrite == "failed":
        _again(search, trials, command, bar)
    tried: set[str] = set()
    while pending := _pending(search, trials):
        names = {each.digest for each in pending}
        if names <= tried:
            raise UserError(
                f"a cell must be written when it ends; {len(names)} of {trials} were not; see the "
                "messages above, and start the same command again"
            )
        tried |= names
        logger.info("search  %s to train", counted(len(pending), "cell"))
        try:
            _carry_out(search, pending, trials, command, bar)
        except KeyboardInterrupt:  # the files tell what ended before it
            _pending(search, trials)
            raise
    states = [_write(row, search.protocol, out) for row in search.mine]
    result = _final(search, states, out, command, bar)
    lost = tuple(
        (each.row.name, "no trial came to an end that can be chosen; its trials say why")
        for each in states
        if each.winner is None
    )
    failed_trials = sum(v is None for s in states for v in s.rounds[0].valid.values())
    return SearchResult(out, len(states), (*lost, *result.failed), failed_trials, result.done)


def _pending(search: Search, trials: Path) -> list[PlannedCell]:
    """The cells of the next round of every row, each once; the rows' files say how far they are."""
    states = [_write(row, search.protocol, trials.parent) for row in search.mine]
    cells = {cell.digest: cell for each in states for cell in each.next_cells}
    return list(cells.values())


def _write(row: Row, protocol: Protocol, out: Path) -> SearchState:
    """Read the state of a row and write its search file. Raises NoRoom where it cannot be."""
    state = read_state(row, protocol, out)
    try:
        write_search(out, search_record(state, protocol))
    except OSError as error:
        raise no_room(out, error) from error
    return state


def check(search: Search, out: Path) -> None:
    """Check a folder before anything is written.

    Raises UserError if it holds cells of other data or not of this search, or searches by another
    protocol or over another space.
    """
    require_same_search(search.rows, search.protocol, out)
    run_grid.check(search.options, search.grid, out / TRIALS)
    finals = [
        PlannedCell.of(replace(row.spec(row.typed, TRIAL_SEED), tuned=mark), row.scenario)
        for row, mark in ((row, mark_of(row, search.protocol)) for row in search.rows)
    ]
    run_grid.check(search.options, replace(search.grid, cells=tuple(finals)), out)


def _again(search: Search, trials: Path, command: str, bar: bool | None) -> None:
    """Train failed trials, of every rung that was reached, and finalists once more."""
    states = [read_state(row, search.protocol, trials.parent) for row in search.mine]
    cells: list[PlannedCell] = []
    for each in states:
        for part in each.rounds:
            cells += [each.row.cell(each.row.trials[n], epochs=part.epochs) for n in part.trials]
        for trial in each.finalists or ():
            seeds = search.protocol.seeds_of_finalists
            cells += [each.row.cell(each.row.trials[trial], seed) for seed in seeds]
    there = [(each, cell_store.find_cell(trials, each.resolved)) for each in cells]
    failed = {each.digest: each for each, cell in there if cell is not None and not cell.done}
    if failed:
        logger.info("search  %s once more", counted(len(failed), "failed cell"))
        _carry_out(search, list(failed.values()), trials, command, bar)


def _carry_out(
    search: Search,
    cells: Sequence[PlannedCell],
    out: Path,
    command: str,
    bar: bool | None,
    options: Options | None = None,
) -> run_grid.Result:
    """Train these cells as a run; each worker takes the next one."""
    chosen = replace(options or search.options, shard=(1, 1), out=str(out))
    keys = {each.spec.scenario_key for each in cells}
    scenarios = {key: value for key, value in search.grid.scenarios.items() if key in keys}
    part = replace(search.grid, cells=tuple(cells), scenarios=scenarios)
    return run_grid.carry_out(chosen, part, out, command=command, bar=bar)


def _final(
    search: Search, states: Sequence[SearchState], out: Path, command: str, bar: bool | None
) -> run_grid.Result:
    """Test the winners on fresh seeds; rows that have none are left out."""
    cells: dict[str, PlannedCell] = {}
    for state in states:
        if state.winner is not None:
            for each in final_cells(state.row, state.winner, search.protocol):
                cells.setdefault(each.digest, each)
    if not cells:
        return run_grid.Result(out, 0, ())
    set_aside_earlier_winners(list(cells.values()), out)
    logger.info("final   %s of the winners, on fresh seeds", counted(len(cells), "cell"))
    options = replace(
        search.options,
        tuned=str(out.resolve()),
        seeds=search.protocol.seeds_of_test,
        watch_test=True,
    )
    return _carry_out(search, list(cells.values()), out, command, bar, options)
