"""`factors`: factorial analysis of variance over samplers, objectives and backbones."""

from pathlib import Path

import click

from negbench.cli import tab_words
from negbench.cli.command import command
from negbench.cli.reading_options import BANDS, FOLDER, METRIC, RUNS
from negbench.cli.show import writable

EPILOGUE = "negbench factors runs/bpr runs/bce runs/softmax"


@command(
    examples={
        "one factorial in three runs": "negbench run -m random,dns -b mf,lightgcn --objective bpr "
        "-o runs/bpr",
        "the same with bce and softmax, then": EPILOGUE,
        "and as a figure": f"{EPILOGUE} --plot plots",
        "some levels alone, for a paper": f"{EPILOGUE} -m random,dns --format latex",
    }
)
@RUNS
@click.option(
    "-m",
    "--methods",
    "samplers",
    shell_complete=tab_words.list_of(tab_words.names_in_run("method")),
    help="These samplers alone, as random,dns  [all]",
)
@click.option("--objective", "objectives", help="These objectives alone, as bpr,softmax  [all]")
@click.option(
    "-b",
    "--backbones",
    shell_complete=tab_words.list_of(tab_words.names_in_run("backbone")),
    help="These backbones alone, as mf,lightgcn  [all]",
)
@METRIC
@BANDS
@click.option(
    "--format",
    "format_",
    shell_complete=tab_words.either("text", "md", "latex", "csv", "json"),
    default="text",
    help="text, md, latex, csv or json  [text]",
)
@click.option("-o", "--out", type=FOLDER, help="Write to this file instead of the screen")
@click.option("--plot", "plots", type=FOLDER, help="Draw the shares too: pdf, png, csv  [none]")
def factors(
    run_dirs: tuple[Path, ...],
    samplers: str | None,
    objectives: str | None,
    backbones: str | None,
    metric: str | None,
    bands: str | None,
    format_: str,
    out: Path | None,
    plots: Path | None,
) -> None:
    """Which matters most: sampler, objective or backbone (factorial analysis of variance).

    Every sampler must have been run under every objective on every backbone, with the same seeds.
    The variance of the metric is split into main effects, interactions and seeds, on all items and
    on those of each band, with intervals over users and seeds. Tuned runs may differ in the
    objective of their search, and in nothing else.
    """
    from negbench.experiment.finished.run import analysis
    from negbench.storage.atomic_write import write_text

    if out is not None:
        writable(out)
    named = {"sampler": samplers, "objective": objectives, "backbone": backbones}
    only = {factor: _words(text) for factor, text in named.items() if text}
    layouts = analysis("tables.factors_text")
    layouts.require_factors_format(format_)
    run = analysis("runs.joined_runs").joined(run_dirs, bands)
    values = analysis("tables.factors").factors(run, metric, only)
    page = layouts.render(run, values, format=format_).rstrip("\n")
    if out is None:
        click.echo(page)
    else:
        write_text(out, f"{page}\n")
    for path in analysis("report.write_factors").write_factors(values, plots) if plots else ():
        click.echo(str(path), err=True)
    if format_ == "csv" and (sentence := analysis("tables.pending_notes").pending(run)):
        click.echo(f"negbench: WARNING: {sentence}", err=True)


def _words(text: str) -> list[str]:
    from negbench.plugins.term_syntax import split

    return split(text, ",")
