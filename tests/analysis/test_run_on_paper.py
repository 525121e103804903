"""Every analysis on the run of `helpers.run_on_paper`; the comments work each number out."""

from math import isnan, sqrt
from pathlib import Path

import pandas as pd
import pytest
from helpers.run_on_paper import COUNTS, MRR, TOPS, write_run_on_paper

from negbench.analysis.measures import bands, convergence, false_negatives, hardness
from negbench.analysis.measures.accuracy import accuracy
from negbench.analysis.measures.cost import cost
from negbench.analysis.measures.popularity_bias import popularity_bias
from negbench.analysis.runs import frames
from negbench.analysis.runs.frames import Run
from negbench.analysis.statistics.significance import significance

HALF = 1 / sqrt(2)  # the standard deviation of two values is their distance times this
near = pytest.approx


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return frames.open_run(write_run_on_paper(tmp_path_factory.mktemp("hand")))


def by_row(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_index("row")


def test_the_values_are_those_of_the_lists() -> None:
    for method, seeds in TOPS.items():
        for seed, lists in enumerate(seeds):
            worth = [1 / (1 + top.index(u)) if u in top else 0 for u, top in enumerate(lists)]
            assert worth == list(MRR[method][seed])


def test_accuracy(run: Run) -> None:
    frame = by_row(accuracy(run))
    assert set(frame["metric"]) == {"mrr@2"}
    # random: 2.5 / 5 = .5 and 2 / 5 = .4; dns: 3 / 5 twice; popularity: 1 / 5 and 2 / 5
    assert frame["mean"].to_dict() == near(
        {"dns": 0.6, "random": 0.45, "popularity": 0.3, "most_popular": 0.3}
    )
    assert frame["std"]["random"] == near(0.1 * HALF)
    assert frame["std"]["dns"] == near(0, abs=1e-7)
    assert list(frame.index) == ["dns", "random", "popularity", "most_popular"]


def test_bands_and_balance(run: Run) -> None:
    frame = bands.bands(run).set_index(["row", "band"])["mean"]
    # random, head: user 0 has 1 and .5; mid: users 1, 2 have (.5 + 0) / 2, (0 + 1) / 2;
    # tail: users 3, 4 have (1 + 0) / 2, (.5 + 0) / 2
    assert frame["random"][["head", "mid", "tail"]].tolist() == near([0.75, 0.375, 0.375])
    assert frame["dns"][["head", "mid", "tail"]].tolist() == near([1, 0.875, 0.125])
    # random, seed 0: (1, .25, .5): |.75| + |.5| + |.25| = 1.5, Gini 1.5 / (3 * 1.75) = 2/7
    #         seed 1: (.5, .5, .25): .5 / (3 * 1.25) = 2/15
    assert frame["random", "balance"] == near((5 / 7 + 13 / 15) / 2)
    # dns: (1, 1, 0): 2 / (3 * 2) = 1/3; (1, .75, .25): 1.5 / (3 * 2) = 1/4
    assert frame["dns", "balance"] == near((2 / 3 + 3 / 4) / 2)
    assert frame["dns", "all"] == near(0.6)


def test_quarters_of_users(run: Run) -> None:
    # Train items 1, 2, 2, 3, 4: middle ranks 1, 2.5, 2.5, 4, 5; 4 (r - .5) / 5 = .4, 1.6, 1.6,
    # 2.8, 3.6, so quarters 1, 2, 2, 3, 4.
    assert bands.quarters([1, 2, 2, 3, 4]).tolist() == [1, 2, 2, 3, 4]
    frame = bands.activity(run).set_index(["row", "quarter"])
    sizes = frame.loc["dns"][["users", "low", "high"]].to_numpy().tolist()
    assert sizes == [[5, 1, 4], [1, 1, 1], [2, 2, 2], [1, 3, 3], [1, 4, 4]]
    # dns: user 0: 1, 1; users 1, 2: (1 + 1) / 2, (1 + .5) / 2; user 3: 0; user 4: 0, .5
    assert frame["mean"]["dns"].tolist() == near([0.6, 1, 0.875, 0, 0.25])
    assert frame["std"]["dns"]["4"] == near(0.5 * HALF)
    assert frame["mean"]["random"].tolist() == near([0.45, 0.75, 0.375, 0.75, 0])


def test_users_who_are_alike_are_never_parted() -> None:
    # All alike: middle rank 2.5 of 4, so 4 * 2 / 4 = 2 and all stand in quarter 3.
    assert bands.quarters([7, 7, 7, 7]).tolist() == [3, 3, 3, 3]
    assert bands.quarters([30, 10, 20, 40]).tolist() == [3, 1, 2, 4]


def test_false_negatives(run: Run) -> None:
    frame = by_row(false_negatives.false_negatives(run))
    assert set(frame.index) == {"dns", "popularity", "random"}
    # dns: fnr (.3 + .2) / 2, lift (3 + 2) / 2, fhnr (.5 + .25) / 2; distances .1, 1, .25
    dns = frame.loc["dns"]
    assert dns[["fnr", "fnr_lift", "fhnr", "hard"]].tolist() == near([0.25, 2.5, 0.375, 0.6])
    assert dns[["fnr_std", "fnr_lift_std", "fhnr_std"]].tolist() == near(
        [0.1 * HALF, HALF, 0.25 * HALF]
    )
    assert dns[["fnr_drawn", "fnr_expected"]].tolist() == near([0.11, 0.10])
    # popularity had no hard negative under seed 0: a mean over half its seeds would not compare
    assert isnan(frame["fhnr"]["popularity"])
    assert frame["fnr_lift"]["popularity"] == near(1.5)
    assert set(frame["knowledge"]) == {"exact"}
    assert "planted_rate" not in frame


def test_false_negatives_by_epoch(run: Run) -> None:
    frame = false_negatives.over_training(run)
    dns = frame[frame["row"] == "dns"]
    # .2 .4 .9 under seed 0 and .4 .2 under seed 1, which ends after epoch 2; no counts were kept
    assert dns[["first", "last"]].to_numpy().tolist() == [[1, 1], [2, 2]]
    assert dns["rate"].tolist() == near([0.3, 0.3])
    assert dns[["rate_low", "count", "closed"]].isna().all().all()


def test_a_rate_on_a_part_of_what_is_liked_is_a_lower_bound(tmp_path: Path) -> None:
    run = frames.open_run(write_run_on_paper(tmp_path, exact=False))
    assert set(false_negatives.false_negatives(run)["knowledge"]) == {"lower bound"}
    assert set(false_negatives.over_training(run)["knowledge"]) == {"lower bound"}


def test_hardness(run: Run) -> None:
    frame = by_row(hardness.hardness(run))
    # dns, gap: -1 -2 -3 up to epoch 3 is -2, -1 up to epoch 1 is -1
    assert frame["gap_p50"]["dns"] == near(-1.5)
    assert frame["gap_p50_std"]["dns"] == near(HALF)
    # dns, head: (.4 + .5 + .6) / 3 = .5 and .4; random: .1 and (.1 + .3 + .2) / 3 = .2
    assert frame["neg_head"][["dns", "random"]].tolist() == near([0.45, 0.15])
    assert frame["ess"].isna().all()
    epochs = hardness.by_epoch(run)
    assert epochs[epochs["row"] == "dns"]["gap_p50"].tolist() == near([-1, -3.5])


def test_convergence(run: Run) -> None:
    frame = convergence.mean_curves(run).set_index(["row", "epoch"])
    # random: (.2 + .1) / 2 at (1 + 1.2) / 2 s, (.3 + .1) / 2 at (2 + 2.4) / 2 s, then seed 0 ends
    assert frame.loc["random"][["wall", "value"]].to_numpy().tolist() == [
        near([1.1, 0.15]),
        near([2.2, 0.2]),
    ]
    assert set(frame["metric"]) == {"mrr@2"}


def test_time_to_the_best(run: Run) -> None:
    frame = by_row(convergence.time_to(run))
    # dns: .95 * .60 = .570 <= .58 at epoch 2, 4 s; .95 * .50 at epoch 1, 3 s
    assert frame.loc["dns"][["epochs", "wall", "best"]].tolist() == near([1.5, 3.5, 0.55])
    assert frame["epochs_std"]["dns"] == near(HALF)
    # random: .285 <= .3 at epoch 2, 2 s; .38 <= .4 at epoch 3, 3.6 s
    assert frame.loc["random"][["epochs", "wall"]].tolist() == near([2.5, 2.8])
    # Half the best: .2 <= .2 at epoch 1, 1 s for dns 2 s; dns: .30 <= .4, .25 <= .5, both at once
    half = by_row(convergence.time_to(run, share=0.5))
    assert half.loc["dns"][["epochs", "wall"]].tolist() == near([1, 2.5])


def test_cost(run: Run) -> None:
    frame = by_row(cost(run))
    # dns: 6 s / 3 epochs and 6 s / 2 epochs; 12 negatives an epoch: 6 and 4 a second
    dns = frame.loc["dns"]
    assert dns[["train", "speed", "dots", "memory"]].tolist() == near([2.5, 5, 60, 150])
    # random: 2 s / 2 and 3 s / 3, 12 a second, 24 dots, 100 MB
    assert dns[["ratio", "ratio_speed", "ratio_dots", "ratio_memory"]].tolist() == near(
        [2.5, 5 / 12, 2.5, 1.5]
    )
    assert frame["train"].isna()["most_popular"]


def test_significance(run: Run) -> None:
    frame = by_row(significance(run, test="paired-t"))
    # dns users 1 1 .75 0 .25, random users .75 .25 .5 .75 0: d = .25 .75 .25 -.75 .25, mean .15;
    # squares of d - .15: .01 + .36 + .01 + .81 + .01 = 1.2, var 1.2 / 4, t = .15 / sqrt(.3 / 5)
    assert frame["difference"]["dns"] == near(0.15)
    assert frame["statistic"]["dns"] == near(0.15 / sqrt(0.06))
    # popularity users .75 .75 0 0 0: d = 0 .5 -.5 -.75 0, mean -.15; squares of d + .15:
    # .0225 + .4225 + .1225 + .36 + .0225 = .95, t = -.15 / sqrt(.2375 / 5)
    assert frame["statistic"]["popularity"] == near(-0.15 / sqrt(0.0475))
    assert set(frame["verdict"]) == {"same"}
    assert frame["tied"].all()
    # dns is above random for users 0, 1, 2, 4 and below for user 3; popularity ties users 0 and 4
    assert frame[["wins", "ties", "losses"]].loc["dns"].tolist() == [4, 0, 1]
    assert frame[["wins", "ties", "losses"]].loc["popularity"].tolist() == [1, 2, 2]


def test_popularity_bias(run: Run) -> None:
    frame = popularity_bias(run).set_index(["row", "metric"])
    # dns: arp 33 / 10 and 31 / 10, coverage 3 / 6 and 4 / 6, Gini 38 / 60 and 32 / 60
    dns = frame.loc["dns"]
    assert dns["mean"][["arp", "coverage", "gini"]].tolist() == near([3.2, 3.5 / 6, 35 / 60])
    assert dns["std"][["arp", "coverage", "gini"]].tolist() == near(
        [0.2 * HALF, HALF / 6, HALF * 6 / 60]
    )
    # random: 2.6 and 2.9, 4 / 6 and 5 / 6, 26 / 60 and 28 / 60
    assert frame.loc["random"]["mean"][["arp", "coverage", "gini"]].tolist() == near(
        [2.75, 4.5 / 6, 27 / 60]
    )


def test_what_the_audit_of_the_lists_is_on_paper(run: Run) -> None:
    frame = frames.results(run).set_index(["row", "seed", "metric"])["value"]
    # dns, seed 0: lists of 4 + 3, 3 + 4, 2 + 3, 4 + 3, 3 + 4 train interactions: 33 / 10;
    # items 0, 1, 2 are shown: 3 / 6; shown 0 0 0 1 4 5 times: (1 * 1 + 3 * 4 + 5 * 5) / (6 * 10)
    assert frame["dns", 0, "arp"] == near(3.3)
    assert frame["dns", 0, "coverage"] == near(3 / 6)
    assert frame["dns", 0, "gini"] == near(38 / 60)
    for method, seeds in TOPS.items():
        for seed, lists in enumerate(seeds):
            shown = sorted(sum(top.count(item) for top in lists) for item in range(6))
            arp = sum(COUNTS[item] for top in lists for item in top) / 10
            gini = sum((2 * k - 7) * x for k, x in enumerate(shown, 1)) / 60
            assert frame[method, seed, "arp"] == near(arp)
            assert frame[method, seed, "coverage"] == near(sum(x > 0 for x in shown) / 6)
            assert frame[method, seed, "gini"] == near(gini)
