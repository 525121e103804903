from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from negbench.analysis.runs.frames import open_run
from negbench.analysis.statistics.margin import Margin, parse_margin
from negbench.analysis.statistics.significance import significance
from negbench.analysis.statistics.test_procedure import Procedure
from negbench.errors import UserError
from negbench.storage.training_end import phase_record


def books(folder: Path, **options: Any) -> pd.DataFrame:
    """The lines of the data set `books`, by row."""
    frame = significance(open_run(folder), **options)
    return frame[frame["dataset"] == "books"].set_index("row")


def test_users_and_seeds_count(folder: Path) -> None:
    frame = books(folder)
    # dns - random: .1 .2 .1 .2 under seed 0 and .3 .2 .1 .2 under seed 1, mean .175.
    # Users .2 .2 .1 .2: MS 2 (3 * .025^2 + .075^2) / 3 = .005; seeds .15 .2: MS 4 * 2 * .025^2
    # = .005; left +-.075 and three +-.025 twice: MS 2 (.075^2 + 3 * .025^2) / 3 = .005.
    # Var(mean) = (max(0, .005 - .005) + .005) / 8 = .025^2: t = 7 with 1 degree of freedom.
    assert frame["difference"]["dns"] == pytest.approx(0.175)
    assert frame["statistic"]["dns"] == pytest.approx(7, rel=1e-5)
    assert frame["df"]["dns"] == pytest.approx(1, rel=1e-3)
    assert frame["p"]["dns"] == pytest.approx(2 * stats.t.sf(7, 1), rel=1e-3)
    half = 0.025 * stats.t.ppf(0.975, 1)
    ends = frame.loc["dns", ["low", "high"]].tolist()
    assert ends == pytest.approx([0.175 - half, 0.175 + half], rel=1e-3)
    assert frame["relative"]["dns"] == pytest.approx(0.175 / 0.225)
    assert frame["n_users"]["dns"] == 4 and set(frame["n_seeds"]) == {2}
    assert set(frame["covers"]) == {"users and seeds"}
    assert set(frame["conclusion"].drop("random")) == {"not told apart"}


def test_two_rows_of_one_training_show_no_least_difference(tmp_path: Path, write: Any) -> None:
    """It was 0, as if the smallest of differences would be found."""
    for seed in (0, 1):
        for method in ("random", "same"):
            write(tmp_path, "books", method, seed, {"all": [0.1, 0.2, 0.3, 0.2 + 0.1 * seed]})
    same = books(tmp_path).loc["same"]
    assert (same["difference"], same["p"], same["conclusion"]) == (0, 1, "not told apart")
    assert np.isnan(same["detectable"])


def test_a_gain_of_a_metric_below_0_is_a_gain(tmp_path: Path, write: Any) -> None:
    """As one of a plug-in may be: from -.5 to -.4 is a fifth more, not a fifth less."""
    for seed in (0, 1):
        for method, mean in (("random", -0.5), ("dns", -0.4)):
            values = mean + 0.01 * np.arange(4) + 0.01 * seed * (method == "dns")
            write(tmp_path, "books", method, seed, {"all": values})
    dns = books(tmp_path).loc["dns"]
    assert dns["difference"] > 0 and dns["relative"] == pytest.approx(0.105 / 0.485)


def test_trainings_that_differ_by_the_luck_of_the_seed_are_not_told_apart(
    tmp_path: Path, write: Any
) -> None:
    rng = np.random.default_rng(0)
    base, luck = rng.uniform(0.1, 0.5, 300), (0.0, 0.03, -0.02)
    for seed in range(3):
        noise = rng.normal(0, 0.02, (2, 300))
        write(tmp_path, "books", "random", seed, {"all": base + noise[0]})
        lucky = base + luck[seed] + 0.004 + noise[1]
        write(tmp_path, "books", "dns", seed, {"all": lucky})
    users, crossed = books(tmp_path, test="paired-t"), books(tmp_path)
    assert users["verdict"]["dns"] == "better" and users["p"]["dns"] < 1e-3
    assert crossed["conclusion"]["dns"] == "not told apart" and crossed["p"]["dns"] > 0.5
    assert crossed["seeds_needed"]["dns"] > 3
    assert set(users["covers"]) == {"users alone"} and users["seeds_needed"].isna().all()


def test_seeds_are_averaged_within_the_user_on_request(folder: Path) -> None:
    frame = books(folder, test="paired-t")
    # dns - random per user: .2 .2 .1 .2, mean .175, std .05, t = .175 / .025 = 7, 3 degrees
    assert frame["statistic"]["dns"] == pytest.approx(7)
    assert frame["df"]["dns"] == 3
    # popularity - random: 0 0 -.1 -.1, t = -.05 / (.057735 / 2) = -sqrt(3)
    assert frame["statistic"]["popularity"] == pytest.approx(-(3**0.5), rel=1e-5)
    p = 2 * stats.t.sf(7, 3)
    assert frame["p_corrected"]["dns"] == pytest.approx(3 * p)
    assert frame["verdict"]["dns"] == "better" and np.isnan(frame["p"]["random"])


