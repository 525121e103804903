"""What the choice may know of a cell, and what rows must share to be compared."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from helpers.small_runs import SMALL

from negbench.experiment.options.options import build, flatten
from negbench.storage.search_store import protocol_hash
from negbench.tuning import validation
from negbench.tuning.protocol import Protocol
from negbench.tuning.run_search import prepare
from negbench.tuning.validation import failure, validation_value


def cell(valid=0.3, done=True, **record):
    values = {"valid": valid, "test": 0.9}
    lines = [
        {"split": split, "metric": "ndcg", "k": k, "band": band, "value": value}
        for split, value in values.items()
        for k in (10, 20)
        for band in ("head", "all")
    ]
    for line in lines:
        line["value"] += (line["k"] == 10) + (line["band"] == "head")
    return SimpleNamespace(done=done, record={"metrics": lines, "fit": {}, **record})


def test_the_value_is_that_of_the_metric_on_the_whole_validation_part():
    assert validation_value(cell(), "ndcg@20") == 0.3
    assert validation_value(cell(), "ndcg@10") == 1.3


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_value_that_is_no_number_is_a_failure(value):
    assert validation_value(cell(value), "ndcg@20") is None


def test_a_failed_cell_has_no_value():
    failed = cell(done=False, reason="diverged")
    assert validation_value(failed, "ndcg@20") is None and failure(failed) == "diverged"


def test_a_training_that_never_left_its_warm_up_is_a_failure(monkeypatch):
    monkeypatch.setattr(validation, "before_phase", lambda fit: fit == {"epochs": 3})
    assert validation_value(cell(fit={"epochs": 3}), "ndcg@20") is None
    assert validation_value(cell(fit={"epochs": 9}), "ndcg@20") == 0.3


USUAL = Protocol(trials=4, finalists=2, final_seeds=2, test_seeds=2)


@pytest.mark.parametrize(
    "other",
    [
        {"trials": 5},
        {"search": "random"},
        {"fidelity": "halving"},
        {"finalists": 1},
        {"final_seeds": 3},
        {"points_seed": 1},
    ],
)
def test_every_number_of_the_choice_is_part_of_the_hash(other):
    search = prepare(build(flatten({**SMALL, "methods": "random"})), USUAL, {})
    (row,) = search.rows

    def hash_of(protocol):
        return protocol_hash(protocol.record(row.options, row.scenario))

    assert hash_of(replace(USUAL, **other)) != hash_of(USUAL)
    assert hash_of(replace(USUAL, test_seeds=9)) == hash_of(USUAL)


def test_a_value_that_a_record_has_not_is_a_failure():
    """JSON has no NaN: a metric that no user has a value of is null there."""
    empty = cell()
    for line in empty.record["metrics"]:
        line["value"] = None
    assert validation_value(empty, "ndcg@20") is None
