"""`leaderboard`: a page of one study or several that readers sort and filter, and its data."""

from pathlib import Path

import click

from negbench.cli import tab_words
from negbench.cli.command import command
from negbench.cli.reading_options import FOLDER, PLUGIN, RUNS
from negbench.errors import UserError
from negbench.version import __version__

DIFFERS = 1
"""Exit code where --check finds other data than the runs give."""
SHOWN = 5
"""So many differences are printed one by one."""


@command(
    examples={
        "one run as a page: runs/first/leaderboard/index.html, data.json beside it": (
            "negbench leaderboard runs/first"
        ),
        "a result is added: its folder, and the hash that its author announced": (
            "negbench leaderboard runs/first runs/mine --hash 3f2a0b1c2d3e -o board"
        ),
        "whether a page that was published is what these runs give": (
            "negbench leaderboard runs/first runs/mine -o board --check"
        ),
    }
)
@RUNS
@click.option(
    "--metrics",
    shell_complete=tab_words.metrics,
    help="The main one first, as ndcg@10,recall@50  [ndcg@20,recall@20]",
)
@click.option("--hash", "hashes", multiple=True, help="A hash that one of the runs must have")
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 if the folder differs")
@click.option("-o", "--out", type=FOLDER, help="The folder of the page  [RUN_DIR/leaderboard]")
@PLUGIN
def leaderboard(
    run_dirs: tuple[Path, ...],
    metrics: str | None,
    hashes: tuple[str, ...],
    check: bool,
    out: Path | None,
) -> int:
    """Write a page to sort, filter and plot by, of one run or of several, and its data.json.

    \f
    Raises UserError if the folder cannot be one, or has no data to check.
    """
    from negbench.experiment.finished.run import analysis
    from negbench.storage.atomic_write import write_text

    folder = out or run_dirs[0] / "leaderboard"
    unusable = not folder.parent.is_dir() or (folder.exists() and not folder.is_dir())
    if unusable and (out is not None or folder.parent.is_dir()):  # a missing run says so itself
        raise UserError(f"--out must be a folder, in one that is there; got {folder}")
    published = folder / "data.json"
    if check and not published.is_file():
        raise UserError(f"--check needs the data.json of a leaderboard; {published} is not there")
    asked = [each.strip() for each in (metrics or "").split(",") if each.strip()]
    data = analysis("leaderboard.board").board(list(run_dirs), asked, hashes, version=__version__)
    for path, source in zip(dict.fromkeys(run_dirs), data["sources"], strict=True):
        click.echo(f"{source['hash'][:12]}  {path}  {source['cells']}")
    if check:
        return _checked(analysis("leaderboard.check").differences(published, data), published)
    page = analysis("leaderboard.page")
    folder.mkdir(exist_ok=True)
    write_text(published, page.data_text(data))
    write_text(folder / "index.html", page.page_text(data))
    click.echo(str(folder / "index.html"))
    return 0


def _checked(differ: list[str], published: Path) -> int:
    """Say whether the data are those of the runs; the exit code."""
    if not differ:
        click.echo(f"{published} is what these runs give")
        return 0
    for line in differ[:SHOWN]:
        click.echo(f"negbench: {line}", err=True)
    more = f" ({len(differ) - SHOWN} more)" if len(differ) > SHOWN else ""
    click.echo(f"negbench: {published} is not what these runs give{more}", err=True)
    return DIFFERS
