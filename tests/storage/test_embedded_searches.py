"""The searches that ship with the package."""

import json

import pytest

from negbench.plugins import registry
from negbench.storage.embedded_searches import read_embedded, unpack, write_embedded
from negbench.storage.search_store import protocol_hash, read_searches, search_mark


def search(row, backbone="mf", winner=True, trials=3):
    protocol = {"trials": 3, "budget": {"epochs": 5}}
    ranges = {} if backbone == "reference" else {"lr": "log [0.1, 1]"}
    chosen = {"trial": 1, "word": f"{row}@lr=0.5", "settings": {"lr": 0.5}, "valid": 0.25}
    return {
        "dataset": "toy",
        "backbone": backbone,
        "row": row,
        "protocol": protocol,
        "hash": protocol_hash(protocol),
        "ranges": ranges,
        "ranges_hash": protocol_hash(ranges) if ranges else "",
        "trials": [{"status": "done"}] * trials,
        "space": [],
        "finalists": [],
        "winner": chosen if winner else None,
    }


def test_what_is_written_is_what_is_read(tmp_path):
    rows = [search("dns"), search("ease", "reference"), search("lost", winner=False)]
    write_embedded(tmp_path / "embedded.json", rows, "by hand")
    content = json.loads((tmp_path / "embedded.json").read_text())
    assert list(unpack(content)) == rows[:2] and content["source"] == "by hand"
    assert [search_mark(each) for each in unpack(content)] == [search_mark(r) for r in rows[:2]]


def test_an_empty_file_holds_nothing(tmp_path):
    write_embedded(tmp_path / "embedded.json", [], "")
    assert unpack(json.loads((tmp_path / "embedded.json").read_text())) == ()


def test_the_word_embedded_reads_the_package():
    assert read_searches("embedded") == read_embedded()


@pytest.mark.parametrize("each", read_embedded(), ids=lambda s: f"{s['dataset']}-{s['row']}")
def test_every_embedded_row_is_whole(each):
    family = "references" if each["backbone"] == "reference" else "methods"
    assert each["row"] in registry.names(family)
    assert each["hash"] == protocol_hash(each["protocol"])
    assert each["winner"]["word"].startswith(each["row"]) and each["winner"]["valid"] > 0
    assert len(each["trials"]) in (1, each["protocol"]["trials"])
