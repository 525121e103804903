"""What the Tab key offers: names of plug-ins and metrics, run folders, names within a run.

It answers while somebody waits, so it imports no torch and no data set. In a list the last piece is
completed: `random,d` becomes `random,dns`. Words that a shell would take apart are not offered.
"""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from negbench.plugins import registry

Offer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
Known = Callable[[click.Context], Iterable[str]]
MARKS = ("run.json", "tune.json")
"""What the folder of a run holds, and that of a search; the trials in a search are not offered."""
LENGTHS = (20, 10)
"""Those of the metrics that are offered; any other may be typed."""
_UNQUOTED = re.compile(r"[\w@%+=,./~-]+")


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The shell's own completion of files."""
    del ctx, param
    return [CompletionItem(incomplete, type="file")]


def folders(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The shell's own completion of folders."""
    del ctx, param
    return [CompletionItem(incomplete, type="dir")]


def one_of(known: Known, otherwise: Offer | None = None) -> Offer:
    """One word of those that are known; where none begins so, what `otherwise` offers."""

    def offer(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        fitting = _items(word for word in known(ctx) if word.startswith(incomplete))
        return fitting or (otherwise(ctx, param, incomplete) if otherwise else [])

    return offer


def list_of(known: Known, otherwise: Offer | None = None) -> Offer:
    """A list of known words, by its last piece; words that are in it are not offered again."""

    def offer(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        if incomplete.count("(") > incomplete.count(")"):  # within the settings of a word
            return []
        before, comma, last = incomplete.rpartition(",")
        sign = "-" if comma and last.startswith("-") else ""  # all,-dns
        start, there = last.removeprefix(sign), before.split(",")
        fitting = (word for word in known(ctx) if word.startswith(start) and word not in there)
        items = _items(f"{before}{comma}{sign}{word}" for word in fitting)
        return items or (otherwise(ctx, param, incomplete) if otherwise else [])

    return offer


def either(*known: str) -> Offer:
    """One of these words."""
    return one_of(lambda _: known)


def names(family: str) -> Known:
    """All plug-ins of a family."""
    return lambda _: registry.names(family)


def names_in_run(field: str) -> Known:
    """Data sets, backbones or methods of the run on the same command line, else all there are."""

    def known(ctx: click.Context) -> Iterable[str]:
        cells = [cell for typed in _folders(ctx) for cell in _planned(Path(typed).expanduser())]
        here = dict.fromkeys(str(each.get(field, "")) for each in cells)
        return [name for name in here if name] or registry.names(f"{field}s")

    return known


def run_folders(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Folders of runs and searches, here or one level down; where there are none, all folders."""
    head, slash, start = incomplete.rpartition("/")
    top = Path(head + slash or ".").expanduser()
    runs: list[Path] = []
    for folder in _inside(top, start):
        runs += [folder] if _is_run(folder) else filter(_is_run, _inside(folder, ""))
    typed = _items(f"{head}{slash}{each.relative_to(top).as_posix()}" for each in runs)
    return typed or folders(ctx, param, incomplete)


def _folders(ctx: click.Context) -> Iterable[str | Path]:
    """The run folders that are typed already; before an option's value click leaves them unread."""
    params = ctx.params
    return [*filter(None, [params.get("run_dir")]), *(params.get("run_dirs") or ()), *ctx.args]


def _items(fitting: Iterable[str]) -> list[CompletionItem]:
    return [CompletionItem(word) for word in fitting if _UNQUOTED.fullmatch(word)]


def _planned(run: Path) -> list[dict[str, str]]:
    """The planned cells that a run.json begins with; those of later commands are not read."""
    try:
        return list(json.loads((run / MARKS[0]).read_bytes())["cells"])
    except (OSError, ValueError, LookupError, TypeError):
        return []


def _inside(folder: Path, start: str) -> list[Path]:
    """The folders in a folder that begin so; hidden ones where their dot is typed."""
    try:
        there = sorted(each for each in folder.iterdir() if each.is_dir())
    except OSError:
        return []
    hidden = start.startswith(".")
    return [f for f in there if f.name.startswith(start) and f.name.startswith(".") == hidden]


def _is_run(folder: Path) -> bool:
    return any((folder / mark).is_file() for mark in MARKS)


def _with_lengths(ctx: click.Context) -> Iterable[str]:
    return (f"{name}@{k}" for k in LENGTHS for name in names("metrics")(ctx))


methods = list_of(lambda ctx: ["all", *names("methods")(ctx)])
backbones = list_of(names("backbones"))
references = list_of(names("references"))
datasets = list_of(names("datasets"), otherwise=files)
metrics = list_of(_with_lengths)
metric = one_of(_with_lengths)
