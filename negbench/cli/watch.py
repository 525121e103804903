"""Shows a status again and again: on a terminal in place, elsewhere a line a minute."""

import shutil
import sys
import time
from collections.abc import Callable
from textwrap import TextWrapper

import click

from negbench.cli.status_lines import Look

PAUSE = 2.0
"""Seconds between two looks on a terminal; a look that takes long is taken less often."""
MINUTE = 60.0
"""Seconds between two lines where there is no terminal."""
SHARE = 10
"""A look takes at most so small a part of the time, one tenth."""
INDENT = " " * 9
"""Of what is folded: as wide as the word that starts a line."""
GRACE = 30.0
"""Seconds in which nobody works after which watching ends: a run may just be starting."""


def watch(look: Callable[[], Look]) -> int:
    """Show what `look` sees until nothing is left to do, or until nobody works on it any more.

    Returns the exit code: 0 where all is done, 1 where cells failed or are left.
    """
    screen = Screen() if sys.stdout.isatty() else None
    last_alive, last_line = time.monotonic(), -MINUTE
    while True:
        began = time.monotonic()
        now = look()
        took = time.monotonic() - began
        last_alive = began if now.alive else last_alive
        ends = now.over or began - last_alive > GRACE
        if screen is not None:
            screen.show(now.lines)
        elif ends or began - last_line >= MINUTE:
            click.echo(now.line)
            last_line = began
        if ends:
            return 0 if now.over and not now.failed else 1
        time.sleep(max(PAUSE, SHARE * took))


class Screen:
    """Lines at the bottom of a terminal, each time in place of the last ones."""

    def __init__(self) -> None:
        """Nothing is shown yet."""
        self.height = 0
        """Lines on the screen."""

    def show(self, lines: list[str]) -> None:
        """Replace what is shown; lines are folded to the width, and cut to the height."""
        width, height = shutil.get_terminal_size()
        fold = TextWrapper(max(width - 1, 20), subsequent_indent=INDENT).wrap
        folded = [part for line in lines for part in fold(line)]
        kept = folded if len(folded) < height else [*folded[: height - 2], "..."]
        back = f"\x1b[{self.height}A\x1b[J" if self.height else ""
        click.echo(back + "\n".join(kept))
        self.height = len(kept)
