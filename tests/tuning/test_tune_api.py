"""`negbench.tune`: the command as a function."""

import pytest
from helpers.small_runs import DATA

import negbench
from negbench.errors import UserError
from negbench.storage.search_store import read_searches

SMALL = {"trials": 2, "finalists": 1, "final_seeds": 1, "test_seeds": 2, "progress": False}
ROWS = {"datasets": DATA, "methods": "dns", "epochs": 1, "dim": 8}


def test_a_search_from_python_gives_the_winners_run(tmp_path):
    space = {"dns": {"candidates": ("of", 3, 5)}}
    run = negbench.tune(out=tmp_path / "run", space=space, **ROWS, **SMALL)
    assert set(run.frame["row"]) == {"dns"} and "dns" in run.tuning()
    (search,) = read_searches(tmp_path / "run")
    assert [trial["settings"]["candidates"] for trial in search["trials"]][1] in (3, 5)
    again = negbench.tune(out=tmp_path / "run", space=space, **ROWS, **SMALL)
    assert again.frame.equals(run.frame)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"seeds": 3}, "--final-seeds"),
        ({"tuned": "embedded"}, "leave it out"),
        ({"overwrite": "all"}, "another folder"),
        ({"space": {"dns": {"nothing": ("of", 1)}}}, "parameters of it"),
        ({"space": {"dns": 3}}, "section"),
        ({"space": {1: {"lr": ("log", 0.1, 0.2)}}}, "a key must be text; got 1"),
        ({"space": 5}, "--space must be a file, or a mapping of ranges; got 5"),
        ({"trials": "many"}, "whole number"),
        ({"splits": 0}, "1 or more"),
        ({"config": 3}, "mapping"),
        ({"columns": 3}, "columns must be a mapping"),
        ({"trails": 3}, "did you mean"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_nothing_is_written(tmp_path, wrong, words):
    with pytest.raises(UserError, match=words):
        negbench.tune(**{**ROWS, **SMALL, "out": tmp_path / "run", **wrong})
    assert not (tmp_path / "run").exists()
