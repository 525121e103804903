"""`tune`: the same search for every method, then the winners on fresh seeds."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from negbench.cli import tab_words
from negbench.cli.command import command, in_group
from negbench.cli.exit_codes import INTERRUPTED, typed_words
from negbench.cli.log_lines import log_lines
from negbench.cli.processes import by_one_process
from negbench.cli.run_options import (
    DATA,
    METHODS,
    OUTPUT,
    RANKING,
    RUNNING,
    TRAINING,
    WATCHING,
    options,
)
from negbench.errors import UserError

_search = in_group("Search")
SEARCH = (
    _search("--trials", help="Settings a row, the published default among them  [32]"),
    _search(
        "--search",
        shell_complete=tab_words.either("sobol", "random", "grid"),
        help="Where they lie: sobol, random, grid (over lr and l2)  [sobol]",
    ),
    _search(
        "--fidelity",
        shell_complete=tab_words.either("full", "halving"),
        help="full, or halving: weak trials end at a quarter of the epochs  [full]",
    ),
    _search("--finalists", help="Best trials that get more seeds  [3]"),
    _search("--final-seeds", help="So many more; the best mean on validation wins  [3]"),
    _search("--test-seeds", help="Fresh seeds of the winner, tested once  [10]"),
    _search("--splits", help="Repeat all of it on so many splits of the data  [1]"),
    _search("--space", type=click.Path(path_type=Path), help="A TOML or YAML file of ranges"),
)
_PROTOCOL = ("trials", "search", "fidelity", "finalists", "final_seeds", "test_seeds", "splits")


@command(
    examples={
        "what would be searched, and how long": "negbench tune -m random,dns --dry-run",
        "a small search": "negbench tune -m random,dns --trials 8 --test-seeds 5 -o runs/tuned",
        "weak trials end early": "negbench tune -m random,dns --fidelity halving -o runs/tuned",
        "its settings in another run": "negbench run -m random,dns --tuned runs/tuned "
        "-o runs/again",
    }
)
@click.argument("words", nargs=-1, metavar="[FILE] [KEY=VALUE]...", shell_complete=tab_words.files)
@options(DATA, METHODS, SEARCH, RANKING, TRAINING, WATCHING, RUNNING, OUTPUT)
@by_one_process
def tune(  # noqa: D103
    words: tuple[str, ...], dry_run: bool, quiet: bool, no_progress: bool, **given: Any
) -> int:
    """Tune every method alike, choose on validation, test the winners on fresh seeds.

    The options are those of `run`; what is typed (--lr, -m 'dns(candidates=8)') is not searched.
    Every row has the same number of trials, at the same learning rates and L2 weights; trial 0 is
    the published default. The winners' table is then that of `negbench table`, the search itself
    `negbench tuning`, and `negbench run --tuned RUN_DIR` takes the settings. Finished cells are
    kept: the same command, or `negbench resume RUN_DIR`, goes on where it stopped. FILE is an
    experiment file as of `run`, with a section [tune] for trials, finalists and so on.

    \f
    Raises UserError for a wrong option, and a file with several experiments.
    """
    from negbench.experiment.options.experiment_file import divide, read_experiments
    from negbench.experiment.options.options import build, merge
    from negbench.tuning.protocol import numbers_of, section_of
    from negbench.tuning.space_file import space_of
    from negbench.tuning.tune import refuse_what_is_chosen

    file, overrides = divide(words)
    numbers = {key: value for key in _PROTOCOL if (value := given.pop(key)) is not None}
    space = given.pop("space")
    typed = {k: list(v) if isinstance(v, tuple) else v for k, v in given.items() if v}
    experiments = read_experiments(file) if file else [{}]
    if len(experiments) > 1:
        raise UserError(f"tuning takes one experiment; {file} holds {len(experiments)}")
    section, experiment = section_of(experiments[0])
    ranges = section.pop("space", None)
    ranges = space or ranges
    protocol, splits = numbers_of({**section, **numbers})
    flat = merge(experiment, typed, overrides)
    refuse_what_is_chosen(flat)
    chosen = build({"overwrite": "missing", **flat})
    own = space_of(ranges)
    return carry_out(
        [(chosen, protocol, own, splits)], dry_run=dry_run, quiet=quiet, no_progress=no_progress
    )


def carry_out(
    asked: Sequence[tuple[Any, Any, Any, int]],
    *,
    commands: Sequence[str] = (),
    dry_run: bool = False,
    quiet: bool = False,
    no_progress: bool = False,
) -> int:
    """Carry out what starts of a search folder asked for, and print its tables.

    Each is its options, protocol, ranges and number of splits; `commands` are what they were
    started with, where that is not the command that runs.
    """
    from negbench.experiment import console as run_console
    from negbench.experiment import run_grid
    from negbench.tuning import console, tune_file
    from negbench.tuning.run_search import run_search
    from negbench.tuning.tune import folder_of, parts_of

    out = folder_of(asked[-1][0])
    commands = commands or [shlex.join(["negbench", *typed_words()])]
    ended, code = [], 0
    with log_lines(quiet=quiet):
        try:
            for (options, protocol, own, splits), command in zip(asked, commands, strict=True):
                device = run_grid.device_of(options)
                parts = parts_of(options, protocol, own, splits, out)
                for part in parts:
                    part.check()
                for part in parts if not quiet or dry_run else ():
                    show(run_console.first_line(options, device, False))
                    show(*run_console.scenario_lines(part.search.grid))
                    show(*console.notes(part.search))
                    show(*console.space_lines(part.search) if dry_run else ())
                    patience = 0.0 if dry_run else run_console.PATIENCE
                    show(*console.search_lines(part.search))
                    lines, fails = console.grid_lines(part.search, device, part.out, patience)
                    show(*lines)
                    code = max(code, int(fails))
                if dry_run:
                    continue
                tune_file.add_start(out, command, options, protocol, own, splits)
                bar = False if no_progress or quiet else None
                ended += [run_search(x.search, x.out, command=command, bar=bar) for x in parts]
        except KeyboardInterrupt:
            remedy = f"go on with: negbench resume {shlex.quote(str(out))}"
            click.echo(f"negbench: interrupted; finished cells are kept; {remedy}", err=True)
            return INTERRUPTED
    if dry_run:
        show("nothing was written")
        return code
    return finish(ended, out, asked[-1][0], asked[-1][-1], quiet)


def finish(ended: Sequence[Any], out: Path, options: Any, splits: int, quiet: bool) -> int:
    """Print the tables, the next commands and the failures; return the exit code."""
    from negbench.experiment.finished.run import open_run
    from negbench.tuning.tune import with_its_settings

    if any(each.done for each in ended):
        run = open_run(out)
        show(run.table(), "", run.tuning())
        if not quiet:
            where = shlex.quote(str(out))
            show(
                "",
                f"saved  {out}",
                f"next   negbench tuning {where}   what the search cost and gave",
            )
            show(f"       negbench report {where}   everything on one page")
            if splits == 1 and (again := with_its_settings(options, out)):
                show(f"       {again}   another run with these settings")
    failed = [pair for each in ended for pair in each.failed]
    for label, reason in failed:
        click.echo(f"negbench: failed: {label}: {reason}", err=True)
    return 1 if failed else 0


def show(*lines: str) -> None:
    """Print lines."""
    for line in lines:
        click.echo(line)
