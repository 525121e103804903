"""The command line. Nothing heavy is imported before a command needs it."""

import click

from negbench.cli.audit import audit
from negbench.cli.bundle import bundle
from negbench.cli.check import check
from negbench.cli.cite import cite
from negbench.cli.command import WIDTH
from negbench.cli.compare import compare
from negbench.cli.completion import completion
from negbench.cli.doctor import doctor
from negbench.cli.exit_codes import Shell
from negbench.cli.explain import explain
from negbench.cli.export import export
from negbench.cli.factors import factors
from negbench.cli.inspect import data, download, info, list_
from negbench.cli.leaderboard import leaderboard
from negbench.cli.mine import mine
from negbench.cli.new import new
from negbench.cli.recommend import recommend
from negbench.cli.reproduce import reproduce
from negbench.cli.run import resume, run
from negbench.cli.show import plot, report
from negbench.cli.status import status
from negbench.cli.table import table
from negbench.cli.tune import tune
from negbench.cli.tuning import tuning
from negbench.version import __version__

SECTIONS: dict[str, tuple[click.Command, ...]] = {
    "Train": (run, tune, resume, status, reproduce),
    "Read runs": (
        table,
        tuning,
        compare,
        factors,
        recommend,
        audit,
        plot,
        report,
        leaderboard,
        explain,
    ),
    "Take out of runs": (export, mine, cite, bundle),
    "Look up": (list_, info, data, download),
    "Add and set up": (new, check, completion, doctor),
}
"""Every command, in the order in which they are needed."""


@click.group(
    cls=Shell,
    sections=SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDTH},
    examples={
        "a short tour on embedded data": "negbench run",
        "your own file": "negbench run -d ratings.csv -m random,popularity,dns -o runs/first",
        "everything on one page": "negbench report runs/first",
        "what there is": "negbench list methods",
    },
)
@click.version_option(__version__, prog_name="negbench", message="%(prog)s %(version)s")
def main() -> None:
    """Benchmark and analysis of negative sampling methods for recommender systems.

    `negbench run` alone is a short tour on embedded data. Exit codes: 0 done, 1 some cells failed
    (with --dry-run: would fail) or a condition of `audit --fail-on` holds, 2 a wrong option, 3 data
    not to be had, 4 nothing to report, 130 interrupted.
    """
