"""Commands with a help page to work from: options in groups, examples at the end."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import click

WIDTH = 100
"""Columns of a help page where the terminal has them."""
BESIDE = 30
"""Columns of an option's name up to which its description stands beside it, and not below."""
UNGROUPED = "Options"
"""The title over options of a command without groups."""


class GroupedOption(click.Option):
    """An option that help shows under the title of its group."""

    def __init__(self, *names: Any, group: str, **settings: Any) -> None:
        """`group` is the title; the rest is that of every option."""
        super().__init__(*names, **settings)
        self.group = group


def in_group(title: str) -> Any:
    """What declares an option of this group, as `click.option` does."""
    return partial(click.option, cls=GroupedOption, group=title)


class HelpPage(click.Command):
    """A command whose help ends in examples; groups stand in the order of their first option."""

    def __init__(
        self, *given: Any, examples: Mapping[str, str] | None = None, **settings: Any
    ) -> None:
        """`examples` are command lines by what each is for; the rest is that of every command."""
        super().__init__(*given, **settings)
        self.examples = dict(examples or {})

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options group by group; those of no group, as --help, end the last one."""
        groups: dict[str, list[tuple[str, str]]] = {}
        alone: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if isinstance(parameter, click.Option) and record is not None:
                title = getattr(parameter, "group", None)
                (alone if title is None else groups.setdefault(title, [])).append(record)
        groups.setdefault(list(groups)[-1] if groups else UNGROUPED, []).extend(alone)
        names = [len(name) for records in groups.values() for name, _ in records]
        width = min(max(names, default=0), BESIDE)  # one for all groups, so that they are aligned
        for title, records in groups.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl([(f"{name:{width}}", text) for name, text in records])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples; no line of one is folded, so that each can be copied."""
        if self.examples:
            with formatter.section("Examples"):
                for purpose, line in self.examples.items():
                    indent = " " * formatter.current_indent
                    formatter.write(f"{indent}# {purpose}\n{indent}{line}\n")


command = partial(click.command, cls=HelpPage)
"""Declares a command with `examples`."""
