"""`export`: lists, relevance, the split or logged negatives of a run, for other programs."""

import sys
from pathlib import Path

import click

from negbench.cli.log_lines import log_lines
from negbench.cli.show import FOLDER
from negbench.errors import UserError


@click.command()
@click.argument("run_dir", type=FOLDER)
@click.option("--recs", is_flag=True, help="The recommended lists  [what is written by default]")
@click.option("--negatives", is_flag=True, help="The negatives kept by run --log-negatives")
@click.option("--qrels", is_flag=True, help="What is relevant to whom: the pairs of the test part")
@click.option("--split", is_flag=True, help="Train, valid and test, a file each in a new folder")
@click.option("-d", "--dataset", multiple=True, help="Cells of this data set alone  [all]")
@click.option(
    "-b", "--backbone", multiple=True, help="Of this backbone; each may come again  [all]"
)
@click.option("-m", "--method", multiple=True, help="Of this row of the table, or method  [all]")
@click.option("--seed", type=int, multiple=True, help="Of this seed  [all]")
@click.option("--k", type=int, help="Length of the lists, up to 100  [the greatest K measured]")
@click.option(
    "--format",
    "form",
    default="",
    help="csv, parquet; trec for lists and --qrels, recbole for --split  [csv; --qrels: trec]",
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
    seed: tuple[int, ...],
    k: int | None,
    form: str,
    out: str | None,
) -> None:
    """What other tools need of a run, with the users' and items' ids.

    Its recommended lists, logged negatives, relevant test pairs (qrels), or the split. RecBole
    trains on the split; ranx and pytrec_eval judge lists in TREC's form by the qrels.
    """
    from negbench.experiment.export.export import Export
    from negbench.experiment.export.which import Which

    flags = {"recs": recs, "negatives": negatives, "qrels": qrels, "split": split}
    which = Which(datasets=dataset, backbones=backbone, methods=method, seeds=seed)
    exported = Export(run_dir, _one_of(flags), form, k, which)
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


def _one_of(flags: dict[str, bool]) -> str:
    """The thing to export; lists where no flag is given."""
    given = [name for name, flag in flags.items() if flag]
    if len(given) > 1:
        words = " and ".join(f"--{name}" for name in given)
        raise UserError(f"an export is one thing at a time; got {words}; leave one of them")
    return given[0] if given else "recs"
