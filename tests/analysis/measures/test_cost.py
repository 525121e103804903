from io import StringIO
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers.two_rates_run import HIGH, write_two_rates

from negbench.analysis.measures.cost import cost
from negbench.analysis.runs.frames import Run, open_run
from negbench.analysis.tables.cost_notes import of_cost
from negbench.analysis.tables.main_table import main_table, render
from negbench.analysis.verdict.recommendation import recommendation
from negbench.analysis.verdict.verdict import verdicts


def test_seconds_are_per_epoch_and_evaluation_stands_apart(folder: Path) -> None:
    costs = cost(open_run(folder)).set_index(["dataset", "row"])
    dns = costs.loc[("books", "dns")]
    # 1 + 2 + 3 seconds over 2 epochs; evaluation 4 over 2
    assert (dns["train"], dns["sampling"], dns["evaluation"]) == (3.0, 0.5, 2.0)
    assert (dns["total"], dns["memory"], dns["ratio"]) == (11.0, 100.0, 1.0)


def test_the_ratio_is_to_the_baseline_of_the_same_block(folder: Path, write: Any) -> None:
    for seed in (0, 1):
        write(
            folder,
            "books",
            "slow",
            seed,
            {"all": [0.1] * 4},
            change=lambda r: r["seconds"]["wall"].update(sampling=7.0),
        )
    costs = cost(open_run(folder)).set_index(["dataset", "row"])
    assert costs["ratio"]["books", "slow"] == pytest.approx(2)
    assert cost(open_run(folder), vs="nothing")["ratio"].isna().all()


def test_the_ratio_is_to_the_baseline_of_the_same_settings(tmp_path: Path, write: Any) -> None:
    seconds = {("random", HIGH): 7.0, ("dns", HIGH): 10.0}  # with 5 more: 12 and 15, others 6
    run = open_run(write_two_rates(write, tmp_path, seconds=seconds, seeds=1))
    costs = cost(run).set_index("row")
    assert costs["ratio"].drop("most_popular").to_dict() == {
        "dns@lr=0.03": 1.25,
        "dns@lr=0.001": 1.0,
        "random@lr=0.03": 1.0,
        "random@lr=0.001": 1.0,
    }
    assert costs["ratio"].isna()["most_popular"] and costs["baseline"]["most_popular"] == ""
    one = cost(run, vs="random@lr=0.001").set_index("row")
    assert one["ratio"]["dns@lr=0.03"] == 2.5


def test_counts_that_an_old_run_lacks_are_unknown(folder: Path) -> None:
    costs = cost(open_run(folder))
    unknown = ["negatives", "dots", "speed", "ratio_speed", "ratio_dots", "probes"]
    assert costs[unknown].isna().all(axis=None)
    methods = costs[costs["kind"] == "method"]
    assert methods["ratio_memory"].tolist() == [1.0] * 6


def test_a_reference_without_timings_costs_nothing_known(folder: Path, write: Any) -> None:
    write(
        folder,
        "books",
        "ease",
        0,
        {"all": [0.1] * 4},
        backbone="reference",
        change=lambda r: r.update(fit={}, seconds={}),
    )
    costs = cost(open_run(folder)).set_index(["dataset", "row"])
    assert costs["train"].isna()["books", "ease"]


def on_cpu(wall: float, cpu: float, threads: int = 1) -> Any:
    """Change a record: where it was trained, and its seconds of each kind in training."""

    def change(record: dict[str, Any]) -> None:
        record["environment"] |= {"device": "cpu", "threads": threads}
        for clock, seconds in (("wall", wall), ("cpu", cpu)):
            kinds = dict.fromkeys(("sampling", "scoring", "update"), seconds)
            record["seconds"][clock] = {**kinds, "evaluation": 1.0, "total": 4 * seconds}

    return change


def block(folder: Path, write: Any, *changes: Any) -> Run:
    """A run with the rows random, dns ... of one seed, each with its change."""
    for name, change in zip(("random", "dns", "dns_mn"), changes, strict=False):
        write(folder, "films", name, 0, {"all": [0.1] * 4}, change=change)
    return open_run(folder)


