"""Standings count what the tests of the blocks tell, and nothing else."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.graded_run import warm_up, write_graded

from negbench.analysis.runs.frames import open_run
from negbench.analysis.statistics.friedman import mean_ranks
from negbench.analysis.statistics.significance import significance
from negbench.analysis.tables.main_table import main_table
from negbench.analysis.tables.main_table_values import Row
from negbench.analysis.verdict.standings import BlockTests, blocks_on, common, standings

SIDES = np.array([[0, 1, 1], [-1, 0, 0], [-1, 0, 0]])
KINDS = {"dns": "method", "knn": "reference", "random": "method"}
MEANS = {"dns": 0.3, "knn": 0.25, "random": 0.2}


def row(label: str) -> Row:
    return Row(label, label, "", KINDS[label], 2, 2, (), baseline="random")


def block(sides: Any = SIDES, *, covers: bool = True, dataset: str = "books") -> BlockTests:
    rows = {label: row(label) for label in KINDS}
    return BlockTests((dataset, "mf"), rows, MEANS, np.array(sides), covers)


def test_on_paper() -> None:
    level = block(np.zeros((3, 3), int), dataset="films")
    dns, knn, random = standings([block(), level])
    assert (dns.row, dns.unbeaten, dns.above_base, dns.above_reference) == ("dns", 2, 1, 1)
    assert (knn.unbeaten, knn.above_base, random.unbeaten) == (1, 0, 1)
    assert dns.base_gains == pytest.approx((0.5, 0.5))
    assert dns.reference_gains == pytest.approx((0.2, 0.2))
    assert (dns.rank, dns.rank_low, dns.rank_high) == (1, 1, 2)  # (1-1) and (1-3)
    assert dns.level == () and knn.level == ("random",)


def test_one_seed_counts_against_a_row_and_not_for_it() -> None:
    dns, knn, _ = standings([block(covers=False)])
    assert (dns.above_base, dns.above_reference, dns.unbeaten, knn.unbeaten) == (0, 0, 1, 0)
    assert not block(covers=False).tells and block().tells


def test_ranks_are_those_of_the_comparison(tmp_path: Path, write: Any) -> None:
    for dataset, best in (("books", 0.3), ("films", 0.22)):
        rows = {"random": 0.2, "dns": best, "cml": 0.21}
        write_graded(write, tmp_path, rows, {"most_popular": 0.25}, dataset=dataset, spread=0.03)
    run = open_run(tmp_path)
    lines = standings(blocks_on(run, main_table(run), "all"))
    tests = significance(run).groupby("row")[["rank_low", "rank_high"]].mean()
    ranks = mean_ranks(run).set_index("row")["mean_rank"]
    for line in lines:
        assert line.rank == pytest.approx(ranks[line.row])
        expected = tests.loc[line.row]
        assert (line.rank_low, line.rank_high) == pytest.approx(tuple(expected))


def test_a_row_that_is_not_everywhere_has_no_standing_but_beats_others(
    tmp_path: Path, write: Any
) -> None:
    write_graded(write, tmp_path, {"random": 0.2, "dns": 0.3, "cml": 0.4})
    write_graded(write, tmp_path, {"random": 0.2, "dns": 0.3}, dataset="films")
    run = open_run(tmp_path)
    blocks = blocks_on(run, main_table(run), "all")
    assert common(blocks) == ["dns", "random"]
    assert {line.row: line.unbeaten for line in standings(blocks)} == {"dns": 1, "random": 0}


def test_a_warm_up_alone_is_above_nothing(tmp_path: Path, write: Any) -> None:
    rows = {"random": 0.2, "dns": 0.3, "cml": 0.4}
    run = open_run(write_graded(write, tmp_path, rows, changes={"cml": warm_up}))
    lines = standings(blocks_on(run, main_table(run), "all"))
    assert [(line.row, line.unbeaten) for line in lines] == [("dns", 1), ("random", 0)]
