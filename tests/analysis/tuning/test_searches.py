"""Search files as values: numbers that are not known, edges, folders read together."""

from math import isnan

import pytest
from helpers.search_files import L2, LR, PROTOCOL, M, pending, search, three_rows, trial, write

from negbench.analysis.tuning.searches import Searched, searches
from negbench.analysis.tuning.searches import pending as pending_sentence
from negbench.errors import NothingToReport, UserError


def test_the_rows_of_a_folder(tmp_path):
    rows = searches(write(tmp_path, three_rows()))
    assert [(row.backbone, row.row) for row in rows] == [
        ("mf", "dns"),
        ("mf", "random"),
        ("reference", "ease"),
    ]
    dns = rows[0]
    assert dns.folder == tmp_path and dns.metric == "ndcg@20" and dns.test_seeds == (100, 101, 102)
    assert [(t.done, t.failed) for t in dns.trials] == [
        (True, False),
        (True, False),
        (False, True),
        (True, False),
    ]
    assert isnan(dns.trials[2].valid) and isnan(dns.trials[2].test)
    assert [each.text for each in dns.space] == [
        "log [0.0001, 0.1]",
        "log [1e-08, 0.01], or 0 (10%)",
    ]
    assert rows[2].reference and not dns.reference


def test_a_trial_without_a_value_to_select_by_failed():
    row = Searched(search("dns", [trial(0, 0.1, 0.2), trial(1, None, 0.3, status="done")]))
    assert [each.failed for each in row.trials] == [False, True]


def test_edges_of_the_winner():
    settings = {"lr": 9.9e-2, "l2": 0.0, "candidates": 16}
    row = search("dns", [trial(0, 0.1, 0.2, settings)], space=(LR, L2, M), winner=0)
    assert Searched(row).edges == ("lr", "candidates")
    assert Searched({**row, "winner": None}).edges == ()


def test_of_a_row_in_two_folders_the_fuller_counts(tmp_path):
    whole = search("dns", [(0.1, 0.2), (0.3, 0.4)])
    part = search("dns", [(0.1, 0.2), pending(1)])
    one, other = write(tmp_path / "a", [part]), write(tmp_path / "b", [whole])
    for order in ([one, other], [other, one]):
        (row,) = searches(order)
        assert row.folder == other and row.pending == 0


def test_rows_of_two_protocols_are_both_kept(tmp_path):
    one = write(tmp_path / "a", [search("dns", [(0.1, 0.2)])])
    other = write(tmp_path / "b", [search("dns", [(0.1, 0.2)], protocol={"finalists": 3})])
    assert len({row.hash for row in searches([one, other])}) == 2


def test_splits_are_read_as_one_run(tmp_path):
    for number, part in enumerate(("aaa", "bbb"), 1):
        given = search("dns", [(0.1, 0.2)], protocol={**PROTOCOL, "split_hash": part})
        write(tmp_path / f"split-{number}", [given])
    assert {row.folder.name for row in searches(tmp_path)} == {"split-1", "split-2"}


def test_pending_rows_in_one_sentence():
    whole, part = search("a", [(0.1, 0.2)]), search("b", [(0.1, 0.2), pending(1)])
    assert pending_sentence([Searched(whole)]) == ""
    assert pending_sentence([Searched(whole), Searched(part)]).startswith("1 of 2 rows")


def test_no_search_is_nothing_to_report(tmp_path):
    with pytest.raises(NothingToReport, match="a folder must hold searches"):
        searches([tmp_path, tmp_path / "nowhere"])


def test_a_damaged_file_is_named(tmp_path):
    write(tmp_path, three_rows())
    next((tmp_path / "searches").glob("*dns*")).write_text("{")
    with pytest.raises(UserError, match="a search must be whole"):
        searches(tmp_path)
