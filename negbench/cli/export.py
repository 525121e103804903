"""`export`: lists, relevance, the split or logged negatives of a run, for other programs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from negbench.cli import tab_words
from negbench.cli.command import command
from negbench.cli.log_lines import log_lines
from negbench.cli.reading_options import RUN
from negbench.errors import UserError

if TYPE_CHECKING:
    from negbench.storage.cell_store import Array, Cell


@command(
    examples={
        "a TREC file of each system": "negbench export runs/first --format trec -o lists/",
        "with the model's scores, trained again": "negbench export runs/first -m dns --seed 0 "
        "--format trec --scores -o dns.trec",
        "relevant pairs for ranx or pytrec_eval": "negbench export runs/first --qrels -o qrels.txt",
        "the split for RecBole": "negbench export runs/first --split --format recbole -o recbole",
    }
)
@RUN
@click.option("--recs", is_flag=True, help="The recommended lists  [what is written by default]")
@click.option("--negatives", is_flag=True, help="The negatives kept by run --log-negatives")
@click.option("--qrels", is_flag=True, help="What is relevant to whom: the pairs of the test part")
@click.option("--split", is_flag=True, help="Train, valid and test, a file each in a new folder")
@click.option(
    "-d",
    "--dataset",
    shell_complete=tab_words.list_of(tab_words.names_in_run("dataset")),
    multiple=True,
    help="Cells of these data sets alone  [all]",
)
@click.option(
    "-b",
    "--backbone",
    shell_complete=tab_words.list_of(tab_words.names_in_run("backbone")),
    multiple=True,
    help="Of these backbones  [all]",
)
@click.option(
    "-m",
    "--method",
    shell_complete=tab_words.list_of(tab_words.names_in_run("method")),
    multiple=True,
    help="Of these rows of the table, or methods  [all]",
)
@click.option("--seed", multiple=True, help="Of these seeds, as 0,1 or 100-103  [all]")
@click.option(
    "--scores",
    is_flag=True,
    help="The model's scores of the lists: it is trained again  [without: TREC has K - rank + 1]",
)
@click.option("--k", type=int, help="Length of the lists, up to 100  [the greatest K measured]")
@click.option(
    "--format",
    "form",
    shell_complete=tab_words.either("csv", "parquet", "trec", "recbole"),
    default="",
    help="csv, parquet; trec for lists and --qrels, recbole for --split  [by the ending of -o, "
    "else csv; --qrels: trec]",
)
@click.option(
    "-o", "--out", help="A new file; a new folder for --split and, a file a system, for trec"
)
def export(
    run_dir: Path,
    recs: bool,
    negatives: bool,
    qrels: bool,
    split: bool,
    dataset: tuple[str, ...],
    backbone: tuple[str, ...],
    method: tuple[str, ...],
    seed: tuple[str, ...],
    scores: bool,
    k: int | None,
    form: str,
    out: str | None,
) -> None:
    """What other tools need of a run, with the users' and items' ids.

    Its recommended lists, logged negatives, relevant test pairs (qrels), or the split. RecBole
    trains on the split; ranx and pytrec_eval judge lists in TREC's form by the qrels. Cells keep no
    scores: with --scores each is trained again, and refused where its lists are not those kept.
    """
    from negbench.experiment.export.export import Export
    from negbench.experiment.export.which import Which
    from negbench.experiment.options.value_parsers import listed

    flags = {"recs": recs, "negatives": negatives, "qrels": qrels, "split": split}
    named = (listed(dataset, "dataset"), listed(backbone, "backbone"), listed(method, "method"))
    which = Which(*named, _seeds(seed))
    what = _one_of(flags)
    form = form or _form_of(what, out or "")
    exported = Export(run_dir, what, form, k, which, _scores_of if scores else None)
    with log_lines():  # damaged cells are logged
        if out is None:
            exported.write(sys.stdout)
            return
        path = Path(out)
        if split or out.endswith("/") or (not path.suffix and exported.several_files):
            rows = exported.write_folder(path)
        else:
            rows = {path: exported.write_file(path)}
    for file, n in rows.items():
        click.echo(f"{file}  {n:,} rows")


def _seeds(words: tuple[str, ...]) -> tuple[int, ...]:
    """The seeds that are named: 3 is seed 3 alone here, not the first three.

    Raises UserError for a word that names none.
    """
    from negbench.experiment.options.seed_words import seeds

    lone = (f"{word}-{word}" if word.isdecimal() else word for word in words)
    return tuple(dict.fromkeys(seed for word in lone for seed in seeds(word, "seed")))


def _form_of(what: str, out: str) -> str:
    """The form that the ending of a file names, where this export has it; else empty."""
    from negbench.experiment.export.export import FORMATS

    ending = Path(out).suffix.removeprefix(".")
    return ending if ending in FORMATS[what] else ""


def _scores_of(run: Path, cell: "Cell") -> "Array":
    """The scores of a cell's lists, by its model that is trained again."""
    from negbench.mining.run_model import trained_cell

    return trained_cell(run, cell).list_scores()


def _one_of(flags: dict[str, bool]) -> str:
    """The thing to export; lists where no flag is given."""
    given = [name for name, flag in flags.items() if flag]
    if len(given) > 1:
        words = " and ".join(f"--{name}" for name in given)
        raise UserError(f"an export is one thing at a time; got {words}; leave one of them")
    return given[0] if given else "recs"
