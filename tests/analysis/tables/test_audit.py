import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from negbench.analysis.runs.frames import Run, open_run
from negbench.analysis.tables.audit import audit_page
from negbench.analysis.tables.audit_columns import groups, signed
from negbench.analysis.tables.audit_text import LAYOUTS, render
from negbench.errors import UserError
from negbench.evaluation.metric_names import Metric

LONG = "dns(candidates=16,negatives=4,objective=softmax)"
GOOD = {"all": [0.2] * 4, "head": [0.3] * 4, "mid": [0.2] * 4, "tail": [0.1] * 4}
VALUES = {
    "arp": 12345.67,
    "aplt": 0.04,
    "coverage": 0.5,
    "gini": 0.9,
    "entropy": 4.2,
    "relative_arp": -0.25,
    "upd": 0.125,
    "popreo": 1.25,
    "poprsp": 1.5,
    "dgap": 0.75,
    "dgap/niche": 2.5,
    "dgap/diverse": 1.5,
    "dgap/blockbuster": -0.0001,
    "pru": 0.6,
    "pri": 0.7,
    "fnr": 0.061,
    "fnr_lift": 1.05,
    "fhnr": 0.08,
}


def audited(factor: float = 1.0, exact: bool = False, trained: bool = True) -> Any:
    def change(record: dict[str, Any]) -> None:
        for name, value in VALUES.items():
            metric, _, band = name.partition("/")
            train = metric.startswith("f")
            if train and not trained:
                continue
            line = {"split": "train" if train else "test", "metric": metric}
            line["k"] = 0 if train or metric in ("pru", "pri") else 20
            record["metrics"].append(line | {"band": band or "all", "value": factor * value})
        if trained:
            record["probe"] = {"mode": "sample", "exact": exact, "hard": 0.1}

    return change


def written(tmp_path: Path, write: Any, exact: bool = False) -> Run:
    for seed in (0, 1):
        write(tmp_path, "books", "random", seed, GOOD, change=audited(1 + seed, exact))
        variant = LONG.removeprefix("dns(").removesuffix(")")
        best = {band: [2 * v for v in values] for band, values in GOOD.items()}
        write(tmp_path, "books", "dns", seed, best, variant=variant, change=audited(1, exact))
    reference = audited(3, trained=False)
    write(tmp_path, "books", "most_popular", 0, GOOD, backbone="reference", change=reference)
    return open_run(tmp_path)


@pytest.fixture
def run(tmp_path: Path, write: Any) -> Run:
    return written(tmp_path, write)


def test_text_holds_every_measure_and_fits_the_screen(run: Run) -> None:
    text = render(run)
    assert max(map(len, text.splitlines())) <= 100
    tables = text.split("\n\n")
    assert tables[0] == "books · mf"
    assert "0.4000  0.6000  0.4000  0.2000    0.778" in tables[1]  # 1 - 0.8 / 3.6
    assert "12,345.7    -0.250  0.040     0.500  0.900    4.200" in tables[2]
    assert "+0.750 +2.500 +1.500 +0.000 0.125 1.250 1.500 +0.600 +0.700" in " ".join(
        tables[3].split()
    )
    assert "6.10 %        -            -     1.05   8.00 %" in tables[4]
    for head in ("ARP", "UPD", "PopREO", "PRI", "FN rate"):
        assert f"{head}: " in text  # explained below


def test_rows_by_accuracy_and_references_below(run: Run) -> None:
    (block,) = audit_page(run).blocks
    assert [line["row"] for line in block.lines] == [LONG, "random", "most_popular"]


def test_values_are_means_over_seeds(run: Run) -> None:
    line = audit_page(run).blocks[0].lines[1]
    assert line["arp@20"] == pytest.approx(1.5 * VALUES["arp"])
    assert line["dgap@20/niche"] == pytest.approx(3.75)
    assert line["pru"] == pytest.approx(0.9) and line["pru_std"] == pytest.approx(0.6 / 2**0.5)
    assert line["fnr"] == pytest.approx(1.5 * 0.061)


