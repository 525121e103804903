"""`run` and `resume`: train the cells of a grid, then print the table and the next commands."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from negbench.cli.exit_codes import INTERRUPTED, typed_words
from negbench.cli.log_lines import log_lines
from negbench.errors import UserError

C = Callable[..., Any]
GRID = (
    click.option(
        "-d", "--datasets", "--dataset", multiple=True, help="Names, files or folders  [goodbooks]"
    ),
    click.option(
        "-m",
        "--methods",
        "--method",
        multiple=True,
        help="Names, all, globs, families, all,-dns, dns(candidates=32), dns@lr=0.1, "
        "dns(candidates=[2,4])  "
        "[random,popularity,dns]",
    ),
    click.option(
        "-b", "--backbones", "--backbone", "--model", multiple=True, help="What is trained  [mf]"
    ),
    click.option("--references", "--reference", multiple=True, help="Guard rows, as most_popular"),
    click.option(
        "--encoder",
        help="Text vectors: tfidf, minilm, a .npy table, a model's folder or hub id  [tfidf]",
    ),
    click.option("--objective", help="One loss for all methods: bpr, bce, gbce, softmax, hinge"),
    click.option("--name", help="Keep the run in runs/NAME"),
)
SEEDS = (
    click.option(
        "--seeds",
        "--seed",
        help="3 is 0,1,2; 0-9 a range; 4,7 a list; 7-7 one  [5; 3 where 5 would take over an hour; "
        "a folder with finished cells keeps its own]",
    ),
)
TUNED = (
    click.option(
        "--tuned", help="Each row's settings and budget: a folder of `negbench tune`, or embedded"
    ),
)
DATA = (
    click.option("--user", help="Column of the user, where data are a file of yours"),
    click.option("--item", help="Column of the item"),
    click.option("--time", help="Column of the time"),
    click.option("--rating", help="Column of the rating"),
    click.option("--min-rating", help="Rows rated below are dropped"),
    click.option("--layout", help="Lines of your file: pairs, lists, sequences, sessions  [seen]"),
    click.option("--order", help="Orders a user's rows of it: time, rows, none  [time if any]"),
    click.option("--item-features", help="Table of your items' columns, for two_tower(features)"),
    click.option("--user-features", help="Table of your users' columns"),
    click.option("--data-dir", help="Folder with data sets in official layout [NEGBENCH_DATA]"),
    click.option("--repeats", help="Pairs that come again: drop, or keep with their order  [drop]"),
    click.option("--k-core", help="Drop users and items with fewer interactions, 0 is off  [0]"),
    click.option(
        "--split",
        help="auto, ratio(0.8,0.1,0.1), temporal(0.8,0.9), loo, random, files, truth, "
        "users(0.8,0.1,0.1), cold_items(0.1), popularity_shift(0, all items alike, to 1)  [auto]",
    ),
    click.option("--exclude", help="Never drawn: train, none; oracles: train+valid, all  [train]"),
)
MEASURE = (
    click.option("--metrics", "--metric", multiple=True, help="As recall,ndcg@10,20"),
    click.option("--bands", help="mass:1/3,2/3, items:0.2,0.8 or count:5,50  [mass]"),
    click.option(
        "--mask", help="Not ranked: seen (train, then valid), train, none (published runs)  [seen]"
    ),
    click.option("--average", help="Means over users, or over test events  [users]"),
    click.option("--users", help="Who is ranked: all with test items, or with-history  [all]"),
    click.option("--probe", help="What watches training: sample, full, off, or plug-ins  [sample]"),
    click.option("--log-negatives", help="Keep so many of the negatives used, per cell  [0]"),
    click.option(
        "--watch-test",
        is_flag=True,
        help="Log the test metric of each epoch too; nothing reads it for a choice",
    ),
    click.option("--plant", help="Hide this share of train positives, as 0.1, and follow them"),
    click.option("--noise", help="Add noise to train: a share of random pairs, 0.2, or `ratings`"),
)
BUDGET = (
    click.option("--epochs", help="At most this many  [200]"),
    click.option("--patience", help="Evaluations without gain before a stop  [10]"),
    click.option("--eval-every", help="Epochs between evaluations on the valid part  [1]"),
    click.option("--select", help="Validation metric of early stopping, as hit@10  [ndcg@20]"),
    click.option("--batch-size", help="For every backbone; without it their own"),
    click.option("--lr", help="Likewise; 0.001,0.01 is a sweep, one row a value"),
    click.option("--l2", help="Likewise"),
    click.option("--dim", help="Likewise"),
    click.option("--optimiser", help="adam, adam_exact, adagrad or sgd: give the --lr too  [adam]"),
    click.option("--time-limit", help="Seconds that a cell may train"),
)
WAY = (
    click.option("-o", "--out", help="The run's folder  [runs/DATASETS]"),
    click.option("-j", "--jobs", help="Worker processes, or auto  [1]"),
    click.option("--threads", help="Threads of each; results depend on it  [1]"),
    click.option("--device", help="auto, cpu, cuda, cuda:1  [auto]"),
    click.option("--plugin", "plugins", multiple=True, help="A plug-in's file; its code runs"),
    click.option("--overwrite", help="Do again: missing (nothing), failed or all  [failed]"),
    click.option("--checkpoint-every", help="Epochs between checkpoints of a cell  [5 minutes]"),
    click.option("--shard", help="Only every n-th cell from the i-th on: 1/4, 2/4, ...  [1/1]"),
    click.option("--engine", help="local (processes here) or dask  [local]"),
    click.option("--scheduler", help="Of dask: address of one that runs, tcp://host:8786"),
    click.option("--workers", help="Of dask: so many workers of our own here"),
    click.option("--track", help="Tell each finished cell to tensorboard, mlflow or wandb"),
)


def options(*groups: tuple[C, ...]) -> C:
    """Give a command all options of these groups, in order."""

    def decorate(command: C) -> C:
        for option in reversed([each for group in groups for each in group]):
            command = option(command)
        return command

    return decorate


@click.command()
@click.argument("words", nargs=-1, metavar="[FILE] [KEY=VALUE]...")
@options(GRID, SEEDS, TUNED, DATA, MEASURE, BUDGET, WAY)
@click.option(
    "--dry-run", is_flag=True, help="Show the grid and a measured estimate; write nothing"
)
@click.option("-q", "--quiet", is_flag=True, help="The table alone")
@click.option("--no-progress", is_flag=True, help="No bar")
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


@click.command()
@click.argument("run_dir", type=click.Path(path_type=Path))
@click.option("-j", "--jobs", help="Worker processes, or auto")
@click.option("-q", "--quiet", is_flag=True, help="The table alone")
@click.option("--no-progress", is_flag=True, help="No bar")
def resume(run_dir: Path, jobs: str | None, quiet: bool, no_progress: bool) -> int:
    """Go on with a run, or a search, as it was started; only missing and failed cells are done.

    \f
    Raises UserError for the trials of a search: the search goes on as a whole.
    """
    from negbench.experiment.run_again import to_resume
    from negbench.storage.search_store import TRIALS
    from negbench.tuning import tune_file

    if tune_file.is_search(run_dir):
        return _resume_search(run_dir, jobs, quiet=quiet, no_progress=no_progress)
    if tune_file.is_search(run_dir.parent) and run_dir.name == TRIALS:
        raise UserError(
            f"{run_dir} holds the trials of a search; go on with: negbench resume "
            f"{shlex.quote(str(run_dir.parent))}"
        )
    asked = to_resume(run_dir, jobs)
    return _carry_out(asked, folder=run_dir, quiet=quiet, no_progress=no_progress)


def _resume_search(run_dir: Path, jobs: str | None, *, quiet: bool, no_progress: bool) -> int:
    """Go on with a folder of `negbench tune`."""
    from negbench.cli.tune import carry_out
    from negbench.experiment.options.value_parsers import PARSERS
    from negbench.tuning import tune_file

    given = {"out": str(run_dir), **({"jobs": PARSERS["jobs"](jobs, "jobs")} if jobs else {})}
    started = tune_file.starts(run_dir)
    asked = [tune_file.asked_of(each) for each in started]
    return carry_out(
        [(replace(each[0], **given), *each[1:]) for each in asked],
        command=str(started[0]["command"]),
        quiet=quiet,
        no_progress=no_progress,
    )


def _carry_out(
    experiments: Sequence[Any],
    *,
    folder: Path | None = None,
    dry_run: bool = False,
    quiet: bool = False,
    no_progress: bool = False,
    tour: bool = False,
    default_seeds: bool = False,
) -> int:
    """Run the experiments as one plan; `folder` is that of the run that they come from."""
    from negbench.experiment import console, run_grid
    from negbench.experiment.default_seeds import Settled, settle
    from negbench.experiment.run_again import plan_of

    chosen = experiments[-1]
    out = run_grid.folder_of(chosen)
    device = run_grid.device_of(chosen)
    with log_lines(quiet=quiet):
        grid = plan_of(experiments, folder)
        run_grid.check(chosen, grid, out)
        settled = Settled(chosen, grid)
        if default_seeds:
            patience = 0.0 if dry_run else console.PATIENCE
            settled = settle(chosen, grid, out, device, patience=patience)
            chosen, grid = settled.options, settled.plan
            experiments = [chosen]
        if not quiet:
            lines = console.scenario_lines(grid), console.notes(chosen, grid)
            _print(console.first_line(chosen, device, tour, grid), *lines[0], *lines[1])
            _print(*[settled.line] * bool(settled.line))
        if dry_run:
            _print(*console.dry_run(chosen, grid, out, device, settled.estimate))
            return 0
        if not quiet:  # it times the parts of each pairing
            _print(console.grid_line(chosen, grid, out, device, settled.estimate))
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
