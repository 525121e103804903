"""Exit codes: an error is one sentence on standard error and a code, not a traceback.

So is a place that cannot be read or written: a locked folder, a full disk, a name that is too long.
"""

import errno
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from negbench.cli.command import HelpPage
from negbench.errors import UserError, did_you_mean

INTERRUPTED = 130
CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
CLOSED |= {errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG}
"""Errors of a place, and not of the code that reads or writes there."""


class Shell(HelpPage, click.Group):
    """A click group whose commands return their exit code; a UserError becomes one."""

    def __init__(
        self,
        *given: Any,
        sections: Mapping[str, Sequence[click.Command]] | None = None,
        **settings: Any,
    ) -> None:
        """`sections` are commands by the title under which help shows them; they are added."""
        super().__init__(*given, **settings)
        self.sections = dict(sections or {})
        for each in (command for section in self.sections.values() for command in section):
            self.add_command(each)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the commands."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands section by section, each with its first sentence as a whole."""
        width = max(map(len, self.commands))
        for title, commands in (self.sections or {"Commands": [*self.commands.values()]}).items():
            with formatter.section(title):
                formatter.write_dl(
                    [(f"{c.name:{width}}", c.get_short_help_str(limit=1000)) for c in commands]
                )

    def main(self, args: Sequence[str] | None = None, **settings: Any) -> Any:  # type: ignore[override]
        """Run a command and leave with its code."""
        sys.exit(self._code(args, **{**settings, "standalone_mode": False}))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command. Raises click.UsageError for an unknown one, with the nearest names."""
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            near = did_you_mean(args[0], self.list_commands(ctx))
            raise click.UsageError(f"commands must be known; got {args[0]!r}; {near}")
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Commands in the order in which they are needed."""
        return list(self.commands)

    def _code(self, args: Sequence[str] | None, **settings: Any) -> int:
        words = tuple(sys.argv[1:] if args is None else args)
        try:
            code = super().main(words, **{"obj": words, **settings})
            sys.stdout.flush()
            return code if isinstance(code, int) else 0
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.ctx.get_help() if error.ctx else "", err=True)
            return 2
        except click.ClickException as error:
            return _fail(_sentence(error), 2)
        except UserError as error:
            return _fail(str(error), error.exit_code)
        except (KeyboardInterrupt, click.Abort):
            return _fail("interrupted", INTERRUPTED)
        except BrokenPipeError:  # the reader has gone, as with `| head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except OSError as error:
            if error.errno not in CLOSED or not isinstance(error.filename, str | bytes):
                raise
            return _fail(_closed(error), 2)


def typed_words() -> tuple[str, ...]:
    """The words of the command line that runs, without the program's name."""
    words: tuple[str, ...] = click.get_current_context().find_root().obj
    return words


def _closed(error: OSError) -> str:
    """One sentence for a place that is locked, full or of another kind; a file by its last name."""
    from negbench.storage.atomic_write import ASIDE

    path = Path(os.fsdecode(error.filename))
    aside = ASIDE.fullmatch(path.name)
    named = path.with_name(aside["name"]) if aside else path
    return (
        "a place must be one that this command can read and write; "
        f"{named} is not ({error.strerror}); make room, "
        "unlock it, or name another, as with -o"
    )


def _fail(sentence: str, code: int) -> int:
    click.echo(f"negbench: {sentence}", err=True)
    return code


def _sentence(error: click.ClickException) -> str:
    """Click's message in one line, with our words for the nearest names."""
    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        options = [o for p in error.ctx.command.params for o in p.opts if o.startswith("--")]
        near = did_you_mean(error.option_name, options)
        return f"options must be known; got {error.option_name!r}; {near}"
    return " ".join(error.format_message().split())
