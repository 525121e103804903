"""Arguments and options that commands share which read a finished run."""

from pathlib import Path

import click

from negbench.cli import tab_words
from negbench.plugins import registry

FOLDER = click.Path(path_type=Path)
RUN = click.argument("run_dir", type=FOLDER, shell_complete=tab_words.run_folders)
RUNS = click.argument(
    "run_dirs", nargs=-1, required=True, type=FOLDER, shell_complete=tab_words.run_folders
)
METRIC = click.option(
    "--metric", shell_complete=tab_words.metric, help="Any at any K, as recall@50  [ndcg@20]"
)
BANDS = click.option("--bands", help="Other popularity bands, as count:5,50  [those of the run]")
PLUGIN = click.option(
    "--plugin",
    "plugins",
    multiple=True,
    help="File of a figure or metric; its code runs",
    expose_value=False,
    callback=lambda _, __, paths: [registry.add_plugin(path) for path in paths],
    shell_complete=tab_words.files,
)
DATASET = click.option(
    "-d",
    "--dataset",
    shell_complete=tab_words.one_of(tab_words.names_in_run("dataset")),
    help="Where a run has several",
)
BACKBONE = click.option(
    "-b",
    "--backbone",
    shell_complete=tab_words.one_of(tab_words.names_in_run("backbone")),
    help="Likewise",
)
SEED = click.option("--seed", type=int, help="Which training  [the first]")
