"""Rows under several settings are tested against the baseline of their own."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.two_rates_run import HIGH, MEANS, write_two_rates

from negbench.analysis.runs.frames import open_run
from negbench.analysis.statistics.significance import significance


def books(folder: Path, **options: Any) -> pd.DataFrame:
    """The lines of the data set `books`, by row."""
    frame = significance(open_run(folder), **options)
    return frame[frame["dataset"] == "books"].set_index("row")


def test_a_row_is_tested_against_the_baseline_of_its_own_settings(
    tmp_path: Path, write: Any
) -> None:
    run = write_two_rates(write, tmp_path)
    frame, one = books(run), books(run, vs="random@lr=0.001")
    # dns at the high rate is far above random at the low one, and as random at its own.
    assert one["verdict"]["dns@lr=0.03"] == "better"
    assert one["difference"]["dns@lr=0.03"] == pytest.approx(0.1005)
    assert set(one["baseline"]) == {"random@lr=0.001"}
    assert frame["conclusion"]["dns@lr=0.03"] == "not told apart"
    assert frame["difference"]["dns@lr=0.03"] == pytest.approx(0.0005, abs=1e-8)
    assert frame["relative"]["dns@lr=0.03"] == pytest.approx(0.0005 / 0.3, rel=1e-4)
    assert frame["baseline"]["dns@lr=0.03"] == "random@lr=0.03"
    assert frame["verdict"]["dns@lr=0.001"] == one["verdict"]["dns@lr=0.001"] == "better"
    of_row = ["difference", "low", "statistic", "df", "p", "detectable", "effect", "effect_low"]
    own = books(run, vs="random@lr=0.03").loc["dns@lr=0.03", of_row]
    assert frame.loc["dns@lr=0.03", of_row].to_dict() == own.to_dict()
    # Two comparisons are made in the block, so Holm doubles the smaller p.
    assert frame["p"].notna().sum() == 2
    assert frame["p_corrected"]["dns@lr=0.001"] == pytest.approx(2 * frame["p"]["dns@lr=0.001"])
    assert frame["p_corrected"]["dns@lr=0.03"] == frame["p"]["dns@lr=0.03"]
    assert set(frame["verdict"][["random@lr=0.001", "random@lr=0.03"]]) == {"same"}
    assert frame["verdict"]["most_popular"] == frame["conclusion"]["most_popular"] == ""
    assert np.isnan(frame["difference"]["most_popular"]) and np.isnan(frame["wins"]["most_popular"])


def test_a_relative_margin_is_of_the_mean_of_the_own_baseline(tmp_path: Path, write: Any) -> None:
    run = write_two_rates(write, tmp_path, {**MEANS, ("dns", HIGH): 0.36})
    # 30 % are .06 of .2 and .09 of .3: .05 with its interval lies within, and so does .06.
    frame = books(run, margin="30%")
    assert set(frame["conclusion"][["dns@lr=0.001", "dns@lr=0.03"]]) == {"same"}
    frame = books(run, margin="22%")  # .044 of .2 and .066 of .3
    assert frame["conclusion"]["dns@lr=0.001"] == "better"
    assert frame["conclusion"]["dns@lr=0.03"] == "same"


def test_a_baseline_that_did_not_finish_has_no_stand_in(tmp_path: Path, write: Any) -> None:
    means = {**MEANS, ("random", None): 0.2, ("dns", None): 0.25}
    frame = books(write_two_rates(write, tmp_path, means, failed=("random", HIGH)))
    assert frame["verdict"]["dns@lr=0.03"] == "" and np.isnan(frame["p"]["dns@lr=0.03"])
    assert frame["baseline"]["dns@lr=0.03"] == "random@lr=0.03"
    assert frame["verdict"]["dns@lr=0.001"] == frame["verdict"]["dns"] == "better"
    assert frame["baseline"]["dns"] == frame["baseline"]["most_popular"] == "random"
    assert frame["verdict"]["most_popular"] == "worse"
