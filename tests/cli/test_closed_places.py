"""A place that cannot be read or written is one sentence, whichever command it was."""

import errno
import os

import click
import pytest
from click.testing import CliRunner

from negbench.cli import main
from negbench.cli.exit_codes import Shell
from negbench.storage import atomic_write


@click.group(cls=Shell)
def app():
    """Commands for the test."""


@app.command()
@click.argument("number", type=int)
@click.argument("name")
def fail(number, name):
    """Fail as the system does."""
    raise OSError(number, os.strerror(number), name)


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOSPC, errno.EROFS, errno.ENAMETOOLONG])
def test_a_closed_place_is_one_sentence(number):
    done = CliRunner().invoke(app, ["fail", str(number), "runs/report.html"])
    assert done.exit_code == 2 and done.stderr.count("\n") == 1
    assert f"runs/report.html is not ({os.strerror(number)})" in done.stderr


def test_a_file_in_the_making_goes_by_its_name(tmp_path):
    hidden = atomic_write.aside(tmp_path / "report.html")
    done = CliRunner().invoke(app, ["fail", str(errno.EACCES), str(hidden)])
    assert f" {tmp_path / 'report.html'} is not (" in done.stderr


def test_other_errors_of_the_system_keep_their_traceback():
    done = CliRunner().invoke(app, ["fail", str(errno.EBADF), "x"])
    assert isinstance(done.exception, OSError)


def test_a_part_of_a_search_names_the_folder_that_goes_on(tmp_path):
    (tmp_path / "tune.json").write_text("{}")
    for part, words in (("trials", "the trials"), ("split-1", "one split"), ("split-1/trials", "")):
        (tmp_path / part).mkdir(parents=True)
        done = CliRunner().invoke(main, ["resume", str(tmp_path / part)])
        assert done.exit_code == 2 and words in done.stderr
        assert done.stderr.endswith(f"go on with: negbench resume {tmp_path}\n")
