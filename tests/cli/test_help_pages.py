"""Help pages: groups of options, and examples that the commands accept."""

import shlex
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from negbench.cli import main
from negbench.cli.command import WIDTH, HelpPage
from negbench.plugins import registry

RUN_FILE, TUNE_FILE = (sys.modules[f"negbench.cli.{name}"] for name in ("run", "tune"))
"""The modules: in the package their names are those of the commands."""


def pages(group, path=("negbench",)):
    yield path, group
    for name, command in getattr(group, "commands", {}).items():
        yield from pages(command, (*path, name))


PAGES = dict(pages(main))
EXAMPLES = sorted({line for page in PAGES.values() for line in page.examples.values()})
RUN = [
    "Data",
    "Methods and models",
    "Split and ranking",
    "Training",
    "What is measured in training",
    "Running",
    "Output",
]


def shown(path, columns):
    result = CliRunner().invoke(main, [*path[1:], "--help"], env={"COLUMNS": str(columns)})
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def titles(lines):
    return [line[:-1] for line in lines if line.endswith(":") and not line.startswith(" ")]


def parsed(words):
    """The command of a line, and what click reads of it; nothing is run."""
    context, command = main.make_context("negbench", list(words)), main
    while isinstance(command, click.Group):
        _, command, words = command.resolve_command(context, words)
        context = command.make_context(command.name, list(words), parent=context)
    return command, context.params


@pytest.mark.parametrize("path", PAGES, ids=" ".join)
def test_every_page_ends_in_one_to_four_examples_and_fits(path):
    assert isinstance(PAGES[path], HelpPage) and 1 <= len(PAGES[path].examples) <= 4
    for columns in (60, 80, 300):
        lines = shown(path, columns)
        assert max(map(len, lines)) <= WIDTH
        at = lines.index("Examples:")
        assert lines[at + 1 :] == [
            f"  {line}"
            for item in PAGES[path].examples.items()
            for line in (f"# {item[0]}", item[1])
        ]


@pytest.mark.parametrize("path", PAGES, ids=" ".join)
def test_click_accepts_the_examples_and_one_at_least_is_of_the_command(path):
    lines = [shlex.split(line) for line in PAGES[path].examples.values()]
    assert all(program == "negbench" for program, *_ in lines)
    commands = [parsed(words)[0] for _, *words in lines]
    assert isinstance(PAGES[path], click.Group) or PAGES[path] in commands


@pytest.mark.parametrize("line", EXAMPLES)
def test_the_values_of_an_example_are_accepted_too(line, monkeypatch, tmp_path):
    """Up to training: rows, splits and settings are checked, no data are read."""
    started = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(RUN_FILE, "_carry_out", lambda *a, **k: started.append(a) or 0)
    monkeypatch.setattr(TUNE_FILE, "carry_out", lambda *a, **k: started.append(a) or 0)
    words = shlex.split(line)[1:]
    command, read = parsed(words)
    if command.name in ("run", "tune"):
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 0 and len(started) == 1, result.output
    for kind in read.get("asked", ())[1:]:
        assert kind in registry.names("figures")
    if command.name in ("list", "info", "completion"):
        assert CliRunner().invoke(main, words).exit_code == 0
    for name in read.get("names") or () if command.name == "download" else ():
        registry.require("datasets", name)
    if command.name == "reproduce":
        from negbench.reproduction.targets import choose

        assert read["blocks"] == () or choose(read["blocks"])


def test_a_wrong_example_would_be_noticed():
    with pytest.raises(click.UsageError):
        parsed(["run", "--methodz", "dns"])
    with pytest.raises(click.UsageError):
        parsed(["trein"])


def test_run_and_tune_show_their_options_in_groups():
    assert titles(shown(("negbench", "run"), 100)) == [*RUN, "Examples"]
    assert titles(shown(("negbench", "tune"), 100)) == [*RUN[:2], "Search", *RUN[2:], "Examples"]
    for name in ("run", "tune"):
        page = PAGES["negbench", name]
        options = [each for each in page.params if isinstance(each, click.Option)]
        assert len(options) > 40 and all(each.group in (*RUN, "Search") for each in options)
        text = "\n".join(shown(("negbench", name), 100))
        assert all(f" {max(each.opts, key=len)}" in text for each in options)


def test_the_groups_are_aligned_and_those_without_one_are_called_options():
    lines = shown(("negbench", "run"), 100)
    starts = {
        line.index(word)
        for word in ("At most this many", "Names, files")
        for line in lines
        if word in line
    }
    assert len(starts) == 1
    assert titles(shown(("negbench", "compare"), 100)) == ["Options", "Examples"]


def test_every_command_stands_once_on_the_first_page_with_its_whole_sentence():
    lines = shown(("negbench",), 300)
    for name, command in main.commands.items():
        (line,) = [line for line in lines if line.startswith(f"  {name} ")]
        assert line.split(maxsplit=1)[1][:30] in " ".join(command.help.split())
    assert not [line for line in lines[1:] if line.endswith("...")]


def test_docstrings_of_commands_have_no_examples_of_their_own():
    for file in Path(RUN_FILE.__file__).parent.glob("*.py"):
        assert "As in: negbench" not in file.read_text("utf-8")
