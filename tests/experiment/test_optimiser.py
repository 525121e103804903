"""The optimiser of a cell: what its identity and its record hold of it."""

import json

import pytest
from helpers.small_runs import DATA

from negbench.experiment.cell.run import run_cell
from negbench.experiment.options.options import build, flatten
from negbench.experiment.plan import plan
from negbench.training import row_adam


def planned(**settings):
    asked = {"datasets": [DATA], "seeds": 1, "methods": ["random"], "epochs": 1, "dim": 8}
    grid = plan(build(flatten(asked | settings)))
    return grid.cells[0]


def test_the_default_is_in_no_identity_and_any_other_is():
    default = planned()
    assert planned(optimiser="adam").digest == default.digest
    assert "optimiser" not in default.resolved["train"]
    others = [planned(optimiser=name) for name in ("adam_exact", "adagrad", "sgd")]
    assert [each.resolved["train"]["optimiser"] for each in others] == [
        "adam_exact",
        "adagrad",
        "sgd",
    ]
    assert len({each.digest for each in (default, *others)}) == 4


@pytest.mark.parametrize("by_rows", [False, True])
def test_a_record_says_where_a_table_was_updated_by_rows(tmp_path, monkeypatch, by_rows):
    if by_rows:
        monkeypatch.setattr(row_adam, "LEAST_ROWS", 0)
        monkeypatch.setattr(row_adam.RowAdam, "_reads_much", lambda *_: False)
    cell = planned()
    folder = run_cell(cell, cell.spec.scenario_key.prepare(), tmp_path)
    record = json.loads((folder / "cell.json").read_text())
    assert record["fit"].get("adam") == ("by rows" if by_rows else None)
