"""Pairs picked by looking: sides by the corrected p, and balances with the noise of their users."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.graded_run import write_graded

from negbench.analysis.measures import bands
from negbench.analysis.runs import frames
from negbench.analysis.runs.frames import open_run
from negbench.analysis.statistics.told_apart import ToldApart, told_apart
from negbench.evaluation.metric_names import Metric

METRIC = Metric("ndcg", 20)
NAN = float("nan")


def test_a_side_is_the_sign_of_a_difference_that_is_told() -> None:
    p = np.array([[NAN, 0.01, NAN], [0.01, NAN, 0.2], [NAN, 0.2, NAN]])
    d = np.array([[0.0, -0.1, 0.3], [0.1, 0.0, 0.4], [-0.3, -0.4, 0.0]])
    tests = ToldApart(("a", "b", "c"), d, p, True)
    assert [tests.side("a", "b"), tests.side("b", "a")] == [-1, 1]
    assert tests.side("b", "c") == 0  # p = .2
    assert tests.side("a", "c") == 0  # no test
    assert tests.side("a", "nobody") == 0
    assert tests.untold("b", ["a", "b", "c"]) == ["c"]
    assert tests.p_of("a", "b") == 0.01


def test_the_values_of_the_users_have_the_balance_as_mean(tmp_path: Path, write: Any) -> None:
    means = {"all": 0.3, "head": 0.5, "tail": 0.2}
    run = open_run(write_graded(write, tmp_path, {"random": means}))
    for cell, _ in run.done:
        values = bands.user_balances(cell, METRIC)
        by_band = [frames.user_values(cell, METRIC, band).mean() for band in ("head", "tail")]
        assert values.mean() == pytest.approx(bands.balance(by_band))
        assert len(values) == 40 and values.std() > 0


def test_a_user_moves_the_balance_by_his_share(tmp_path: Path, write: Any) -> None:
    """Leaving a user out moves the balance by what his value says, to first order."""
    means = {"all": 0.3, "head": 0.5, "tail": 0.2}
    run = open_run(write_graded(write, tmp_path, {"random": means}, spread=0.05))
    cell = next(cell for cell, _ in run.done)
    values = bands.user_balances(cell, METRIC)
    parts = [frames.user_values(cell, METRIC, band) for band in ("head", "tail")]
    for user in (0, 7, 39):
        left = bands.balance([part.drop(user).mean() for part in parts])
        assert left == pytest.approx(values.drop(user).mean(), abs=2e-5)


def test_balances_are_told_apart_by_their_noise(tmp_path: Path, write: Any) -> None:
    near = {"all": 0.3, "head": 0.5, "tail": 0.21}
    rows = {"random": {"all": 0.3, "head": 0.5, "tail": 0.2}, "dns": near}
    sides = {}
    for name, spread in (("loud", 0.1), ("still", 0.001)):
        run = open_run(write_graded(write, tmp_path / name, rows, spread=spread))
        tests = told_apart(run, METRIC, bands.BALANCE)["books", "mf"]
        sides[name] = tests.side("dns", "random")
    assert sides == {"loud": 0, "still": 1}
