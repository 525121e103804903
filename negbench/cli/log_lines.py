"""Prints the package's log messages as plain lines on standard error, while a command runs."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import click


class LogLines(logging.Handler):
    """A log handler that prints the bare message; a progress bar is cleared and drawn again."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        bars = getattr(sys.modules.get("tqdm"), "tqdm", None)
        with bars.external_write_mode(file=sys.stderr) if bars else nullcontext():
            click.echo(self.format(record), err=True)


@contextmanager
def log_lines(*, quiet: bool = False) -> Iterator[None]:
    """Print messages of the package while the block lasts; `quiet` drops those of its cells."""
    package, *cells = map(logging.getLogger, ("negbench", "negbench.experiment", "negbench.tuning"))
    handler, levels = LogLines(), [each.level for each in (package, *cells)]
    package.addHandler(handler)
    package.setLevel(logging.INFO)
    for each in cells:
        each.setLevel(logging.WARNING if quiet else logging.NOTSET)
    try:
        yield
    finally:
        package.removeHandler(handler)
        for each, level in zip((package, *cells), levels, strict=True):
            each.setLevel(level)
