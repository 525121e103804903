"""A folder, and a search, hold one ranking protocol: another one is refused before training."""

import pytest
from helpers.small_runs import DATA, SMALL

from negbench.errors import UserError
from negbench.experiment.options.options import build, flatten
from negbench.experiment.plan import plan
from negbench.experiment.run_grid import carry_out
from negbench.storage import cell_store


def options(**raw):
    return build(flatten({**SMALL, "datasets": [DATA], "methods": "random", "seeds": 1, **raw}))


@pytest.mark.parametrize(
    ("first", "then", "match"),
    [
        ({}, {"mask": "none"}, "--mask was seen and is none"),
        ({"mask": "none"}, {}, "--mask was none and is seen"),
        ({}, {"average": "events"}, "--average was users and is events"),
    ],
)
def test_another_ranking_is_refused_and_the_folder_is_as_it_was(tmp_path, first, then, match):
    chosen = options(**first)
    carry_out(chosen, plan(chosen), tmp_path)
    before = [cell.folder.name for cell in cell_store.read_cells(tmp_path)[0]]
    other = options(**then)
    with pytest.raises(UserError, match=match):
        carry_out(other, plan(other), tmp_path)
    assert [cell.folder.name for cell in cell_store.read_cells(tmp_path)[0]] == before


def test_a_winner_of_one_ranking_is_none_of_another():
    asked = {"datasets": ["goodbooks"], "methods": "random", "seeds": 1, "tuned": "embedded"}
    assert plan(build(flatten(asked))).cells[0].spec.tuned
    with pytest.raises(UserError, match="split and ranking must be those of the search.*events"):
        plan(build(flatten({**asked, "average": "events"})))
