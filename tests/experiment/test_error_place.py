"""Where an error arose: in the user's own file if it went through it, else where it was raised."""

import json
import runpy

import pytest

from negbench.experiment.workers.error_place import place


def raised(do):
    with pytest.raises(Exception) as info:
        do()
    return info.value


def test_the_users_line_counts_though_the_error_is_raised_deeper(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("import json\n\n\njson.loads('{')\n")
    assert place(raised(lambda: runpy.run_path(str(path)))) == f"{path}:4"


def test_without_one_the_innermost_line_does():
    error = raised(lambda: json.loads("{"))
    error.__traceback__ = error.__traceback__.tb_next.tb_next
    assert place(error).startswith(json.decoder.__file__)


def test_what_was_never_raised_has_no_place():
    assert place(ValueError()) == ""
