"""`status`: how far a run or a search has come, once or for as long as it goes on."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from negbench.cli.command import command
from negbench.cli.reading_options import RUN
from negbench.errors import UserError


@command(
    examples={
        "how far it is": "negbench status runs/first",
        "until nothing is left to do": "negbench status runs/first --watch",
    }
)
@RUN
@click.option("-w", "--watch", "watching", is_flag=True, help="Show it until nothing is left to do")
@click.option("--json", "as_json", is_flag=True, help="For programs")
def status(run_dir: Path, watching: bool, as_json: bool) -> int:
    """Cells done, failed and pending, who works on what, the time left; of a search its rows.

    The time left is told from what ran so far. --watch shows it anew every few seconds, or without
    a terminal a line a minute; it ends when nothing is left to do (exit code 0, or 1 where cells
    failed), or when nobody works on it any more (1).

    \f
    Raises UserError for --watch with --json.
    """
    from negbench.cli.status_lines import look_at_run, look_at_search
    from negbench.experiment.finished.status import status as of_run
    from negbench.tuning.status import search_status
    from negbench.tuning.tune_file import is_search

    if watching and as_json:
        raise UserError(
            "--json shows the status once; leave out --watch, and call it again and again"
        )
    if watching:
        from negbench.cli.watch import watch

        if is_search(run_dir):
            return watch(lambda: look_at_search(search_status(run_dir)))
        return watch(lambda: look_at_run(of_run(run_dir)))
    if is_search(run_dir):
        states = search_status(run_dir)
        _show([asdict(each) for each in states], look_at_search(states).lines, as_json=as_json)
    else:
        now = of_run(run_dir)
        _show(asdict(now), look_at_run(now).lines, as_json=as_json)
    return 0


def _show(value: object, lines: list[str], *, as_json: bool) -> None:
    if as_json:
        lines = [json.dumps(value, indent=1, ensure_ascii=False)]
    for line in lines:
        click.echo(line)
