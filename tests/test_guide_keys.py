"""Options in README and guide exist, and the page on experiment files has every key."""

import re
from dataclasses import fields
from pathlib import Path

from negbench.cli import main
from negbench.experiment.options.experiment_file import SEVERAL
from negbench.experiment.options.options import ALIASES, COLUMNS, KEYS, TRAIN, Options
from negbench.training.config import TrainConfig
from negbench.tuning.protocol import Protocol

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "docs" / "guide"
PAGES = [ROOT / "README.md", *sorted(GUIDE.glob("*.md"))]
SEARCH = "| key of `[tune]` |"
"""The head of the second table of keys."""


def rows(text):
    """Key and default of each line of a table."""
    return re.findall(r"^\| `([\w.]+)` \| (\S+) \|", text, re.M)


OF_TORCHRUN = {"--nproc-per-node", "--nnodes", "--rdzv-endpoint"}


def as_shown(value):
    """A default as the tables have it."""
    if value is None or value in ("", ()):
        return "-"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`{','.join(map(str, value))}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def test_every_option_in_the_guide_is_an_option():
    known = {
        option
        for command in [*main.commands.values(), *main.commands["data"].commands.values()]
        for parameter in command.params
        for option in parameter.opts
    }
    for page in PAGES:
        lines = page.read_text("utf-8").splitlines()
        ours = [line for line in lines if not line.startswith(("python benchmarks/", "sh "))]
        shown = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", "\n".join(ours))) - OF_TORCHRUN
        assert shown <= known, (page.stem, shown - known)


def test_every_key_of_an_experiment_file_is_on_its_page():
    table = rows((GUIDE / "experiment_files.md").read_text("utf-8").split(SEARCH)[0])
    options, train = Options(), TrainConfig()
    defaults = {key: getattr(options, key) for key in KEYS} | {key: None for key in COLUMNS}
    defaults |= {f"train.{key}": getattr(train, key) for key in TRAIN}
    defaults |= {key: None for key in ("own", "train", SEVERAL)}
    shown = {key: as_shown(value) for key, value in defaults.items()} | {"shard": "`1/1`"}
    assert dict(table) == shown and len(table) == len(shown)


def test_every_key_of_a_search_is_on_its_page():
    table = rows((GUIDE / "experiment_files.md").read_text("utf-8").split(SEARCH)[1])
    shown = {each.name: as_shown(each.default) for each in fields(Protocol)}
    assert dict(table) == shown | {"splits": "`1`", "space": "-"}


def test_the_short_forms_of_keys_are_on_their_page():
    text = " ".join((GUIDE / "experiment_files.md").read_text("utf-8").split())
    listed = text.split("Short forms:")[1].split(" for the longer words")[0]
    assert set(re.findall(r"`(\w+)`", listed)) == set(ALIASES)
