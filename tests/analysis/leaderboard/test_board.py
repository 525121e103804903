"""The data of a leaderboard: values, ranks, kinds, sentences and runs, against other outputs."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers.graded_run import Change, write_graded

from negbench.analysis.figures._palette import FIXED
from negbench.analysis.leaderboard.board import board
from negbench.analysis.leaderboard.page import data_text
from negbench.analysis.runs.frames import open_run
from negbench.analysis.statistics.significance import significance
from negbench.analysis.tables.main_table import main_table
from negbench.analysis.verdict.verdict import verdicts
from negbench.errors import UserError


def rows_of(data: dict[str, Any], at: int = 0) -> dict[str, dict[str, Any]]:
    return {row["row"]: row for row in data["blocks"][at]["rows"]}


def test_a_row_has_its_means_by_band_its_spread_and_its_other_measures(graded: Path) -> None:
    data = board([graded])
    assert [block["dataset"] for block in data["blocks"]] == ["yelp", "books"]  # as typed
    assert [each["name"] for each in data["metrics"]] == ["ndcg@20", "recall@20"]
    dns = rows_of(data)["dns"]
    bands = dns["metrics"]["ndcg@20"]["bands"]
    assert list(bands) == data["blocks"][0]["bands"] == ["all", "head", "tail"]
    assert [bands[band]["mean"] for band in bands] == pytest.approx([0.3, 0.5, 0.05], abs=1e-6)
    assert bands["all"]["std"] == pytest.approx(0.001, abs=1e-6)  # seeds shift by -.001, 0, .001
    assert dns["metrics"]["recall@20"]["bands"]["tail"]["mean"] == pytest.approx(0.1, abs=1e-6)
    assert dns["family"] == "dynamic" and dns["kind"] == "method"
    assert dns["false_negatives"]["rate"] == 0.08
    assert dns["false_negatives"]["kind"] == "lower bound"
    assert dns["lists"]["arp"]["mean"] == 9.0 and dns["lists"]["coverage"]["mean"] == 0.5
    assert dns["cost"] == {"cpu_seconds": 1.0, "wall_seconds": 1.0}  # 2 s in 2 epochs
    assert dns["tuning"] == {"trials": 0, "protocols": []}
    assert dns["settings"]["dim"] == "8" and dns["settings"]["epochs"] == "2"
    assert (dns["seeds"], dns["expected"], dns["sources"]) == (3, 3, [0])
    assert (dns["color"], dns["marker"]) == (FIXED["dns"].color, FIXED["dns"].marker)


def test_a_reference_has_no_false_negatives_and_a_warm_up_no_rank(graded: Path) -> None:
    rows = rows_of(board([graded]))
    assert rows["item_knn"]["family"] == "reference"
    assert rows["item_knn"]["false_negatives"] is None
    assert rows["info_nce"]["warm_up_only"] is True
    assert rows["info_nce"]["metrics"]["ndcg@20"]["bands"]["all"]["rank"] is None
    assert rows["popularity"]["mark"] == "^"


@pytest.mark.parametrize("metric", ["ndcg@20", "recall@20"])
def test_ranks_and_intervals_on_all_items_are_those_of_compare(graded: Path, metric: str) -> None:
    rows = rows_of(board([graded]))
    tests = significance(open_run(graded), metric)
    tests = tests[tests["dataset"] == "yelp"].set_index("row")
    assert len(tests) == 5
    for name, row in rows.items():
        own = row["metrics"][metric]["bands"]["all"]
        if name != "info_nce":
            line = tests.loc[name]
            seen = [own["rank"], own["rank_low"], own["rank_high"]]
            assert seen == [line["rank"], line["rank_low"], line["rank_high"]]
            assert row["metrics"][metric]["verdict"] == line["verdict"]


def test_ranks_on_a_band_are_of_that_band(graded: Path) -> None:
    rows = rows_of(board([graded]))
    tail = {name: row["metrics"]["ndcg@20"]["bands"]["tail"] for name, row in rows.items()}
    order = sorted((each["rank"], name) for name, each in tail.items() if each["rank"])
    assert order == [(1.0, "item_knn"), (2.0, "popularity"), (3.0, "random"), (4.0, "dns")]
    known = [each for each in tail.values() if each["rank"]]
    assert all(each["rank_low"] <= each["rank"] <= each["rank_high"] for each in known)
    assert tail["item_knn"]["best"] and not tail["popularity"]["best"]


def test_sentences_are_the_verdict_of_the_main_metric_and_the_headline_of_others(
    graded: Path,
) -> None:
    data, run = board([graded]), open_run(graded)
    table = main_table(run)
    texts = {verdict.dataset: list(verdict.sentences) for verdict in verdicts(run, table)}
    recall = {block.dataset: block.headline for block in main_table(run, "recall@20").blocks}
    for block in data["blocks"]:
        assert block["sentences"]["ndcg@20"] == texts[block["dataset"]]
        assert block["sentences"]["recall@20"] == [recall[block["dataset"]]]
        assert "Recall@20" in block["sentences"]["recall@20"][0]
        assert any("Split ratio(0.8,0.1,0.1)" in text for text in block["protocol"])
        assert any("3 seeds" in text for text in block["protocol"])
        assert any("Holm-corrected" in text for text in block["tests"]["ndcg@20"])
        assert "of the 4 ranked rows" in block["ranks"]["ndcg@20"]


def test_the_data_are_json_without_a_folder_or_a_date_and_the_same_again(
    graded: Path, tmp_path: Path
) -> None:
    text = data_text(board([graded]))
    assert json.loads(text, parse_constant=lambda word: pytest.fail(word))["format"] == 1
    assert str(tmp_path) not in text and "negbench run -d yelp,books -o graded" in text
    moved = tmp_path / "elsewhere" / "graded"
    shutil.copytree(graded, moved)
    assert data_text(board([moved])) == text


def test_asked_metrics_come_in_their_order_and_an_unknown_one_is_refused(graded: Path) -> None:
    data = board([graded], ["recall@20"])
    assert [each["name"] for each in data["metrics"]] == ["recall@20"]
    with pytest.raises(UserError, match="a metric must have been measured"):
        board([graded], ["mrr@5"])


def test_exact_rates_are_called_exact(tmp_path: Path, write: Any) -> None:
    def change(exact: bool) -> Change:
        def probed(record: dict[str, Any]) -> None:
            record["probe"] = {"exact": exact}
            line = {"split": "train", "metric": "fnr", "k": 0, "band": "all", "value": 0.1}
            record["metrics"].append(line)

        return probed

    run = tmp_path / "run"
    for dataset, exact in (("books", False), ("films", True)):
        write_graded(write, run, {"dns": 0.2}, dataset=dataset, changes={"dns": change(exact)})
    data = board([run])
    kinds = [rows_of(data, at)["dns"]["false_negatives"]["kind"] for at in (0, 1)]
    assert [block["dataset"] for block in data["blocks"]] == ["books", "films"]
    assert kinds == ["lower bound", "exact"]


def test_a_tuned_row_has_its_trials_and_its_protocol(tmp_path: Path, write: Any) -> None:
    def change(row: str, trials: int) -> Change:
        def tuned(record: dict[str, Any]) -> None:
            found_by = {"row": row, "protocol": "0a1b2c3d4e5f", "trials": trials, "ranges": ""}
            record["spec"] = {**record["spec"], "tuned": found_by}
            record["spec"]["method_config"] = {"candidates": 32}

        return tuned

    changes = {"random": change("random", 1), "dns": change("dns", 16)}
    run = write_graded(write, tmp_path / "run", {"random": 0.1, "dns": 0.2}, changes=changes)
    rows = rows_of(board([run]))
    assert rows["dns"]["tuning"] == {"trials": 16, "protocols": ["0a1b2c3d4e5f"]}
    assert rows["random"]["tuning"]["trials"] == 1
    assert "candidates=32" in rows["dns"]["settings"]["parameters"]
