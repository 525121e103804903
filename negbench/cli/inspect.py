"""`list`, `info`, `data check` and `download`: plug-ins and data sets, before a run."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from negbench.cli import catalogue, tab_words
from negbench.cli.command import HelpPage, command
from negbench.cli.exit_codes import Shell
from negbench.cli.info_page import info_page, plain
from negbench.cli.log_lines import log_lines
from negbench.errors import UserError, did_you_mean
from negbench.plugins import registry
from negbench.plugins.bibtex import bibtex, negbench_entry
from negbench.version import __version__


def _names(context: click.Context) -> Iterable[str]:
    """Everything that `info` knows, for the Tab key."""
    families = ("figures" if kind == "plots" else kind for kind in catalogue.KINDS)
    return dict.fromkeys(name for each in families for name in tab_words.names(each)(context))


@command(
    "list",
    examples={
        "everything": "negbench list",
        "the dynamic methods": "negbench list methods --family dynamic",
    },
)
@click.argument("kind", required=False, shell_complete=tab_words.either(*catalogue.KINDS))
@click.option("--family", help="Only this family, as static or dynamic")
@click.option(
    "--plugin",
    "plugins",
    multiple=True,
    shell_complete=tab_words.files,
    help="A plug-in's file; its code runs",
)
@click.option("--json", "as_json", is_flag=True, help="For programs")
def list_(kind: str | None, family: str | None, plugins: tuple[str, ...], as_json: bool) -> None:
    """List methods, backbones, datasets, references, objectives, metrics, probes and plots.

    KIND is one of these words; without it all are listed.
    """
    for path in plugins:
        registry.add_plugin(path)
    kinds = [_kind(kind)] if kind else list(catalogue.KINDS)
    listed = _entries(kinds, family)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in listed], indent=1, ensure_ascii=False))
        return
    width = max(len(each.name) for each in listed)
    for one in kinds:
        lines = [each for each in listed if each.kind == one]
        if lines and not kind:
            click.echo(f"{one}:")
        for each in lines:
            click.echo(f"  {each.name:{width}}  {each.family:11}  {each.title}")


@command(
    examples={
        "a method": "negbench info dns",
        "the reference of its paper": "negbench info dns --bibtex",
    }
)
@click.argument("name", shell_complete=tab_words.one_of(_names))
@click.option(
    "--plugin",
    "plugins",
    multiple=True,
    shell_complete=tab_words.files,
    help="A plug-in's file; its code runs",
)
@click.option("--json", "as_json", is_flag=True, help="For programs")
@click.option("--bibtex", "as_bibtex", is_flag=True, help="BibTeX of its paper; also of negbench")
def info(name: str, plugins: tuple[str, ...], as_json: bool, as_bibtex: bool) -> None:
    """Paper, formula, parameters, search space and needs of anything that `list` names."""
    for path in plugins:
        registry.add_plugin(path)
    if as_bibtex:
        click.echo(_bibtex(name))
        return
    kind = _kind_of(name)
    facts = _facts(kind, name)
    if as_json:
        click.echo(json.dumps(facts, indent=1, ensure_ascii=False))
        return
    card = registry.card(_family(kind), name) if facts.get("presets") else None
    click.echo(info_page(name, kind, facts, card.preset_lines(name) if card else []))


@command(
    examples={
        "two data sets at once": "negbench download ml_100k ml_1m",
    }
)
@click.argument("names", nargs=-1, required=True, shell_complete=tab_words.datasets)
@click.option(
    "--data-dir",
    shell_complete=tab_words.folders,
    help="Folder with files at hand in official layout",
)
def download(names: tuple[str, ...], data_dir: str | None) -> None:
    """Fetch data sets into the cache, check them, and print their sizes."""
    from negbench.data.load import load
    from negbench.experiment.options.plugin_selection import select

    for name in select("datasets", names):
        with log_lines():
            loaded = load(name, data_dir=data_dir)
        users, items = f"{loaded.n_users:,} users", f"{loaded.n_items:,} items"
        click.echo(f"{name}   {users}  {items}  {len(loaded):,} interactions   {loaded.licence}")
        for note in loaded.notes:
            click.echo(f"note   {note}")


@click.group(
    cls=Shell, examples={"a file of yours, before a run": "negbench data check ratings.csv"}
)
def data() -> None:
    """Look at data before they are used."""


@data.command(
    cls=HelpPage,
    examples={
        "what negbench reads in it": "negbench data check ratings.csv --user uid --item iid",
        "a split by time": "negbench data check ml_100k --split 'temporal(0.8,0.9)'",
    },
)
@click.argument("name", shell_complete=tab_words.datasets)
@click.option("--user", help="Column of the user")
@click.option("--item", help="Column of the item")
@click.option("--time", help="Column of the time")
@click.option("--rating", help="Column of the rating")
@click.option("--min-rating", help="Rows rated below are dropped")
@click.option("--layout", help="Lines of a file: pairs, lists, sequences, sessions  [as seen]")
@click.option("--order", help="Orders a user's rows of it: time, rows, none  [time if any]")
@click.option("--item-features", shell_complete=tab_words.files, help="Table of the items' columns")
@click.option("--user-features", shell_complete=tab_words.files, help="Table of the users' columns")
@click.option("--test-file", help="Of a folder with several test files, the one to rank  [test]")
@click.option(
    "--data-dir", shell_complete=tab_words.folders, help="Folder with data sets in official layout"
)
@click.option("--bands", default="mass", help="As for run  [mass]")
@click.option("--split", "rule", default="", help="As for run  [auto]")
@click.option("--json", "as_json", is_flag=True, help="For programs")
def check(
    name: str,
    user: str | None,
    item: str | None,
    time: str | None,
    rating: str | None,
    min_rating: str | None,
    layout: str | None,
    order: str | None,
    item_features: str | None,
    user_features: str | None,
    test_file: str | None,
    data_dir: str | None,
    bands: str,
    rule: str,
    as_json: bool,
) -> None:
    """Users, items, density, k-core, bands, split, times and caveats of a FILE or data set."""
    from negbench.data.dataset_words import both_meanings, is_name
    from negbench.data.load import load
    from negbench.data.readers.column_roles import Columns
    from negbench.experiment.options.options import refuse_columns
    from negbench.experiment.options.value_parsers import column
    from negbench.scenario.summary import summarise

    least = None if min_rating is None else column(min_rating, "min_rating")
    ways = (layout, order, user_features, item_features, test_file)
    columns = Columns(user, item, time, rating, least, *ways)
    if is_name(name):
        refuse_columns(columns, [name])
    with log_lines():
        interactions = load(name, data_dir=data_dir, columns=columns)
    facts = summarise(interactions, bands, rule)
    facts["notes"] += both_meanings([name], data_dir)
    if as_json:
        click.echo(json.dumps(facts, indent=1, ensure_ascii=False))
        return
    width = max(map(len, facts))
    for key, value in facts.items():
        for line in value if isinstance(value, list) else [value]:
            click.echo(f"{key:{width}} {plain(line)}")


def _entries(kinds: list[str], family: str | None) -> list[catalogue.Entry]:
    listed = [each for kind in kinds for each in catalogue.entries(kind, family)]
    if family and not listed:
        known = sorted({each.family for kind in kinds for each in catalogue.entries(kind)})
        near = did_you_mean(family, known)
        raise UserError(f"--family must be a known family; got {family!r}; {near}")
    return listed


def _kind(word: str) -> str:
    for kind in catalogue.KINDS:
        if word.lower() in (kind, kind.removesuffix("s")):
            return kind
    near = did_you_mean(word, list(catalogue.KINDS))
    raise UserError(f"kinds must be known; got {word!r}; {near}")


def _kind_of(name: str) -> str:
    known: dict[str, str] = {}
    for kind in catalogue.KINDS:
        for each in catalogue.entries(kind):
            known.setdefault(each.name, kind)
    if name not in known:
        raise UserError(
            f"names must be known; got {name!r}; {did_you_mean(name, list(known))} (negbench list "
            "shows all)"
        )
    return known[name]


def _family(kind: str) -> str:
    """The registry's word for a kind of `list`."""
    return "figures" if kind == "plots" else kind


