"""Each sentence of a verdict, from numbers made by hand: singular, plural, and what is missing."""

from pathlib import Path
from typing import Any

import pandas as pd
from helpers.run_on_paper import write_run_on_paper

from negbench.analysis.runs import frames
from negbench.analysis.tables.main_table import main_table
from negbench.analysis.tables.main_table_values import Row
from negbench.analysis.verdict import sentences
from negbench.analysis.verdict.inputs import BlockInputs
from negbench.analysis.verdict.verdict import verdicts
from negbench.evaluation.metric_names import Metric

METRIC = Metric("ndcg", 20)


def frame(columns: str, *lines: tuple[Any, ...]) -> pd.DataFrame:
    return pd.DataFrame(list(lines), columns=columns.split())


def inputs(**parts: pd.DataFrame) -> BlockInputs:
    empty = {
        "bands": frame("row band mean"),
        "activity": frame("row quarter mean"),
        "risk": frame("row fnr fnr_lift fhnr knowledge"),
        "cost": frame("row seconds ratio"),
        "time": frame("row epochs wall"),
        "bias": frame("row metric mean"),
    }
    rows = {
        name: Row(name, name, "", "method", 1, 1, (), clock="CPU") for name in ("dns", "random")
    }
    return BlockInputs(METRIC, "random", {**empty, **parts}, rows, lambda band: None)


def test_the_verdict_of_the_run_on_paper(tmp_path: Path) -> None:
    run = frames.open_run(write_run_on_paper(tmp_path))
    (verdict,) = verdicts(run, main_table(run))
    assert verdict.sentences == (
        "No method is significantly above most_popular (MRR@2 0.3000); the best method, dns, has "
        "0.6000 and is not told apart from it; no row was tuned here.",
        "dns ranks best: MRR@2 0.6000 ± 0.0000, not told apart from random, most_popular and "
        "popularity; no row was tuned here.",
        "None of 2 other methods is significantly above random; dns and popularity are not told "
        "apart from it.",
        "Against the reference most_popular: no method is told apart from it.",
        "Best for head items dns (1.0000, not told apart from most_popular, popularity and "
        "random), mid items dns (0.8750, not told apart from popularity, random and most_popular) "
        "and tail items random (0.3750, not told apart from dns, most_popular and popularity). "
        "Most even over the bands: random (balance 0.79, at MRR@2 0.4500, not told apart from dns, "
        "popularity and most_popular).",
        "The highest on tail items is not that on head items: random is above dns there (0.3750 to "
        "0.1250) and below it on head items (0.7500 to 1.0000), but the two are not told apart on "
        "head and tail items.",
        "False negatives (exact): dns met 2.50 times (25.0% of its negatives) what uniform draws "
        "would, the most; random 1.10 times (11.0% of its negatives), the least. The best method, "
        "dns, met 2.50 times the false negatives of uniform draws, random 1.10 times (not tested). "
        "Of the hard negatives of dns 37.5% are false, the most; of those of random 30.0%, "
        "the least.",
        "Against random, dns shows more popular items (ARP 3.2 to 2.8), spreads exposure less "
        "evenly (Gini 0.583 to 0.450) and covers less of the catalogue (coverage 58.3% to 75.0%).",
        "An epoch of dns takes 2.50 wall s, 2.50 times that of random. dns reaches 95% of its best "
        "validation value after 1.5 epochs (3.50 s), random after 2.5 epochs (2.80 s).",
        "These comparisons rest on 2 seeds, 5 test users and settings that were not tuned here.",
    )


def test_nothing_measured_is_nothing_said() -> None:
    empty = inputs()
    for sentence in (sentences.false_negatives, sentences.popularity_bias, sentences.cost):
        assert sentence(empty, "dns") == ""


def test_one_row_at_risk_is_compared_with_none() -> None:
    one = inputs(
        risk=frame("row fnr fnr_lift fhnr knowledge", ("dns", 0.0026, 2.0, 0.5, "lower bound"))
    )
    assert sentences.false_negatives(one, "dns") == (
        "False negatives (on held-out positives, so shares are lower bounds): dns met 2.00 times "
        "(0.26% of its negatives) what uniform draws would."
    )


def test_the_best_method_stands_beside_the_baseline() -> None:
    lines = [("dns", 0.1, 1.5, None, "exact"), ("random", 0.1, 1.0, None, "exact")]
    text = sentences.false_negatives(
        inputs(risk=frame("row fnr fnr_lift fhnr knowledge", *lines)), "dns"
    )
    assert text.endswith(
        "The best method, dns, met 1.50 times the false negatives of uniform draws, random 1.00 "
        "times (not tested)."
    )


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
    cost = frame("row seconds ratio", ("dns", 2.0, None))
    assert sentences.cost(inputs(cost=cost), "dns") == "An epoch of dns takes 2.00 CPU s."


def test_what_is_known_in_part_says_so_in_every_sentence() -> None:
    lines = [("dns", 0.1, 2.0, 0.25, "lower bound"), ("random", 0.1, 1.0, 0.5, "lower bound")]
    text = sentences.false_negatives(
        inputs(risk=frame("row fnr fnr_lift fhnr knowledge", *lines)), "dns"
    )
    first, second, third = (part for part in text.split(". ") if part)
    assert "lower bounds" in first
    assert "(on held-out positives; not tested)" in second
    assert third == (
        "Of the hard negatives of random 50.0% are held-out positives (a lower "
        "bound of the false ones), the most; of those of dns 25.0%, the least."
    )


def test_rates_whose_intervals_overlap_are_not_ranked() -> None:
    columns = "row fnr fnr_low fnr_high fnr_lift fhnr fhnr_low fhnr_high knowledge"
    lines = [
        ("dns", 0.1, 0.08, 0.12, 1.0, 0.5, 0.4, 0.6, "exact"),
        ("random", 0.09, 0.07, 0.11, 0.9, 0.1, 0.05, 0.2, "exact"),
    ]
    text = sentences.false_negatives(inputs(risk=frame(columns, *lines)), "dns")
    assert "the most (95 % interval of its count overlaps that of random); random 0.90" in text
    assert "draws, random 0.90 times (95 % intervals overlap)." in text
    assert "hard negatives of dns 50.0% are false, the most; of those of random 10.0%" in text
