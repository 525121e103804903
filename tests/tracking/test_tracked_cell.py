"""What trackers are told of a cell, on the run that is small enough for paper."""

import pytest
from helpers.run_on_paper import EPOCHS, write_run_on_paper

from negbench.storage.cell_store import read_cells
from negbench.tracking.tracked_cell import TrackedCell, plain


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    cells, _ = read_cells(write_run_on_paper(tmp_path_factory.mktemp("paper")))
    return {tracked.name: tracked for tracked in map(TrackedCell.of, cells)}


def test_values_are_those_of_its_epochs_at_the_time_when_each_ended(cells):
    cell = cells["hand mf dns/0"]
    for at, (row, paper) in enumerate(zip(cell.epochs, EPOCHS["dns"][0], strict=True), 1):
        valid, wall, fnr, gap, head = paper
        assert row.epoch == at and row.ended == pytest.approx(cell.ended - 6.0 + wall, abs=1e-3)
        assert row.values == {
            "epoch/valid_mrr_at_2": valid,
            "epoch/fnr": fnr,
            "epoch/gap_p50": gap,
            "epoch/neg_head": head,
        }


def test_results_are_of_all_users_and_settings_are_flat(cells):
    cell = cells["hand mf dns/0"]
    assert cell.results["test/mrr_at_2"] == pytest.approx(0.6)  # 1, 1, 1, 0, 0
    assert cell.results["train/fnr"] == 0.3 and cell.best_epoch == 3
    assert not [name for name in cell.results if "head" in name or "tail" in name]
    assert cell.settings["method"] == "dns" and cell.settings["seed"] == 0
    assert cell.group == "hand mf dns"


def test_a_reference_has_no_epochs(cells):
    cell = cells["hand reference most_popular/0"]
    assert cell.epochs == () and cell.best_epoch == 0 and "test/mrr_at_2" in cell.results


def test_the_id_is_the_cells_and_that_of_its_seed_differs(cells):
    assert len({cell.id for cell in cells.values()}) == len(cells) == 7


@pytest.mark.parametrize(
    ("name", "told"),
    [("ndcg@20", "ndcg_at_20"), ("a(b=[1,2])", "a_b__1_2__"), ("x.y-z/w", "x.y-z/w")],
)
def test_names_have_letters_that_every_tracker_takes(name, told):
    assert plain(name) == told
