"""`table`: the main table of a run, and its form for a paper."""

from pathlib import Path

import click
from click.core import ParameterSource

from negbench.cli import tab_words
from negbench.cli.command import command
from negbench.cli.reading_options import BANDS, FOLDER, METRIC, PLUGIN, RUNS
from negbench.cli.show import deliver, writable
from negbench.errors import UserError

PAPER, APPENDIX = "paper", "appendix"
OF_PAPER = ("rows", "columns", "names", "spread", "label", "width")
OF_TESTS = ("metric", "vs")


@command(
    examples={
        "the main table": "negbench table runs/first",
        "by a metric chosen after training": "negbench table runs/first --metric recall@50 "
        "--format md",
        "one LaTeX table for a paper": "negbench table runs/first --format paper "
        "--rows random,dns -o main.tex",
    }
)
@RUNS
@click.option(
    "--format",
    "format_",
    shell_complete=tab_words.either("text", "md", "csv", "latex", "html", "paper", "appendix"),
    default="text",
    help="text, md, csv, latex or html; for a paper: paper, one table, and appendix  [text]",
)
@METRIC
@BANDS
@click.option(
    "--vs",
    shell_complete=tab_words.one_of(tab_words.names_in_run("method")),
    help="The row that others are tested against  [random]",
)
@click.option(
    "--rows",
    multiple=True,
    shell_complete=tab_words.list_of(tab_words.names_in_run("method")),
    help="Of paper: these rows, in this order  [all]",
)
@click.option(
    "--columns",
    multiple=True,
    help="Of paper: these data sets, backbones and metrics, as goodbooks,mf,ndcg@20  [all]",
)
@click.option("--names", type=FOLDER, help="Of paper: a file of lines `dns, DNS`: what is printed")
@click.option("--spread", is_flag=True, help="Of paper: every mean with its deviation over seeds")
@click.option("--label", default="tab:negbench", help="Of paper: its LaTeX label  [tab:negbench]")
@click.option(
    "--width", type=float, default=345.0, help="Of paper: points of a line; wider is parted  [345]"
)
@click.option("-o", "--out", type=FOLDER, help="Write to this file instead of the screen")
@PLUGIN
def table(
    run_dirs: tuple[Path, ...],
    format_: str,
    metric: str | None,
    bands: str | None,
    vs: str | None,
    rows: tuple[str, ...],
    columns: tuple[str, ...],
    names: Path | None,
    spread: bool,
    label: str,
    width: float,
    out: Path | None,
) -> None:
    """The main table of one run, or of several read as one.

    `--format paper` is one LaTeX table of rows x (data sets x backbones x metrics), `--format
    appendix` the protocol and the settings behind it.

    \f
    Raises UserError for options that the format does not take.
    """
    from negbench.experiment.finished.run import analysis, open_run
    from negbench.experiment.options.plugin_selection import words

    known = [*analysis("tables.main_table").LAYOUTS, PAPER, APPENDIX]
    analysis("tables.render").require_format("a table format", format_, known)
    _refuse(format_)
    if out is not None:
        writable(out)
    run = open_run(run_dirs, bands=bands)
    if format_ == PAPER:
        text = run.paper(
            rows=words(rows),
            columns=words(columns),
            names=names,
            spread=spread,
            label=label,
            width=width,
            metric=metric,
            vs=vs,
        )
    elif format_ == APPENDIX:
        text = run.appendix()
    else:
        text = run.table(format_, metric=metric, vs=vs)
    deliver(run, text, out, notes=format_ != "csv")


def _refuse(format_: str) -> None:
    """Raises UserError for a typed option that the format does not take."""
    context = click.get_current_context()
    typed = [
        name
        for name in (*OF_PAPER, *OF_TESTS)
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    for name in typed:
        if name in OF_PAPER and format_ != PAPER:
            raise UserError(
                f"--{name} is an option of --format {PAPER}; got --format {format_}; "
                f"add --format {PAPER}, or leave it out"
            )
        if name in OF_TESTS and format_ == APPENDIX:
            raise UserError(
                f"--{name} is no option of --format {APPENDIX}, which has no test; drop it"
            )
