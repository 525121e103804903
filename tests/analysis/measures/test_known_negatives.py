import json
import re
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import binomtest

from negbench.analysis.measures.known_negatives import known_negatives
from negbench.analysis.measures.rare_rates import SUMS
from negbench.analysis.report.write import page
from negbench.analysis.runs.frames import open_run
from negbench.analysis.tables.audit_text import render

FOUR = {"all": [0.1] * 4}


def single(prefix: str, count: float, total: float) -> dict[str, float]:
    """The sums of a rate where every row has one negative."""
    values = (count, total, count, count, total)
    return {f"{prefix}_{name}": value for name, value in zip(SUMS, values, strict=True)}


def knowing(tn: tuple[int, int], fj: tuple[int, int], random: float | None = None) -> Any:
    """What the probes of a cell wrote: known negatives among all, false ones among the judged."""
    rates = {"tnr": tn[0] / tn[1], "tnr_expected": 0.01, "fnr_judged": fj[0] / fj[1]}
    rates |= {**single("tn", *tn), **single("fj", *fj), "fnr": 0.001}
    if random is not None:
        rates |= {"fnr_random": random, **single("fr", random * fj[1], fj[1])}

    def change(record: dict[str, Any]) -> None:
        record["probe"] = {"mode": "sample", "exact": False}
        record["metrics"] += [
            {"split": "train", "metric": name, "k": 0, "band": "all", "value": value}
            for name, value in rates.items()
        ]
        shown = {"split": "test", "metric": "gini", "k": 20, "band": "all", "value": 0.5}
        record["metrics"].append(shown)  # an audit asks for a measure of the lists

    return change


def as_before(record: dict[str, Any]) -> None:
    """A record of an older negbench: nothing of known negatives."""
    knowing((1, 2), (1, 2))(record)
    lines = record["metrics"]
    record["metrics"] = [m for m in lines if m["metric"][:2] not in ("tn", "fj", "fr")]
    record["metrics"] = [m for m in record["metrics"] if m["metric"] != "fnr_judged"]


def test_seeds_are_pooled_by_their_counts_with_intervals(tmp_path: Path, write: Any) -> None:
    write(tmp_path, "videos", "dns", 0, FOUR, change=knowing((30, 1000), (5, 100), 0.06))
    write(tmp_path, "videos", "dns", 1, FOUR, change=knowing((90, 3000), (35, 300), 0.12))
    (rates,) = known_negatives(open_run(tmp_path)).to_dict("records")
    assert (rates["tn_count"], rates["tn_total"]) == (120, 4000)
    assert rates["tnr"] == pytest.approx(0.03) and rates["tnr_lift"] == pytest.approx(3.0)
    exact = binomtest(120, 4000).proportion_ci(method="exact")
    assert (rates["tnr_low"], rates["tnr_high"]) == pytest.approx((exact.low, exact.high))
    assert rates["tnr_lift_high"] == pytest.approx(exact.high / 0.01)
    exact = binomtest(40, 400).proportion_ci(method="exact")
    assert rates["fnr_judged"] == pytest.approx(0.1)
    assert (rates["fnr_judged_low"], rates["fnr_judged_high"]) == pytest.approx(
        (exact.low, exact.high)
    )
    assert rates["fnr_random"] == pytest.approx((6 + 36) / 400)


def test_a_run_that_knows_none_has_no_line_and_its_audit_no_such_table(
    folder: Path, tmp_path: Path, write: Any
) -> None:
    assert known_negatives(open_run(folder)).empty
    write(tmp_path, "books", "dns", 0, FOUR, change=as_before)
    text, table = render(open_run(tmp_path)), render(open_run(tmp_path), format="csv")
    assert "FN rate" in text and "TN rate" not in text and "fnr_random" not in table


def test_the_audit_shows_a_dash_for_what_a_data_set_does_not_know(
    tmp_path: Path, write: Any
) -> None:
    write(tmp_path, "videos", "dns", 0, FOUR, change=knowing((300, 1000), (40, 100)))
    text = render(open_run(tmp_path))
    table = next(part for part in text.split("\n\n") if part.startswith("Known negatives"))
    assert "30.00 %" in table and "30.00" in table and table.rstrip().endswith("-")
    values = json.loads(render(open_run(tmp_path), format="json"))["blocks"][0]["rows"][0]["values"]
    assert values["fj_total"] == 100 and values["fnr_random"] is None
    assert max(map(len, text.splitlines())) <= 100


def test_the_report_shows_them_beside_the_false_negatives(tmp_path: Path, write: Any) -> None:
    for seed in (0, 1):
        write(tmp_path, "videos", "dns", seed, FOUR, change=knowing((30, 1000), (5, 100), 0.06))
        write(tmp_path, "videos", "random", seed, FOUR, change=knowing((10, 1000), (2, 100), 0.02))
    text = page(open_run(tmp_path))
    (part,) = re.findall(r"Known negatives, and false ones.*?</table>", text, re.DOTALL)
    assert "TN lift" in part
    of_dns, of_random = (
        re.search(rf">{row}<.*?</tr>", part, re.DOTALL) for row in ("dns", "random")
    )
    assert of_dns and "3.00 %" in of_dns[0]
    assert of_random and "1.00 %" in of_random[0] and "3.00 %" not in of_random[0]