def test_references_compete(folder: Path, write: Any) -> None:
    for dataset in ("books", "films"):
        strong = {"all": [0.6, 0.7, 0.7, 0.8]}
        write(folder, dataset, "item_knn", 0, strong, backbone="reference")
    frame = books(folder, test="paired-t")
    assert frame.index[frame["best"]].tolist() == ["item_knn"] and frame["rank"]["item_knn"] == 1
    assert not frame["tied"]["dns"] and frame["verdict"]["item_knn"] == "better"
    assert frame["kind"]["item_knn"] == "reference" and set(frame["backbone"]) == {"mf"}
    against = books(folder, test="paired-t", vs="item_knn")
    # dns: .3 .4 .4 .5, below .6 .7 .7 .8 by .3 for every user.
    assert against["difference"]["dns"] == pytest.approx(-0.3)
    assert against["verdict"]["dns"] == against["verdict"]["random"] == "worse"
    crossed = books(folder, vs="item_knn")
    assert crossed["p"]["dns"] > against["p"]["dns"]


def test_half_rows_are_left_out(folder: Path, write: Any) -> None:
    write(folder, "books", "mixed", 0, {"all": [0.9] * 4})
    rows = {"random", "popularity", "dns", "most_popular"}
    assert set(significance(open_run(folder))["row"]) == rows


def test_the_tie_group_is_corrected_for_the_looking(tmp_path: Path, write: Any) -> None:
    rng = np.random.default_rng(2)
    base = rng.uniform(0.1, 0.5, 200)
    for at in range(12):
        values = base + rng.normal(0, 0.05, 200)
        write(tmp_path, "books", f"row_{at}", 0, {"all": values})
    frame = books(tmp_path, vs="row_0")
    best = frame.index[frame["best"]][0]
    raw = books(tmp_path, vs=best)["p"].drop(best)
    assert (raw < 0.05).any() and frame["tied"].all()
    assert (frame["p_best"].drop(best) >= raw).all()


def test_one_procedure_makes_ranks_and_ties(folder: Path) -> None:
    for test in ("crossed", "paired-t", "wilcoxon"):
        frame = books(folder, test=test)
        best = frame[frame["best"]].iloc[0]
        apart = ~frame["tied"]
        assert best["rank_high"] == len(frame) - apart.sum()
        assert (frame.loc[apart, "rank_low"] > 1).all()
        assert (frame.loc[frame["tied"], "rank_low"] == 1).all()


def test_a_row_of_warm_up_only_is_not_ranked(folder: Path, write: Any) -> None:
    phase = phase_record("own", begins=2, best_epoch=1, epochs=2)
    for seed in (0, 1):
        write(
            folder,
            "books",
            "mixed",
            seed,
            {"all": [0.9, 0.8, 0.9, 0.8]},
            change=lambda record: record["fit"].update(phase=phase),
        )
    frame = books(folder)
    assert np.isnan(frame["rank"]["mixed"]) and not frame["tied"]["mixed"]
    assert not frame["best"]["mixed"] and frame["rank"]["dns"] == 1


def test_without_the_baseline_there_is_a_tie_group_and_no_verdict(folder: Path) -> None:
    frame = significance(open_run(folder), vs="nothing")
    assert set(frame["verdict"]) == set(frame["conclusion"]) == {""}
    assert frame["p_corrected"].isna().all()
    assert frame["best"].sum() == 2


def test_users_in_another_order_change_nothing(folder: Path) -> None:
    before = significance(open_run(folder))
    for cell in (folder / "cells").iterdir():
        with np.load(cell / "users.npz") as arrays:
            turned = {name: arrays[name][::-1] for name in arrays.files}
        np.savez(cell / "users.npz", **turned)
    after = significance(open_run(folder))
    assert after["p"].tolist() == pytest.approx(before["p"].tolist(), nan_ok=True)


def test_effect_wins_and_ranks_stand_beside_the_test(folder: Path) -> None:
    frame = books(folder)
    # dns: .2 .2 .1 .2, d_z = .175 / .05; popularity: 0 0 -.1 -.1, d_z = -.05 / .057735.
    assert frame["effect"]["dns"] == pytest.approx(3.5, rel=1e-4)
    assert frame["effect"]["popularity"] == pytest.approx(-(3**0.5) / 2, rel=1e-4)
    counts = frame[["wins", "ties", "losses"]].T.to_dict("list")
    assert counts["dns"] == [4, 0, 0] and counts["popularity"] == [0, 2, 2]
    # means .4 .225 .2 .175
    ranks = {"dns": 1, "random": 2, "most_popular": 3, "popularity": 4}
    assert frame["rank"].to_dict() == ranks
    assert (frame["effect_low"] <= frame["effect"]).all()


