"""Each sentence of a verdict, from numbers made by hand: singular, plural, and what is missing."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers.run_on_paper import write_run_on_paper

from negbench.analysis.runs import frames
from negbench.analysis.tables.main_table import main_table
from negbench.analysis.verdict import sentences
from negbench.analysis.verdict.inputs import BlockInputs, RunInputs
from negbench.analysis.verdict.verdict import verdicts
from negbench.evaluation.metric_names import Metric


def frame(columns: str, *lines: tuple[Any, ...]) -> pd.DataFrame:
    return pd.DataFrame(list(lines), columns=columns.split())


def inputs(run: Any = None, **parts: pd.DataFrame) -> BlockInputs:
    empty = {
        "bands": frame("row band mean"),
        "activity": frame("row quarter mean"),
        "risk": frame("row fnr fnr_lift fhnr knowledge"),
        "cost": frame("row train ratio"),
        "time": frame("row epochs wall"),
        "bias": frame("row metric mean"),
    }
    return BlockInputs(run, Metric("ndcg", 20), "random", "books", "mf", {**empty, **parts})


def test_the_verdict_of_the_run_on_paper(tmp_path: Path) -> None:
    run = frames.open_run(write_run_on_paper(tmp_path))
    (verdict,) = verdicts(run, main_table(run))
    assert verdict.sentences == (
        "dns ranks best: MRR@2 0.6000 ± 0.0000. It cannot be told apart from random and "
        "popularity.",
        "0 of 2 other methods beat random beyond chance.",
        "Best for head items dns (1.0000), mid items dns (0.8750) and tail items random (0.3750). "
        "Most even over the bands: random (balance 0.79, at MRR@2 0.4500).",
        "On tail items the order turns: random leads with 0.3750 and dns, the best on head items, "
        "has 0.1250; the difference there may be chance.",
        "False negatives (exact): dns meets 2.50 times (25.0% of its negatives) what uniform draws "
        "would, the most; random 1.10 times (11.0% of its negatives). The best row, dns, is above "
        "random in this (2.50 to 1.10). Of the hard negatives of dns 37.5% are false, the most; of "
        "those of random 30.0%, the least.",
        "Against random, dns shows more popular items (ARP 3.2 to 2.8), spreads exposure less "
        "evenly (Gini 0.583 to 0.450) and covers less of the catalogue (coverage 58.3% to 75.0%).",
        "An epoch of dns takes 2.50 s, 2.50 times that of random. dns reaches 95% of its best "
        "validation value after 1.5 epochs (3.50 s), random after 2.5 epochs (2.80 s).",
        "Not above the reference most_popular: popularity.",
        "These comparisons rest on 2 seeds and 5 test users.",
    )


def test_nothing_measured_is_nothing_said() -> None:
    empty = inputs()
    for sentence in (sentences.false_negatives, sentences.popularity_bias, sentences.cost):
        assert sentence(empty, "dns") == ""
    assert sentences.best_by_band(empty) == sentences.best_by_activity(empty) == ""


def test_one_row_at_risk_is_compared_with_none() -> None:
    one = inputs(
        risk=frame("row fnr fnr_lift fhnr knowledge", ("dns", 0.0026, 2.0, 0.5, "lower bound"))
    )
    assert sentences.false_negatives(one, "dns") == (
        "False negatives (lower bounds): dns meets 2.00 times (0.26% of its negatives) what "
        "uniform draws would."
    )


@pytest.mark.parametrize(("lift", "side"), [(0.5, "below"), (1.004, "level with"), (1.5, "above")])
def test_the_best_row_stands_above_below_or_level(lift: float, side: str) -> None:
    lines = [("dns", 0.1, lift, None, "exact"), ("random", 0.1, 1.0, None, "exact")]
    text = sentences.false_negatives(
        inputs(risk=frame("row fnr fnr_lift fhnr knowledge", *lines)), "dns"
    )
    assert f"The best row, dns, is {side} random in this ({lift:.2f} to 1.00)." in text
    assert "hard" not in text


def test_only_hard_ones_are_known() -> None:
    lines = [("dns", None, None, 0.25, "exact"), ("random", None, None, 0.5, "exact")]
    text = sentences.false_negatives(
        inputs(risk=frame("row fnr fnr_lift fhnr knowledge", *lines)), "dns"
    )
    assert text == (
        "Of the hard negatives of random 50.0% are false, the most; of those of dns 25.0%, the "
        "least."
    )


def test_bias_by_the_measures_that_are_there() -> None:
    lines = [("dns", "arp", 5.0), ("random", "arp", 9.0), ("dns", "gini", 0.5)]
    text = sentences.popularity_bias(inputs(bias=frame("row metric mean", *lines)), "dns")
    assert text == "Against random, dns shows less popular items (ARP 5.0 to 9.0)."
    same = [("dns", "coverage", 0.5), ("random", "coverage", 0.5001)]
    text = sentences.popularity_bias(inputs(bias=frame("row metric mean", *same)), "dns")
    assert text == "Against random, dns covers as much of the catalogue (coverage 50.0% to 50.0%)."
    assert sentences.popularity_bias(inputs(bias=frame("row metric mean", *same)), "random") == ""


def test_cost_in_the_singular_and_in_parts() -> None:
    time = frame("row epochs wall", ("dns", 1.0, 3.0), ("random", 4.0, None))
    assert sentences.cost(inputs(time=time), "dns") == (
        "dns reaches 95% of its best validation value after 1 epoch (3.00 s), random after 4 "
        "epochs."
    )
    assert sentences.cost(inputs(time=time), "random") == (
        "random reaches 95% of its best validation value after 4 epochs."
    )
    cost = frame("row train ratio", ("dns", 2.0, None))
    assert sentences.cost(inputs(cost=cost), "dns") == "An epoch of dns takes 2.00 s."


def test_the_active_and_the_inactive_may_have_another_best() -> None:
    lines = [("dns", "1", 0.1), ("random", "1", 0.2), ("dns", "4", 0.4), ("random", "4", 0.3)]
    text = sentences.best_by_activity(inputs(activity=frame("row quarter mean", *lines)))
    assert text == (
        "The least active quarter of users is served best by random (0.2000), the most active by "
        "dns (0.4000; random 0.3000)."
    )
    tie = [("dns", "1", 0.2), *lines[1:]]
    assert sentences.best_by_activity(inputs(activity=frame("row quarter mean", *tie))) == ""


def bands_of(folder: Path, write: Any, dns: dict[str, list[float]]) -> str:
    """The sentence on the order of the bands, when random has .2 on all of them."""
    for seed in (0, 1):
        for method, values in (
            ("random", dict.fromkeys(("head", "tail"), [0.2] * 4)),
            ("dns", dns),
        ):
            write(folder, "books", method, seed, {"all": [0.1] * 4, **values}, change=two_bands)
    run = frames.open_run(folder)
    return sentences.order_reversal(
        RunInputs.of(run, Metric("ndcg", 20), "random").at("books", "mf"), "dns"
    )


def two_bands(record: dict[str, Any]) -> None:
    record["bands"] = {"rule": "mass:1/2", "names": ["head", "tail"], "items": [1, 9]}
    record["bands"]["test_rows"] = [4, 4]


def test_the_order_turns_beyond_chance(tmp_path: Path, write: Any) -> None:
    # tail: random - dns = .1, .1, .1, .2: mean .125, std .05, t = 5, p = .0154 with 3 degrees
    text = bands_of(tmp_path, write, {"head": [0.3] * 4, "tail": [0.1, 0.1, 0.1, 0.0]})
    assert text == (
        "On tail items the order turns: random leads with 0.2000 and dns, the best on head items, "
        "has 0.0750; the difference there is beyond chance (paired t, uncorrected, p = 0.015)."
    )


def test_the_order_stays(tmp_path: Path, write: Any) -> None:
    assert bands_of(tmp_path, write, {"head": [0.3] * 4, "tail": [0.3] * 4}) == ""


def test_the_best_row_may_turn_against_the_baseline_only(tmp_path: Path, write: Any) -> None:
    high = {"head": [0.9] * 4, "tail": [0.9] * 4}
    for seed in (0, 1):
        write(tmp_path, "books", "other", seed, {"all": [0.0] * 4, **high}, change=two_bands)
    text = bands_of(tmp_path, write, {"head": [0.3] * 4, "tail": [0.1] * 4})
    assert text.startswith(
        "On tail items the order turns: dns is below random there (0.1000 to 0.2000) and above it "
        "on head items; the difference there is beyond chance"
    )
