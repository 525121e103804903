"""`status`: how far a run or a search has come."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from negbench.experiment.finished.status import Status, Working


@click.command()
@click.argument("run_dir", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="For programs")
def status(run_dir: Path, as_json: bool) -> None:
    """Cells done, failed and pending, who works on what, the time left; of a search its rows."""
    from negbench.experiment.finished.status import status as read
    from negbench.tuning.status import search_status
    from negbench.tuning.tune_file import is_search

    if is_search(run_dir):
        states = search_status(run_dir)
        if as_json:
            click.echo(json.dumps([asdict(each) for each in states], indent=1, ensure_ascii=False))
            return
        for each in states:
            count = f"{each.winners} of {each.rows} rows have a winner"
            failed = f"; {each.failed_trials} trials failed" if each.failed_trials else ""
            click.echo(f"search   {count}{failed}   {each.name}")
            for name, part in (("trials", each.trials), ("winners", each.final)):
                for at, line in enumerate(_lines(part, each.go_on) if part else ()):
                    click.echo(f"{name if at == 0 else '':8} {line}")
        return
    now = read(run_dir)
    if as_json:
        click.echo(json.dumps(asdict(now), indent=1, ensure_ascii=False))
        return
    for line in _lines(now, now.go_on):
        click.echo(line)


def _lines(now: "Status", go_on: str) -> Iterator[str]:
    """Counts, the time left, and what ended badly or took long."""
    from negbench.storage.training_end import STILL_RISING, WARM_UP_ONLY

    line = f"{now.done} done, {len(now.failed)} failed, {len(now.pending)} pending"
    yield line + (f"; {now.other} of earlier commands" if now.other else "")
    if now.pending:
        left = now.seconds_left
        yield "left     " + ("not known yet" if left is None else f"about {left:.0f} s")
        yield f"go on    {go_on}"
    for each in now.working:
        yield _worker(each)
    for words, count in ((STILL_RISING, now.capped), (WARM_UP_ONLY, now.warm_up_only)):
        if count:
            yield f"budget   {words}: {count} of {now.trained}"
    for label, reason in now.failed.items():
        yield f"failed   {label}: {reason}"
    for sentence in now.damaged:
        yield f"damaged  {sentence}"
    for label, seconds in now.slowest:
        yield f"slowest  {label}  {seconds:.1f} s"


def _worker(each: "Working") -> str:
    """Who works on a cell, since when, and the last sign of life."""
    from negbench.data.number_words import span

    line = f"{each.host} pid {each.process}  {each.label}  since {span(each.seconds)}"
    line += f" (heartbeat {span(each.heartbeat)} ago)"
    return f"stale    {line}; the next run takes it over" if each.stale else f"working  {line}"
