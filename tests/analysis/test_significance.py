from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from negbench.analysis.frames import open_run
from negbench.analysis.significance import holm, paired_t, significance


def test_holm_by_hand() -> None:
    # Sorted .005 .01 .03 .04 times 4 3 2 1 = .02 .03 .06 .04, then made monotone.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]).tolist() == []


def test_holm_passes_over_the_unknown() -> None:
    adjusted = holm([np.nan, 0.01, 0.02])
    assert np.isnan(adjusted[0])
    assert adjusted[1:] == pytest.approx([0.02, 0.02])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_the_raw_value_and_bonferroni(p: list[float]) -> None:
    adjusted = holm(p)
    assert (adjusted >= np.array(p) - 1e-12).all()
    assert (adjusted <= np.minimum(1, np.array(p) * len(p)) + 1e-12).all()


def test_paired_t_equals_scipy() -> None:
    rng = np.random.default_rng(0)
    for n in (2, 5, 300):
        a, b = rng.normal(0.1, 1, n), rng.normal(0, 1, n)
        theirs = stats.ttest_rel(a, b)
        assert paired_t(a - b) == pytest.approx((theirs.statistic, theirs.pvalue))


def test_paired_t_at_its_edges() -> None:
    assert paired_t([0.0, 0.0, 0.0]) == (0.0, 1.0)
    assert paired_t([0.5, 0.5]) == (np.inf, 0.0)
    assert np.isnan(paired_t([0.5])).all()


def test_seeds_are_averaged_within_the_user(folder: Path) -> None:
    told = significance(open_run(folder))
    books = told[told["dataset"] == "books"].set_index("row")
    # dns - random per user: .2 .2 .1 .2, mean .175, std .05, t = .175 / .025 = 7
    assert books["difference"]["dns"] == pytest.approx(0.175)
    assert books["t"]["dns"] == pytest.approx(7)
    assert books["n_users"]["dns"] == 4
    # popularity - random: 0 0 -.1 -.1, t = -.05 / (.057735 / 2) = -sqrt(3)
    assert books["t"]["popularity"] == pytest.approx(-(3**0.5), rel=1e-5)
    p = [2 * stats.t.sf(7, 3), 2 * stats.t.sf(3**0.5, 3)]
    assert books["p_holm"][["dns", "popularity"]].tolist() == pytest.approx([2 * p[0], p[1]])
    assert books["verdict"].to_dict() == {"dns": "better", "popularity": "same", "random": "same"}
    assert np.isnan(books["p_holm"]["random"])
    assert books["relative"]["dns"] == pytest.approx(0.175 / 0.225)


def test_the_tie_group_holds_the_best_and_its_like(folder: Path, write: Any) -> None:
    near = ([0.2, 0.4, 0.4, 0.5], [0.5, 0.3, 0.4, 0.4])  # users .35 .35 .4 .45 against .3 .4 .4 .5
    for seed in (0, 1):
        write(folder, "books", "mixed", seed, {"all": near[seed]})
    told = significance(open_run(folder))
    books = told[told["dataset"] == "books"].set_index("row")
    assert set(books.index[books["tied"]]) == {"dns", "mixed"}
    assert set(books.index[books["best"]]) == {"dns"}


def test_references_and_half_rows_are_left_out(folder: Path, write: Any) -> None:
    write(folder, "books", "mixed", 0, {"all": [0.9] * 4})
    assert set(significance(open_run(folder))["row"]) == {"random", "popularity", "dns"}


def test_without_the_baseline_there_is_a_tie_group_and_no_verdict(folder: Path) -> None:
    told = significance(open_run(folder), vs="nothing")
    assert set(told["verdict"]) == {""}
    assert told["p_holm"].isna().all()
    assert told["best"].sum() == 2


def test_users_in_another_order_change_nothing(folder: Path) -> None:
    before = significance(open_run(folder))
    for cell in (folder / "cells").iterdir():
        with np.load(cell / "users.npz") as arrays:
            turned = {name: arrays[name][::-1] for name in arrays.files}
        np.savez(cell / "users.npz", **turned)
    after = significance(open_run(folder))
    assert after["p_holm"].tolist() == pytest.approx(before["p_holm"].tolist(), nan_ok=True)