def _facts(kind: str, name: str) -> dict[str, Any]:
    """What `info` prints; the keys are those of `--json`."""
    facts: dict[str, Any] = {"name": name, "kind": kind, "says": "", "parameters": []}
    family = _family(kind)
    if family in registry.FAMILIES or name in registry.added(family):
        facts |= asdict(registry.card(family, name))
        facts["says"] = registry.docstring(family, name)
        path, owner = registry.source(family, name), "Config"
    elif kind == "objectives":
        facts["title"] = catalogue.objectives()[name]
        path, owner = catalogue.objective_class(name)
    else:
        facts["title"] = {each.name: each.title for each in catalogue.entries(kind)}[name]
        path, owner = None, ""
    if isinstance(path, Path):
        facts["parameters"] = [
            {"name": p.name, "type": p.type, "default": p.default, "says": p.description}
            for p in catalogue.parameters(path, owner)
        ]
    return facts


def _bibtex(name: str) -> str:
    """The BibTeX of a plug-in or of negbench; raises UserError where its card names no paper."""
    if name == "negbench":
        return negbench_entry([__version__]).text
    kind = _kind_of(name)
    family, data = _family(kind), kind == "datasets"
    known = family in registry.FAMILIES or name in registry.added(family)
    text = bibtex(name, asdict(registry.card(family, name)), data=data) if known else ""
    if not text:
        raise UserError(
            f"--bibtex needs a card with a paper; {name} of {kind} has none; cite negbench itself "
            "(negbench info negbench --bibtex)"
        )
    return text
