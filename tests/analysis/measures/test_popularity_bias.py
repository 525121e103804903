from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negbench.analysis.measures import accuracy, bands
from negbench.analysis.measures.popularity_bias import AT_K, FULL, popularity_bias
from negbench.analysis.runs.frames import Run, choose_metric, open_run
from negbench.analysis.tables.main_table import render
from negbench.errors import NothingToReport, UserError
from negbench.evaluation import popularity_bias as audits
from negbench.storage import cell_store

GOOD = {"all": [0.2] * 4, "head": [0.3] * 4, "mid": [0.2] * 4, "tail": [0.1] * 4}
NAN = float("nan")


def rows(**values: float) -> Any:
    """Add measures to a record: `arp` at 10 and 20, `pru` at 0, a split of train for `fnr`."""

    def change(record: dict[str, Any]) -> None:
        for name, value in values.items():
            metric, _, band = name.partition("__")
            split = "train" if metric.startswith("f") else "test"
            for k in (0,) if metric in (*FULL, "fnr") else (20, 10):
                record["metrics"].append(
                    {
                        "split": split,
                        "metric": metric,
                        "k": k,
                        "band": band or "all",
                        "value": value + (k == 10),
                    }
                )

    return change


@pytest.fixture
def run(tmp_path: Path, write: Any) -> Run:
    first = rows(arp=10.0, pru=0.2, dgap=0.5, dgap__niche=1.0, fnr=0.1, gini=NAN)
    second = rows(arp=14.0, pru=0.4, dgap=0.7, dgap__niche=2.0, fnr=0.3, gini=0.5)
    write(tmp_path, "books", "dns", 0, GOOD, change=first)
    write(tmp_path, "books", "dns", 1, GOOD, change=second)
    write(tmp_path, "books", "random", 0, GOOD, change=first)
    write(tmp_path, "books", "most_popular", 0, GOOD, backbone="reference", change=first)
    return open_run(tmp_path)


def values_of(run: Run, row: str, k: int | None = None) -> dict[tuple[str, int, str], Any]:
    frame = popularity_bias(run, k)
    lines = frame[frame["row"] == row].to_dict("records")
    return {(line["metric"], line["k"], line["band"]): line for line in lines}


def test_means_and_spreads_over_seeds(run: Run) -> None:
    dns = values_of(run, "dns")
    assert dns["arp", 20, "all"]["mean"] == pytest.approx(12)
    assert dns["arp", 20, "all"]["std"] == pytest.approx(8**0.5)  # (2^2 + 2^2) / (2 - 1)
    assert dns["pru", 0, "all"]["mean"] == pytest.approx(0.3)
    assert dns["dgap", 20, "niche"]["mean"] == pytest.approx(1.5)
    assert dns["dgap", 20, "all"]["mean"] == pytest.approx(0.6)
    assert values_of(run, "dns", 10)["arp", 10, "all"]["mean"] == pytest.approx(13)


def test_accuracy_and_training_are_not_among_them(run: Run) -> None:
    assert {name for name, _, _ in values_of(run, "dns")} == {"arp", "pru", "dgap", "gini"}


def test_half_a_row_and_half_a_measure_have_no_mean(run: Run) -> None:
    assert np.isnan(values_of(run, "random")["arp", 20, "all"]["mean"])  # it lacks the seed 1
    assert np.isnan(values_of(run, "dns")["gini", 20, "all"]["mean"])  # undefined for seed 0
    assert values_of(run, "most_popular")["arp", 20, "all"]["mean"] == 10


def test_a_k_that_was_not_ranked_at_and_an_old_run_are_refused(run: Run, folder: Path) -> None:
    with pytest.raises(UserError, match="got 5; known: 10, 20"):
        popularity_bias(run, 5)
    with pytest.raises(NothingToReport, match="older negbench"):
        popularity_bias(open_run(folder))


def test_names_are_those_that_the_audit_gives() -> None:
    from helpers.audit_on_paper import BANDS, RANKS, TEST, TOP, TRAIN, USERS

    measured = audits.audit(
        TOP, USERS, RANKS, train=TRAIN, test=TEST, seen=TRAIN, bands=BANDS, ks=[2]
    )
    assert {name for name, k, _ in measured if k} == set(AT_K)
    assert {name for name, k, _ in measured if not k} == set(FULL)


def test_accuracy_is_not_confused_by_the_new_names(run: Run) -> None:
    assert choose_metric(run) == ("ndcg", 20)
    assert set(accuracy.accuracy(run)["mean"].dropna()) == {0.2}
    assert set(bands.bands(run)["band"]) == {"all", "head", "mid", "tail", "balance"}
    assert "arp" not in render(run).lower()
    for word in ("arp@20", "fnr@20", "dgap@20"):
        with pytest.raises(UserError, match="metric"):
            render(run, metric=word)


def test_a_run_of_odd_metrics_shows_one_of_accuracy(tmp_path: Path, write: Any) -> None:
    def change(record: dict[str, Any]) -> None:
        rows(arp=10.0)(record)
        kept = [m for m in record["metrics"] if m["metric"] != "ndcg"]
        record["metrics"] = kept[::-1]  # the audit comes first

    write(tmp_path, "books", "dns", 0, GOOD, change=change)
    assert choose_metric(open_run(tmp_path)) == ("recall", 20)


def test_results_csv_has_the_rows(run: Run) -> None:
    text = cell_store.write_results(run.folders[0]).read_text()
    assert "books,mf,dns,,0,test,arp,20,all,10.0" in text
    assert "books,mf,dns,,0,test,pru,0,all,0.2" in text
    assert "books,mf,dns,,0,test,dgap,20,niche,1.0" in text
    assert "books,mf,dns,,0,test,gini,20,all,\n" in text  # undefined is empty
    assert "books,mf,dns,,0,train,fnr,0,all,0.1" in text
