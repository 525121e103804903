from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scipy.stats import binomtest

from negbench.analysis.measures.false_negatives import false_negatives, over_training
from negbench.analysis.measures.known_negatives import known_negatives
from negbench.analysis.measures.rare_rates import SUMS
from negbench.analysis.runs.frames import open_run

FOUR = {"all": [0.1] * 4}


def probed(**rates: float) -> Any:
    def change(record: dict[str, Any]) -> None:
        record["probe"] = {"mode": "sample", "exact": False}
        record["metrics"] += [
            {"split": "train", "metric": name, "k": 0, "band": "all", "value": value}
            for name, value in rates.items()
        ]

    return change


def test_a_run_without_probes_has_no_line_and_all_columns(folder: Path) -> None:
    rates, curves = false_negatives(open_run(folder)), over_training(open_run(folder))
    assert rates.empty and curves.empty
    assert {"row", "fnr", "fnr_low", "fnr_lift", "fhnr", "hard", "knowledge"} <= set(rates.columns)
    assert {"row", "part", "first", "last", "rate", "rate_low", "closed"} <= set(curves.columns)
    assert "planted_rate" not in rates


def test_planted_pairs_add_their_columns(tmp_path: Path, write: Any) -> None:
    for seed, rate in ((0, 0.1), (1, 0.3)):
        planted = {"planted_rate": rate, "planted_lift": 10 * rate, "planted_auc": 0.75}
        write(tmp_path, "books", "dns", seed, FOUR, change=probed(fnr=rate, **planted))
    (rates,) = false_negatives(open_run(tmp_path)).to_dict("records")
    assert (rates["planted_rate"], rates["planted_lift"]) == pytest.approx((0.2, 2.0))
    assert rates["planted_auc_std"] == 0
    assert "planted_weight" not in rates
    assert rates["knowledge"] == "lower bound"


def test_rates_take_up_a_line_a_training_and_not_the_product_of_all_names(
    tmp_path: Path, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(4):
        change = probed(fnr=0.1, tnr=0.2)
        write(tmp_path, "books", f"m{at}", 0, FOUR, variant=f"@lr=0.{at + 1}", change=change)
    lengths, table = [], pd.DataFrame.pivot_table

    def counted(*words: Any, **options: Any) -> pd.DataFrame:
        frame = table(*words, **options)
        lengths.append(len(frame))
        return frame

    monkeypatch.setattr(pd.DataFrame, "pivot_table", counted)
    run = open_run(tmp_path)
    assert len(false_negatives(run)) == len(known_negatives(run)) == 4
    assert lengths == [4, 4]


def test_half_a_row_has_no_rate(tmp_path: Path, write: Any) -> None:
    for seed in (0, 1):
        write(tmp_path, "books", "random", seed, FOUR, change=probed(fnr=0.1))
    write(tmp_path, "books", "dns", 0, FOUR, change=probed(fnr=0.5))
    rates = false_negatives(open_run(tmp_path)).set_index("row")
    assert rates["fnr"].isna().to_dict() == {"random": False, "dns": True}


def test_a_rate_that_one_seed_lacks_has_no_mean(tmp_path: Path, write: Any) -> None:
    write(tmp_path, "books", "dns", 0, FOUR, change=probed(fnr=0.1, fhnr=0.5))
    write(tmp_path, "books", "dns", 1, FOUR, change=probed(fnr=0.3))
    (rates,) = false_negatives(open_run(tmp_path)).to_dict("records")
    assert rates["fnr"] == pytest.approx(0.2)
    assert rates["fhnr"] != rates["fhnr"]


def single(prefix: str, count: int, total: int) -> dict[str, int]:
    """The sums of a rate where every row has one negative."""
    values = (count, total, count, count, total)
    return {f"{prefix}_{name}": value for name, value in zip(SUMS, values, strict=True)}


def counted(fn: tuple[int, int], fhn: tuple[int, int], expected: float = 0.01) -> Any:
    """The figures of a cell that met `fn[0]` false negatives among `fn[1]`, and hard ones."""
    rates = {"fnr": fn[0] / fn[1], "fnr_expected": expected}
    if fhn[1]:
        rates["fhnr"] = fhn[0] / fhn[1]
    return probed(**rates, **single("fn", *fn), **single("fhn", *fhn))


def test_seeds_are_pooled_by_their_counts_and_get_an_exact_interval(
    tmp_path: Path, write: Any
) -> None:
    write(tmp_path, "books", "dns", 0, FOUR, change=counted((10, 1000), (0, 0)))
    write(tmp_path, "books", "dns", 1, FOUR, change=counted((50, 3000), (3, 100)))
    (rates,) = false_negatives(open_run(tmp_path)).to_dict("records")
    exact = binomtest(60, 4000).proportion_ci(method="exact")
    assert (rates["fn_count"], rates["fn_total"]) == (60, 4000)
    assert rates["fnr"] == pytest.approx(60 / 4000)
    assert (rates["fnr_low"], rates["fnr_high"]) == pytest.approx((exact.low, exact.high))
    assert rates["fnr_lift"] == pytest.approx(1.5)
    assert rates["fnr_lift_low"] == pytest.approx(exact.low / 0.01)
    # Seed 0 met no hard negative at all: its counts say so, and the others stand.
    exact = binomtest(3, 100).proportion_ci(method="exact")
    assert rates["fhnr"] == 0.03 and rates["fhnr_high"] == pytest.approx(exact.high)


def test_rates_of_an_older_negbench_have_no_interval(tmp_path: Path, write: Any) -> None:
    write(tmp_path, "books", "dns", 0, FOUR, change=counted((10, 1000), (1, 10)))
    write(tmp_path, "books", "dns", 1, FOUR, change=probed(fnr=0.03, fhnr=0.3))
    (rates,) = false_negatives(open_run(tmp_path)).to_dict("records")
    assert rates["fnr"] == pytest.approx(0.02)  # the mean over seeds
    assert all(isnan(rates[name]) for name in ("fnr_low", "fnr_high", "fn_count"))


def epochs_of(counts: list[tuple[int, int]], expected: float = 0.01) -> list[dict[str, float]]:
    return [
        {
            "epoch": at,
            "fnr": count / total,
            "fnr_expected": expected,
            **single("fn", count, total),
        }
        for at, (count, total) in enumerate(counts, 1)
    ]


def with_epochs(cell: Path, rows: list[dict[str, float]]) -> None:
    text = "\n".join(
        ",".join(map(str, values)) for values in (rows[0], *(r.values() for r in rows))
    )
    (cell / "epochs.csv").write_text(text + "\n")


def test_windows_of_a_curve_hold_thirty_expected_events(tmp_path: Path, write: Any) -> None:
    change = probed(fnr=0.01, fnr_closed=0.012)
    # Of two seeds 2 x 500 x 1 % = 10 are expected an epoch, so three epochs make a window.
    per_seed = [[(0, 500), (0, 500), (0, 500), *[(9, 500)] * 4], [(0, 500)] * 7]
    for seed, counts in enumerate(per_seed):
        with_epochs(write(tmp_path, "books", "dns", seed, FOUR, change=change), epochs_of(counts))
    curve = over_training(open_run(tmp_path))
    assert curve[["part", "first", "last"]].to_numpy().tolist() == [["fnr", 1, 3], ["fnr", 4, 7]]
    assert curve["rate"].tolist() == [0, 36 / 4000]
    high = binomtest(0, 3000).proportion_ci(method="exact").high
    assert curve["rate_low"].iloc[0] == 0 and curve["rate_high"].iloc[0] == pytest.approx(high)
    assert curve["closed"].tolist() == [0.012, 0.012]