def test_other_tests_and_corrections(folder: Path) -> None:
    frame = books(folder, test="wilcoxon", correction="none")
    # Four users all win: 2 / 2^4. Two of four lose alike and two tie: 2 / 2^2.
    d = np.array([0.2, 0.2, 0.1, 0.2])
    assert frame["p"]["dns"] == pytest.approx(stats.wilcoxon(d).pvalue)
    assert (frame["p_corrected"].dropna() == frame["p"].dropna()).all()
    assert frame["statistic"]["dns"] == 0
    flipped = books(folder, test="permutation", correction="bh")
    # Of 16 flips 2 reach the sum of four wins; of 4 flips of two losses 2 do.
    assert flipped["p"]["dns"] == pytest.approx(2 / 16, abs=0.02)
    assert flipped["p"]["popularity"] == pytest.approx(2 / 4, abs=0.02)
    assert flipped["p_corrected"]["dns"] == pytest.approx(3 * flipped["p"]["dns"])


def test_equal_rows_tie_and_none_wins(tmp_path: Path, write: Any) -> None:
    for method in ("random", "popularity", "dns"):
        write(tmp_path / "run", "books", method, 0, {"all": [0.1, 0.2, 0.0, 0.4]})
    for test in ("crossed", "paired-t", "wilcoxon", "permutation"):
        frame = significance(open_run(tmp_path / "run"), test=test)
        assert set(frame["verdict"]) == {"same"} and frame["tied"].all()
        assert set(frame["rank"]) == {2.0}
        assert (frame["p"].dropna() == 1).all() and (frame["effect"] == 0).all()
        assert (frame["rank_low"] == 1).all() and (frame["rank_high"] == 3).all()


def test_one_user_is_no_test(tmp_path: Path, write: Any) -> None:
    for method, value in (("random", 0.1), ("dns", 0.9)):
        write(tmp_path, "books", method, 0, {"all": [value]})
    frame = books(tmp_path)
    assert frame["verdict"]["dns"] == frame["conclusion"]["dns"] == ""


def test_a_row_that_lost_the_values_of_a_seed_is_half_a_row(folder: Path, write: Any) -> None:
    lost = write(folder, "books", "dns", 1, {"all": [0.4] * 4})
    np.savez(lost / "users.npz", users=np.arange(4))
    frame = books(folder)
    assert np.isnan(frame["mean"]["dns"]) and np.isnan(frame["rank"]["dns"])
    assert frame["verdict"].to_dict() == {
        "dns": "",
        "popularity": "same",
        "random": "same",
        "most_popular": "same",
    }
    assert not frame["tied"]["dns"] and frame["tied"].drop("dns").all()


def test_a_margin_parts_the_same_from_the_undecided(tmp_path: Path, write: Any) -> None:
    rng = np.random.default_rng(0)
    base = rng.uniform(0.3, 0.5, 400)
    shifts = {"random": 0.0, "near": 0.001, "open": 0.008, "far": 0.05, "low": -0.05}
    for method, shift in shifts.items():
        for seed in range(3):
            values = base + shift + rng.normal(0, 0.02, 400) + rng.normal(0, 0.0005)
            write(tmp_path, "books", method, seed, {"all": values})
    plain = books(tmp_path)
    assert plain["conclusion"].drop("random").to_dict() == {
        "far": "better",
        "low": "worse",
        "near": "not told apart",
        "open": "better",
    }
    expected = {"far": "better", "low": "worse", "near": "same", "open": "undecided"}
    for margin in ("2%", 0.008, "0.008"):  # 2 % of a mean of .4
        frame = books(tmp_path, margin=margin)
        assert frame["conclusion"].drop("random").to_dict() == expected
        assert frame["verdict"]["open"] == frame["verdict"]["near"] == "same"
        assert (frame["p"].dropna() == plain["p"].dropna()).all()


@pytest.mark.parametrize("text", ["2", "-1%", "100%", "two", "", "nan", "inf", "1%%"])
def test_a_margin_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="a margin must be a share"):
        parse_margin(text)


def test_margins_as_users_type_them() -> None:
    assert parse_margin(None) == Margin() and str(parse_margin("2 %")) == "2%"
    assert parse_margin("2%").of(-0.5) == pytest.approx(0.01)
    assert parse_margin(0.002).of(0.5) == 0.002 and str(parse_margin("0.0020")) == "0.002"


def test_the_procedure_says_what_it_covers_and_knows_its_words() -> None:
    words = Procedure().words(3)
    assert words == "t test with users and seeds as crossed random effects (covers users and seeds)"
    for procedure, n_seeds in ((Procedure(), 1), (Procedure("paired-t"), 5)):
        words = procedure.words(n_seeds)
        assert words.startswith("paired t test over users") and "covers users alone" in words
        assert procedure.covers(n_seeds) == "users alone"
    assert Procedure(correction="bh").corrected == "Benjamini-Hochberg-corrected"
    for wrong, sentence in (
        ({"test": "wilcoxn"}, "did you mean wilcoxon"),
        ({"correction": "hlm"}, "did you mean holm"),
        ({"alpha": 1.5}, "between 0 and 1"),
    ):
        with pytest.raises(UserError, match=sentence):
            Procedure(**wrong)  # type: ignore[arg-type]