@pytest.mark.parametrize("exact", [True, False])
def test_false_negative_rates_are_marked_exact_or_lower_bound(
    tmp_path: Path, write: Any, exact: bool
) -> None:
    run = written(tmp_path, write, exact)
    word = "exact" if exact else "lower bound"
    for format in ("text", "md"):
        assert f"False negatives in training ({word})" in render(run, format=format)
    assert json.loads(render(run, format="json"))["blocks"][0]["false_negative_rates"] == word
    lines = csv.DictReader(io.StringIO(render(run, format="csv")))
    assert {line["row"]: line["knowledge"] for line in lines} == {
        LONG: word,
        "random": word,
        "most_popular": "",
    }


def test_references_have_no_place_among_the_trained(run: Run) -> None:
    table = next(t for t in render(run).split("\n\n") if t.startswith("False negatives"))
    assert "random" in table and "most_popular" not in table


def test_without_probes_there_is_no_such_table(tmp_path: Path, write: Any) -> None:
    write(tmp_path, "books", "dns", 0, GOOD, change=audited(trained=False))
    for format in ("text", "md"):
        assert "False negatives" not in render(open_run(tmp_path), format=format)


def test_balance_never_stands_without_the_total() -> None:
    for group in groups(Metric("ndcg", 20), ["head", "tail"]):
        fields = [column.field for column in group.columns]
        assert "balance" not in fields or fields[0] == "ndcg@20"


def test_every_format_states_the_protocol(run: Run) -> None:
    for format in ("text", "md", "json"):
        text = render(run, format=format).replace("\\", "").replace("\n  ", " ")
        for word in ("Split ratio(0.8,0.1,0.1)", "7c1e09", "exclude the user's train", "mass:1/3"):
            assert word in text
        assert "Means over 2 seeds (0, 1)" in text and "full ranking" in text


def test_csv_and_json_are_exact(run: Run) -> None:
    lines = {row["row"]: row for row in csv.DictReader(io.StringIO(render(run, format="csv")))}
    assert float(lines[LONG]["arp@20"]) == VALUES["arp"]
    assert float(lines["random"]["pru_std"]) == pytest.approx(0.6 / 2**0.5)
    audit = json.loads(render(run, format="json"))
    values = audit["blocks"][0]["rows"][0]["values"]
    assert values["upd@20"] == VALUES["upd"] and values["balance"] == pytest.approx(1 - 0.8 / 3.6)
    assert audit["blocks"][0]["rows"][2]["values"]["fnr"] is None
    assert set(audit["columns"]) <= set(values)


def test_markup_in_names_is_escaped(tmp_path: Path, write: Any) -> None:
    write(tmp_path, "a|b*", "dns", 0, GOOD, change=audited())
    assert "a\\|b\\*" in render(open_run(tmp_path), format="md")


def test_unknown_formats_and_metrics_are_one_sentence(run: Run) -> None:
    with pytest.raises(UserError, match="text, md, latex, csv, json; got 'yaml'"):
        render(run, format="yaml")
    with pytest.raises(UserError, match="metric"):
        render(run, metric="arp@20")
    assert "Recall@20" in render(run, metric="recall@20")
    assert set(LAYOUTS) == {"text", "md", "latex", "csv", "json"}


def test_a_tiny_negative_is_plain_zero() -> None:
    assert signed(-0.0001) == "+0.000" and signed(-0.25) == "-0.250"


def test_planted_pairs_have_a_table_of_their_own_where_there_are_any(
    tmp_path: Path, write: Any
) -> None:
    def change(record: dict[str, Any]) -> None:
        audited()(record)
        planted = {"rate": 0.012, "lift": 2.29, "weight": 0.97, "auc": 0.682}
        record["metrics"] += [
            {"split": "train", "metric": f"planted_{n}", "k": 0, "band": "all", "value": v}
            for n, v in planted.items()
        ]

    write(tmp_path / "with", "books", "random", 0, GOOD, change=change)
    write(tmp_path / "without", "books", "random", 0, GOOD, change=audited())
    page = render(open_run(tmp_path / "with"))
    line = next(
        line
        for line in page.partition("Planted false negatives")[2].splitlines()
        if line.startswith("random")
    )
    assert line.split() == ["random", "1.20", "%", "2.29", "0.97", "0.682"]
    assert "Planted" not in render(open_run(tmp_path / "without"))
