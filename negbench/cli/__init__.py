"""The command line. Nothing heavy is imported before a command needs it."""

import click

from negbench.cli.audit import audit
from negbench.cli.bundle import bundle
from negbench.cli.check import check
from negbench.cli.cite import cite
from negbench.cli.compare import compare
from negbench.cli.doctor import doctor
from negbench.cli.exit_codes import Shell
from negbench.cli.explain import explain
from negbench.cli.export import export
from negbench.cli.inspect import data, download, info, list_
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


@click.group(cls=Shell, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="negbench", message="%(prog)s %(version)s")
def main() -> None:
    """Benchmark and analysis of negative sampling methods for recommender systems.

    `negbench run` alone is a short tour on embedded data. Exit codes: 0 done, 1 some cells failed,
    or a condition of `audit --fail-on` holds, 2 a wrong option, 3 data not to be had, 4 nothing to
    report, 130 interrupted.
    """


for command in (run, tune, resume, status, table, tuning, compare, recommend, audit, plot, report):
    main.add_command(command)
for command in (explain, export, cite, bundle, mine, reproduce, list_, info, data, download):
    main.add_command(command)
for command in (new, check, doctor):
    main.add_command(command)
