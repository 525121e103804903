from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from negbench.analysis.runs.frames import open_run
from negbench.analysis.statistics.significance import significance
from negbench.analysis.statistics.test_procedure import Procedure
from negbench.errors import UserError


def test_seeds_are_averaged_within_the_user(folder: Path) -> None:
    frame = significance(open_run(folder))
    books = frame[frame["dataset"] == "books"].set_index("row")
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
    frame = significance(open_run(folder))
    books = frame[frame["dataset"] == "books"].set_index("row")
    assert set(books.index[books["tied"]]) == {"dns", "mixed"}
    assert set(books.index[books["best"]]) == {"dns"}


def test_references_and_half_rows_are_left_out(folder: Path, write: Any) -> None:
    write(folder, "books", "mixed", 0, {"all": [0.9] * 4})
    assert set(significance(open_run(folder))["row"]) == {"random", "popularity", "dns"}


def test_without_the_baseline_there_is_a_tie_group_and_no_verdict(folder: Path) -> None:
    frame = significance(open_run(folder), vs="nothing")
    assert set(frame["verdict"]) == {""}
    assert frame["p_holm"].isna().all()
    assert frame["best"].sum() == 2


def test_users_in_another_order_change_nothing(folder: Path) -> None:
    before = significance(open_run(folder))
    for cell in (folder / "cells").iterdir():
        with np.load(cell / "users.npz") as arrays:
            turned = {name: arrays[name][::-1] for name in arrays.files}
        np.savez(cell / "users.npz", **turned)
    after = significance(open_run(folder))
    assert after["p_holm"].tolist() == pytest.approx(before["p_holm"].tolist(), nan_ok=True)


def test_effect_wins_and_ranks_stand_beside_the_test(folder: Path) -> None:
    frame = significance(open_run(folder))
    books = frame[frame["dataset"] == "books"].set_index("row")
    # dns: .2 .2 .1 .2, d_z = .175 / .05; popularity: 0 0 -.1 -.1, d_z = -.05 / .057735.
    assert books["effect"]["dns"] == pytest.approx(3.5, rel=1e-4)
    assert books["effect"]["popularity"] == pytest.approx(-(3**0.5) / 2, rel=1e-4)
    counts = books[["wins", "ties", "losses"]].T.to_dict("list")
    assert counts == {"dns": [4, 0, 0], "popularity": [0, 2, 2], "random": [0, 4, 0]}
    assert books["rank"].to_dict() == {"dns": 1, "random": 2, "popularity": 3}
    assert (books["effect_low"] <= books["effect"]).all()
    assert set(books["n_seeds"]) == {2}


def test_other_tests_and_corrections(folder: Path) -> None:
    run = open_run(folder)
    frame = significance(run, test="wilcoxon", correction="none")
    books = frame[frame["dataset"] == "books"].set_index("row")
    # Four users all win: 2 / 2^4. Two of four lose alike and two tie: 2 / 2^2.
    d = np.array([0.2, 0.2, 0.1, 0.2])
    assert books["p"]["dns"] == pytest.approx(stats.wilcoxon(d).pvalue)
    assert (books["p_corrected"].dropna() == books["p"].dropna()).all()
    assert books["t"].isna().all() and books["statistic"]["dns"] == 0
    flipped = significance(run, test="permutation", correction="bh").set_index(["dataset", "row"])
    # Of 16 flips 2 reach the sum of four wins; of 4 flips of two losses 2 do.
    assert flipped["p"]["books"]["dns"] == pytest.approx(2 / 16, abs=0.02)
    assert flipped["p"]["books"]["popularity"] == pytest.approx(2 / 4, abs=0.02)
    assert flipped["p_corrected"]["books"]["dns"] == pytest.approx(2 * flipped["p"]["books"]["dns"])


def test_seeds_as_blocks_test_the_means_of_seeds(folder: Path, write: Any) -> None:
    extra = {"random": [0.2] * 4, "popularity": [0.1] * 4, "dns": [0.45] * 4}
    with pytest.raises(UserError, match="need 3 seeds or more for paired-t; books on mf has 2"):
        significance(open_run(folder), seeds="blocks")
    for dataset in ("books", "films"):
        for method, values in extra.items():
            write(folder, dataset, method, 2, {"all": values})
    frame = significance(open_run(folder), seeds="blocks").set_index(["dataset", "row"])
    # Means by seed: dns .4 .4 .45, random .25 .2 .2: differences .15 .2 .25, t = .2 / (.05/sqrt 3).
    assert frame["t"]["books"]["dns"] == pytest.approx(0.2 / (0.05 / 3**0.5), rel=1e-4)
    assert frame["p"]["books"]["dns"] == pytest.approx(
        stats.ttest_1samp([0.15, 0.2, 0.25], 0).pvalue
    )
    with pytest.raises(UserError, match="need 6 seeds or more for wilcoxon"):
        significance(open_run(folder), seeds="blocks", test="wilcoxon")


def test_equal_rows_tie_and_none_wins(tmp_path: Path, write: Any) -> None:
    for method in ("random", "popularity", "dns"):
        write(tmp_path / "run", "books", method, 0, {"all": [0.1, 0.2, 0.0, 0.4]})
    for test in ("paired-t", "wilcoxon", "permutation"):
        frame = significance(open_run(tmp_path / "run"), test=test)
        assert set(frame["verdict"]) == {"same"} and frame["tied"].all()
        assert set(frame["rank"]) == {2.0}
        assert (frame["p"].dropna() == 1).all() and (frame["effect"] == 0).all()


def test_a_row_that_lost_the_values_of_a_seed_is_half_a_row(folder: Path, write: Any) -> None:
    lost = write(folder, "books", "dns", 1, {"all": [0.4] * 4})
    np.savez(lost / "users.npz", users=np.arange(4))
    frame = significance(open_run(folder))
    books = frame[frame["dataset"] == "books"].set_index("row")
    assert np.isnan(books["mean"]["dns"]) and np.isnan(books["rank"]["dns"])
    assert books["verdict"].to_dict() == {"dns": "", "popularity": "same", "random": "same"}
    assert books["tied"].to_dict() == {"dns": False, "popularity": True, "random": True}


def test_the_procedure_says_what_it_does_and_knows_its_words() -> None:
    assert Procedure().tested == "paired t test over users"
    blocks = Procedure("permutation", "bh", "blocks")
    assert blocks.tested == "sign-flip permutation test over seeds (9,999 draws)"
    assert blocks.corrected == "Benjamini-Hochberg-corrected"
    for words, sentence in (
        ({"test": "wilcoxn"}, "did you mean wilcoxon"),
        ({"correction": "hlm"}, "did you mean holm"),
        ({"seeds": "block"}, "did you mean blocks"),
        ({"alpha": 1.5}, "between 0 and 1"),
    ):
        with pytest.raises(UserError, match=sentence):
            Procedure(**words)  # type: ignore[arg-type]
