"""`audit`: popularity bias of a run or of lists of others, whom it serves, and false negatives."""

from pathlib import Path

import click

from negbench.cli import tab_words
from negbench.cli.command import command
from negbench.cli.reading_options import BANDS, FOLDER
from negbench.cli.show import writable
from negbench.errors import UserError

FAILED = 1
"""Exit code where a condition of --fail-on holds."""


@command(
    examples={
        "popularity bias of every row": "negbench audit runs/first",
        "one page in words, with shares by genre": "negbench audit runs/first --items items.csv "
        "--group genre -o page.html",
        "lists of another system alone": "negbench audit --recs lists.csv --train train.csv "
        "--test test.csv",
        "exit code 1 in a pipeline": "negbench audit runs/first --fail-on 'arp>90,coverage<0.3'",
    }
)
@click.argument("run_dirs", nargs=-1, type=FOLDER, shell_complete=tab_words.run_folders)
@click.option("--summary", is_flag=True, help="One page in words: who gains, who loses, how sure")
@click.option(
    "--method",
    "methods",
    shell_complete=tab_words.list_of(tab_words.names_in_run("method")),
    multiple=True,
    help="These rows alone  [all; on the page the best]",
)
@click.option(
    "--metric",
    shell_complete=tab_words.metric,
    help="The accuracy shown and the K of the lists  [ndcg@20]",
)
@BANDS
@click.option("--items", type=FOLDER, help="Table of items: an id, title, any other columns")
@click.option("--group", help="A column of it, as genre, to set lists against histories by")
@click.option("--recs", multiple=True, type=FOLDER, help="Lists of others: csv, parquet or TREC")
@click.option("--train", type=FOLDER, help="Their train pairs, where there is no run")
@click.option("--test", type=FOLDER, help="Their test pairs, for the accuracy")
@click.option("--user", help="Column of the user in these files")
@click.option("--item", help="Column of the item")
@click.option("--fail-on", help="Exit code 1 if it holds for a row, as 'arp>90,coverage<0.3'")
@click.option(
    "--format",
    "format_",
    shell_complete=tab_words.either("text", "md", "latex", "csv", "json", "html", "pdf"),
    help="text, md, latex, csv, json; of a page html, pdf  [text]",
)
@click.option("--json", "as_json", is_flag=True, help="For programs: --format json")
@click.option("-o", "--out", type=FOLDER, help="A file; one that ends in .html or .pdf is a page")
def audit(
    run_dirs: tuple[Path, ...],
    summary: bool,
    methods: tuple[str, ...],
    metric: str | None,
    bands: str | None,
    items: Path | None,
    group: str | None,
    recs: tuple[Path, ...],
    train: Path | None,
    test: Path | None,
    user: str | None,
    item: str | None,
    fail_on: str | None,
    format_: str | None,
    as_json: bool,
    out: Path | None,
) -> int:
    """Popularity bias, accuracy by group and false negatives; of runs, and of lists of others.

    `--recs LISTS` stand beside the rows of a run, or alone with `--train PAIRS`. With `--fail-on`
    the exit code is 1 if a condition holds for a row, or a row has no value for it.
    """
    from negbench.data.readers.column_roles import Columns
    from negbench.experiment.finished.audit import Audit, Lists
    from negbench.experiment.finished.run import open_run
    from negbench.experiment.options.plugin_selection import words

    if out is not None:
        writable(out)
    ending = "" if out is None else out.suffix.lower().removeprefix(".")
    page = summary or ending in ("html", "pdf")
    form = "json" if as_json else format_ or (ending if page and ending in _PAGES else "text")
    lists = (
        Lists(recs, train, test, Columns(user=user, item=item)) if recs or train or test else None
    )
    _refuse(
        {
            "--items and --group are for the page; add --summary": not page
            and (items is not None or group is not None),
            "a PDF is written to a file; add -o page.pdf": form == "pdf" and out is None,
            "--user and --item are columns of --recs and --train; leave them out": lists is None
            and (user is not None or item is not None),
        }
    )
    asked = Audit(
        open_run(run_dirs, bands=bands) if run_dirs else None,
        lists,
        metric=metric,
        bands=bands,
        methods=tuple(words(methods)) if methods else (),
        items=items,
        group=group,
    )
    content = asked.page(form) if page else asked.tables(form)
    failed, rows = asked.failures(fail_on) if fail_on is not None else ([], 0)
    _deliver(content, out)
    if asked.unfinished and form == "csv":
        click.echo(f"negbench: WARNING: {asked.unfinished}", err=True)
    for line in failed:
        click.echo(f"negbench: --fail-on: {line}", err=True)
    if fail_on is not None and not failed:
        count = f"{rows} row{'s' if rows > 1 else ''}"
        click.echo(f"negbench: --fail-on: no condition of {fail_on} holds for {count}", err=True)
    return FAILED if failed else 0


_PAGES = ("html", "pdf", "md", "json")


def _refuse(mistakes: dict[str, bool]) -> None:
    """Raises UserError with the first sentence that applies."""
    for sentence, applies in mistakes.items():
        if applies:
            raise UserError(sentence)


def _deliver(content: str | bytes, out: Path | None) -> None:
    """Print the text, or write the file."""
    from negbench.storage.atomic_write import write_bytes, write_text

    if out is None:
        click.echo(content.decode() if isinstance(content, bytes) else content.rstrip("\n"))
    elif isinstance(content, bytes):
        write_bytes(out, content)
    else:
        write_text(out, content.rstrip("\n") + "\n")
