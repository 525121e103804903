"""`run` and `resume`: train the cells of a grid, then print the table and the next commands."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from negbench.cli import tab_words
from negbench.cli.command import command
from negbench.cli.exit_codes import INTERRUPTED, typed_words
from negbench.cli.log_lines import log_lines
from negbench.cli.processes import by_all_processes
from negbench.cli.reading_options import RUN
from negbench.cli.run_options import (
    DATA,
    METHODS,
    OUTPUT,
    RANKING,
    RUNNING,
    SEEDS,
    TRAINING,
    TUNED,
    WATCHING,
    options,
)
from negbench.errors import UserError


@command(
    examples={
        "a short tour on embedded data": "negbench run",
        "your own file, three rows": "negbench run -d ratings.csv --user uid --item iid "
        "-m random,popularity,dns",
        "first how long it takes": "negbench run -d ml_1m -m all -b mf,lightgcn --dry-run",
        "one row a value, beside models without negatives": "negbench run "
        "-m 'dns(candidates=[2,4,8])' --references most_popular,ease",
    }
)
@click.argument("words", nargs=-1, metavar="[FILE] [KEY=VALUE]...", shell_complete=tab_words.files)
@options(DATA, METHODS, TUNED, SEEDS, RANKING, TRAINING, WATCHING, RUNNING, OUTPUT)
@by_all_processes
def run(words: tuple[str, ...], dry_run: bool, quiet: bool, no_progress: bool, **given: Any) -> int:  # noqa: D103
    """Train, rank and compare: data sets x backbones x methods x seeds.

    FILE is an experiment file (.toml, .yaml) whose keys are these options; KEY=VALUE overrides it,
    as in train.lr=0.005. RUN_DIR/run.json is one too: it runs again, in another folder with -o.
    With several [[experiment]] tables one run holds them all, and -d picks some by data set.
    Finished cells are kept: the same command goes on where it stopped.

    A list of values is a sweep, one row a value: -m 'dns(candidates=[2,4,8])', -b
    'mf(lr=[0.001,0.01])', --lr 0.001,0.01; `negbench plot RUN sweep` shows it. Behind @ stand
    settings of one row, of the training or the backbone: 'dns@(layers=2,lr=0.1)'.
    """
    from negbench.experiment.options.experiment_file import divide, read_experiments
    from negbench.experiment.options.options import build, merge
    from negbench.storage import run_file

    file, overrides = divide(words)
    typed = {k: list(v) if isinstance(v, tuple) else v for k, v in given.items() if v}
    experiments = read_experiments(file) if file else [{}]
    typed = merge(typed, overrides)
    if file and file.name != run_file.NAME and len(experiments) > 1:
        experiments = _picked(experiments, typed)
    asked = [merge(each, typed) for each in experiments]
    return _carry_out(
        [build(flat) for flat in asked],
        folder=file.parent if file else None,
        of_file=file is not None and file.name != run_file.NAME,
        dry_run=dry_run,
        quiet=quiet,
        no_progress=no_progress,
        tour=not any(asked),
        default_seeds=len(asked) == 1 and "seeds" not in asked[0],
    )


def _picked(experiments: list[Any], typed: dict[str, Any]) -> list[Any]:
    """The experiments of the data sets that were typed, which go out of `typed`; without any, all.

    Raises UserError for a data set of none of them.
    """
    from negbench.experiment.options.experiment_file import of_datasets
    from negbench.experiment.options.value_parsers import PARSERS

    if "datasets" not in typed:
        return experiments
    return of_datasets(experiments, PARSERS["datasets"](typed.pop("datasets"), "datasets"))


@command(
    examples={
        "go on where it stopped": "negbench resume runs/first",
        "in the background, by four processes": "negbench resume runs/first -j 4 -q",
    }
)
@RUN
@click.option("-j", "--jobs", help="Worker processes, or auto  [as it was started]")
@click.option("-q", "--quiet", is_flag=True, help="The table alone")
@click.option("--no-progress", is_flag=True, help="No bar")
@by_all_processes
def resume(run_dir: Path, jobs: str | None, quiet: bool, no_progress: bool) -> int:
    """Go on with a run, or a search, as it was started; only missing and failed cells are done.

    \f
    Raises UserError for the trials or a split of a search: the search goes on as a whole.
    """
    from negbench.experiment.run_again import to_resume
    from negbench.storage.search_store import TRIALS, whole_search
    from negbench.tuning import tune_file

    if tune_file.is_search(run_dir):
        return _resume_search(run_dir, jobs, quiet=quiet, no_progress=no_progress)
    if (search := whole_search(run_dir)) != run_dir:
        part = "the trials" if run_dir.resolve().name == TRIALS else "one split"
        raise UserError(
            f"{run_dir} holds {part} of a search; go on with: negbench resume "
            f"{shlex.quote(str(search))}"
        )
    asked = to_resume(run_dir, jobs)
    return _carry_out(asked, folder=run_dir, quiet=quiet, no_progress=no_progress)


def _resume_search(run_dir: Path, jobs: str | None, *, quiet: bool, no_progress: bool) -> int:
    """Go on with a folder of `negbench tune`."""
    from negbench.cli.tune import carry_out
    from negbench.experiment.options.value_parsers import PARSERS
    from negbench.experiment.workers.torchrun import refuse_torchrun
    from negbench.tuning import tune_file

    refuse_torchrun("a search")
    given: dict[str, Any] = {"out": str(run_dir), "overwrite": "failed"}
    given |= {"jobs": PARSERS["jobs"](jobs, "jobs")} if jobs else {}
    started = tune_file.starts(run_dir)
    asked = [tune_file.asked_of(each) for each in started]
    return carry_out(
        [(replace(each[0], **given), *each[1:]) for each in asked],
        commands=[str(each["command"]) for each in started],
        quiet=quiet,
        no_progress=no_progress,
    )


def _carry_out(
    experiments: Sequence[Any],
    *,
    folder: Path | None = None,
    of_file: bool = False,
    dry_run: bool = False,
    quiet: bool = False,
    no_progress: bool = False,
    tour: bool = False,
    default_seeds: bool = False,
) -> int:
    """Run the experiments as one plan; `folder` is that of the run or the file they come from."""
    from negbench.experiment import console, run_grid
    from negbench.experiment.default_seeds import Settled, settle
    from negbench.experiment.run_again import plan_of

    chosen = experiments[-1]
    out = run_grid.folder_of(chosen)
    device = run_grid.device_of(chosen)
    with log_lines(quiet=quiet):
        grid = plan_of(experiments, folder, of_file=of_file)
        run_grid.check(chosen, grid, out)
        settled = Settled(chosen, grid)
        if default_seeds:
            patience = 0.0 if dry_run else console.PATIENCE
            settled = settle(chosen, grid, out, device, patience=patience)
            chosen, grid = settled.options, settled.plan
            experiments = [chosen]
        if not quiet:
            _print(console.first_line(chosen, device, tour, grid))
            _print(*console.scenario_lines(grid), *console.notes(chosen, grid))
            _print(*[settled.line] * bool(settled.line))
        if dry_run:
            lines, fails = console.dry_run(chosen, grid, out, device, settled.estimate)
            _print(*lines)
            return int(fails)
        if not quiet:  # it times the parts of each pairing
            _print(*console.grid_lines(chosen, grid, out, device, settled.estimate))
        try:
            result = run_grid.carry_out(
                chosen,
                grid,
                out,
                command=shlex.join(["negbench", *typed_words()]),
                experiments=experiments,
                bar=False if no_progress or quiet else None,
            )
        except KeyboardInterrupt:
            remedy = f"go on with: negbench resume {shlex.quote(str(out))}"
            if chosen.shard != (1, 1):  # a folder keeps that of its last command alone
                remedy = "the same command goes on with this shard"
            click.echo(f"negbench: interrupted; finished cells are kept; {remedy}", err=True)
            return INTERRUPTED
    return _finish(result, quiet)


def _finish(result: Any, quiet: bool) -> int:
    """Print the table, the next commands and the failures; return the exit code."""
    from negbench.experiment import console
    from negbench.experiment.finished.run import open_run

    if result.done:
        table = open_run(result.out).table()
        _print(*([table] if quiet else ["", table, "", *console.next_lines(result)]))
    for label, reason in result.failed:
        click.echo(f"negbench: failed: {label}: {reason}", err=True)
    if result.failed:
        total = result.done + len(result.failed)
        failed = f"{len(result.failed)} of {total} cells failed"
        click.echo(f"negbench: {failed}; the others are kept", err=True)
    return 1 if result.failed else 0


def _print(*lines: str) -> None:
    for line in lines:
        click.echo(line)
