"""The seeds of a run for which none were asked: five, or three where five would take long.

Tests over users and seeds need seeds: with few of them only a large difference is told from chance.
A folder that holds finished cells keeps the seeds of its run, so that the same command goes on.
Tuned rows take seeds that no search chose by: 100, 101 and so on.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from negbench.data.number_words import counted, span
from negbench.errors import UserError
from negbench.experiment.estimate.grid import GridEstimate, estimate
from negbench.experiment.options.options import Options
from negbench.experiment.options.seed_words import seeds as parse_seeds
from negbench.experiment.plan import Plan, plan
from negbench.experiment.run_grid import missing, workers_of
from negbench.storage import cell_store, run_file

FEWER = 3
"""The number of seeds where the usual ones would take long."""
FRESH = 100
"""The seeds of tuned rows begin here: those of a search's trials and finalists are below it."""
LONG = 3600.0
"""Seconds that a grid may take with the default seeds."""


@dataclass(frozen=True)
class Settled:
    """A run whose seeds are settled."""

    options: Options
    plan: Plan
    estimate: GridEstimate | None = None
    """The estimate that decided, to print it without timing again."""
    line: str = ""
    """One sentence where the seeds are not the usual five."""


def settle(options: Options, grid: Plan, out: Path, device: str, *, patience: float) -> Settled:
    """Choose the seeds of a run for which none were given; an estimate may take `patience` seconds.

    Shards and clusters always have five: machines that decide apart may not disagree.
    """
    n = len(options.seeds)
    first = FRESH if options.tuned else 0
    usual = tuple(range(first, first + n))
    if kept := _of_folder(out):
        line = f"seeds  {_listed(kept)}, as the finished cells of this folder; --seeds {n} for {n}"
        return _with_seeds(options, grid, kept, line if kept != usual else "")
    settled = _with_seeds(options, grid, usual, "")
    options, grid = settled.options, settled.plan
    if options.shard != (1, 1) or options.engine != "local":
        return Settled(options, grid)
    todo = missing(grid, out, options.overwrite)
    known = estimate(
        todo, grid.scenarios, out, device=device, threads=options.threads, budget=patience
    )
    seconds = known.likely_of_all(todo) / workers_of(options, len(todo))
    unknown = known.is_cut and not known.known
    if seconds <= LONG and not unknown:
        return Settled(options, grid, known)
    why = f"{n} could not be estimated" if unknown else f"{n} would take about {span(seconds)}"
    asked = f"{first}-{usual[-1]}" if first else str(n)
    line = f"seeds  {FEWER}, for {why}; --seeds {asked} to have them"
    return replace(_with_seeds(options, grid, usual[:FEWER], line), estimate=known)


def _with_seeds(options: Options, grid: Plan, seeds: tuple[int, ...], line: str) -> Settled:
    if seeds == options.seeds:
        return Settled(options, grid)
    chosen = replace(options, seeds=seeds)
    return Settled(chosen, plan(chosen), line=line)


def _of_folder(out: Path) -> tuple[int, ...]:
    """The seeds that a folder with finished cells was started with; none where it has no cell."""
    if not any(cell.done for cell in cell_store.read_cells(out)[0]):
        return ()
    try:
        return parse_seeds(run_file.experiments(run_file.read(out))[-1]["seeds"], "seeds")
    except (UserError, KeyError):  # its run.json is lost, or damaged
        return ()


def _listed(seeds: tuple[int, ...]) -> str:
    return f"{counted(len(seeds), 'seed')} ({', '.join(map(str, seeds))})"
