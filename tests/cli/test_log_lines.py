"""The package's log on a terminal: plain lines on standard error, only while a command runs."""

import io
import logging
import sys

from tqdm import tqdm

from negbench.cli.log_lines import log_lines

NAMES = ("data.some", "experiment.some", "tuning.some")
DATA, CELLS, SEARCH = (logging.getLogger(f"negbench.{name}") for name in NAMES)


def test_messages_are_plain_lines_while_the_block_lasts(capsys):
    with log_lines():
        DATA.info("fetching %s", "x")
        CELLS.warning("negbench: left out: y")
    DATA.info("late")
    assert capsys.readouterr() == ("", "fetching x\nnegbench: left out: y\n")


def test_quiet_drops_the_lines_of_cells_but_no_warning_and_no_download(capsys):
    with log_lines(quiet=True):
        DATA.info("fetching")
        CELLS.info("[1/2]")
        SEARCH.info("2 cells to train")
        CELLS.warning("damaged")
    assert capsys.readouterr().err == "fetching\ndamaged\n"
    assert not DATA.isEnabledFor(logging.INFO) and not CELLS.isEnabledFor(logging.INFO)


def test_a_bar_is_cleared_for_a_line(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    with tqdm(total=2, file=screen) as bar, log_lines():
        bar.refresh()
        DATA.info("a line")
    assert "\ra line\n" in screen.getvalue()


def test_without_a_handler_nothing_is_printed(capsys):
    DATA.warning("nobody listens")
    assert capsys.readouterr() == ("", "")