def test_on_the_cpu_the_seconds_are_cpu_seconds_and_both_clocks_are_kept(
    tmp_path: Path, write: Any
) -> None:
    run = block(tmp_path, write, on_cpu(2.0, 2.0), on_cpu(12.0, 4.0))
    dns = cost(run).set_index("row").loc["dns"]
    assert (dns["clock"], dns["seconds"], dns["sampling"]) == ("CPU", 6.0, 2.0)
    assert (dns["cpu"], dns["train"], dns["ratio"]) == (6.0, 18.0, 2.0)
    assert (dns["cpu_total"], dns["total"]) == (16.0, 48.0)


def test_on_a_gpu_and_where_no_device_is_known_they_are_wall_seconds(
    tmp_path: Path, write: Any
) -> None:
    def gpu(record: dict[str, Any]) -> None:
        on_cpu(12.0, 4.0)(record)
        record["environment"]["device"] = "NVIDIA"

    run = block(tmp_path, write, on_cpu(2.0, 2.0), gpu)
    costs = cost(run).set_index("row")
    assert costs["clock"].tolist() == ["wall", "wall"]  # rows of a block compare
    assert (costs["seconds"]["dns"], costs["ratio"]["dns"]) == (18.0, 6.0)


def test_the_table_shows_cpu_seconds_and_says_where_the_clocks_part(
    tmp_path: Path, write: Any
) -> None:
    run = block(tmp_path, write, on_cpu(2.0, 2.0), on_cpu(3.8, 2.0), on_cpu(2.2, 2.0))
    shown = render(run)
    assert "CPU s/epoch: CPU seconds of sampling, scoring and update." in shown
    assert (
        "Wall seconds were up to 1.9 times the CPU seconds (in 1 of 3 cells): other work ran beside"
        in " ".join(shown.split())
    )
    exact = pd.read_csv(StringIO(render(run, format="csv"))).set_index("row")
    assert exact.loc["dns", ["cpu_s_per_epoch", "wall_s_per_epoch"]].tolist() == pytest.approx(
        [3.0, 5.7]
    )


def test_clocks_that_agree_are_not_mentioned_and_threads_are(tmp_path: Path, write: Any) -> None:
    alike = block(tmp_path / "alike", write, on_cpu(2.0, 2.0), on_cpu(2.0, 1.8))
    assert [note.kind for note in of_cost(alike)] == ["columns"]
    four = block(tmp_path / "four", write, on_cpu(2.0, 7.0, 4), on_cpu(2.0, 2.0, 4))
    meaning, apart = of_cost(four)
    assert meaning.text.endswith("update, of all 4 threads together.")
    assert apart.text == (
        "CPU seconds were up to 3.5 times the wall seconds (in 1 of 2 cells): several threads "
        "worked."
    )


def test_seconds_of_other_machines_are_not_compared_without_a_word(
    folder: Path, write: Any
) -> None:
    """A row that is slow on a slow machine is not a slow row."""

    def elsewhere(record: dict[str, Any]) -> None:
        record["environment"] |= {"processor": "another"}

    for seed in (0, 1):
        values = {band: [0.9] * 4 for band in ("all", "head", "mid", "tail")}
        write(folder, "books", "far", seed, values, change=elsewhere)
        write(folder, "films", "far", seed, values, change=elsewhere)
    run = open_run(folder)
    alike = cost(run).set_index(["dataset", "row"])["alike"]
    assert not alike["books", "far"] and alike["books", "dns"]
    texts = [note.text for note in of_cost(run) if note.kind == "cost"]
    assert texts == [
        "Cells ran on several machines or numbers of threads: seconds differ by that too."
    ]
    table = main_table(run)
    for verdict in verdicts(run, table):
        assert any(
            "1.00 times that of random, which ran on another machine or number of threads." in text
            for text in verdict.sentences
        )
    facts = recommendation(run, table).facts
    assert facts["dns"].cost_factor == 1 and isnan(facts["far"].cost_factor)
    assert all(isnan(each.seconds) for each in facts.values())
