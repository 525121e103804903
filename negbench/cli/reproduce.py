"""`reproduce`: published numbers run again, and how far ours are from them."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from negbench.cli import tab_words
from negbench.cli.command import command
from negbench.cli.exit_codes import INTERRUPTED, typed_words
from negbench.cli.log_lines import log_lines
from negbench.errors import DataError


def _blocks(context: click.Context) -> Iterable[str]:
    """The blocks, for the Tab key."""
    from negbench.reproduction.targets import blocks

    del context
    return ["all", *blocks()]


@command(
    examples={
        "what can be run again": "negbench reproduce",
        "two rows of a table, without training yet": "negbench reproduce health-mf:bsl,sl "
        "--dry-run",
        "under both protocols": "negbench reproduce health-mf --protocol both -j 4",
    }
)
@click.argument(
    "blocks", nargs=-1, metavar="[BLOCK[:ROW,ROW]]...", shell_complete=tab_words.one_of(_blocks)
)
@click.option(
    "--protocol",
    shell_complete=tab_words.either("theirs", "ours", "both"),
    help="theirs, as published; ours, the suite's; or both  [theirs]",
)
@click.option("--seeds", "--seed", default="3", help="As of run: 3 is 0,1,2  [3]")
@click.option("-o", "--out", default="runs/reproduce", help="A folder  [runs/reproduce]")
@click.option("--data-dir", help="Folder with data sets in official layout [NEGBENCH_DATA]")
@click.option("-j", "--jobs", default="1", help="Worker processes, or auto  [1]")
@click.option("--threads", default="1", help="Threads of each; results depend on it  [1]")
@click.option("--device", default="auto", help="auto, cpu, cuda, cuda:1  [auto]")
@click.option(
    "--format",
    "layout",
    shell_complete=tab_words.either("text", "md", "csv", "json"),
    default="text",
    help="text, md, csv or json  [text]",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Show the cells and an estimate, write nothing; exit code 1 where a row would fail",
)
@click.option("--no-train", is_flag=True, help="Only the table of what is in the folder")
@click.option("-q", "--quiet", is_flag=True, help="The table alone")
@click.option("--no-progress", is_flag=True, help="No bar")
def reproduce(  # noqa: D103
    blocks: tuple[str, ...],
    protocol: str | None,
    seeds: str,
    out: str,
    layout: str,
    dry_run: bool,
    no_train: bool,
    quiet: bool,
    no_progress: bool,
    **given: Any,
) -> int:
    """Run published rows again, and compare: within the tolerance, and in the same order?

    Without a BLOCK it lists all blocks and rows, how each number was chosen, what it needs, and
    what is in the folder. A BLOCK is a table of a publication, health-mf; health-mf:bsl,sl are two
    of its rows; all is everything that can be run here. Cells are those of `negbench run`, in
    OUT/BLOCK/theirs and OUT/BLOCK/ours; finished ones are kept, so the same command goes on.

    A number that was selected on test is an upper kind of number, and every line says so.

    \f
    Raises UserError for a wrong option.
    """
    from negbench.experiment.options.value_parsers import PARSERS
    from negbench.reproduction import listing
    from negbench.reproduction.comparison import comparison
    from negbench.reproduction.experiments import Way
    from negbench.reproduction.layouts import FORMATS, render
    from negbench.reproduction.targets import choose

    protocols = _protocols(protocol)
    _one_of("--format", layout, FORMATS)
    way = Way(Path(out).expanduser(), PARSERS["seeds"](seeds, "seeds"), **given)
    if not blocks:
        every = listing.everything(way)
        _show(*(listing.lines(every) if layout == "text" else [render(every, layout)]))
        return 0
    chosen = choose(blocks)
    quiet = quiet or layout != "text"
    code = 0
    if not no_train:
        code = _train(chosen, protocols, way, dry_run=dry_run, quiet=quiet, bar=not no_progress)
        if dry_run or code == INTERRUPTED:
            return code
    _show(render([comparison(block, rows, way) for block, rows in chosen], layout))
    return code


def _protocols(word: str | None) -> tuple[str, ...]:
    from negbench.reproduction.experiments import OURS, PROTOCOLS, THEIRS

    _one_of("--protocol", word or THEIRS, (THEIRS, OURS, "both"))
    return PROTOCOLS if word == "both" else (word or THEIRS,)


def _one_of(option: str, word: str, known: Sequence[str]) -> None:
    from negbench.errors import UserError

    if word not in known:
        raise UserError(f"{option} must be one of {', '.join(known)}; got {word!r}")


def _train(
    chosen: Sequence[Any],
    protocols: Sequence[str],
    way: Any,
    *,
    dry_run: bool,
    quiet: bool,
    bar: bool,
) -> int:
    """Train every block in turn; of several a block that cannot be trained is named and left."""
    from negbench.reproduction.experiments import runnable
    from negbench.reproduction.targets import why_not

    code = 0
    with log_lines(quiet=quiet):
        for block, rows in chosen:
            reasons = ((row.name, why_not(block, row)) for row in rows)
            skipped = [f"skip   {block.name}:{name}: {why}" for name, why in reasons if why]
            _show(*skipped if not quiet else ())
            if len(chosen) > 1 and not runnable(block, rows):
                continue
            for protocol in protocols:
                try:
                    ended = _train_block(
                        block, rows, protocol, way, dry_run=dry_run, quiet=quiet, bar=bar
                    )
                except DataError as error:
                    if len(chosen) == 1:
                        raise
                    click.echo(f"negbench: {block.name}: {error}", err=True)
                    code = 1
                    break
                if ended == INTERRUPTED:
                    return ended
                code = max(code, ended)
    return code


def _train_block(
    block: Any, rows: Any, protocol: str, way: Any, *, dry_run: bool, quiet: bool, bar: bool
) -> int:
    """Train what is missing of a block under one protocol; the exit code."""
    from negbench.experiment import console, run_grid
    from negbench.reproduction.carry_out import planned, train

    asked, plan = planned(block, rows, protocol, way)
    options, folder = asked[0], way.folder(block, protocol)
    device = run_grid.device_of(options)
    if not quiet:
        _show(console.first_line(options, device, False), *console.scenario_lines(plan))
    if dry_run:
        lines, fails = console.dry_run(options, plan, folder, device)
        _show(*lines)
        return int(fails)
    if not quiet:
        _show(*console.grid_lines(options, plan, folder, device))
    command = shlex.join(["negbench", *typed_words()])
    shown = None if bar and not quiet else False
    try:
        result = train(block, protocol, way, asked, plan, command=command, bar=shown)
    except KeyboardInterrupt:
        remedy = "finished cells are kept; the same command goes on"
        click.echo(f"negbench: interrupted; {remedy}", err=True)
        return INTERRUPTED
    for label, reason in result.failed:
        click.echo(f"negbench: failed: {label}: {reason}", err=True)
    return 1 if result.failed else 0


def _show(*lines: str) -> None:
    for line in lines:
        click.echo(line)
