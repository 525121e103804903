from pathlib import Path
from typing import Any

import pytest

from negbench.analysis.measures.false_negatives import by_epoch, false_negatives
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
    for rates in (false_negatives(open_run(folder)), by_epoch(open_run(folder))):
        assert rates.empty
        assert {"row", "fnr", "fnr_lift", "fhnr", "hard", "knowledge"} <= set(rates.columns)
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
