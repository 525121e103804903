"""Features through a run: part of a cell where they are read, cold items ranked, sentences."""

import numpy as np
import pytest
from click.testing import CliRunner

from negbench.cli import main
from negbench.data.readers.column_roles import Columns
from negbench.experiment.cell.spec import CellSpec, PlannedCell, unfit
from negbench.storage import cell_store

READS = "two_tower(features=items,ids=users,dim=16)"


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Forty-eight users like one of three kinds of 36 items; the kind of an item is its column."""
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    rows = []
    for user in range(48):
        own = np.arange(36)[np.arange(36) % 3 == user % 3]
        rows += [f"u{user},i{item}\n" for item in draw.choice(own, 9, replace=False)]
    (tmp_path / "my.csv").write_text("user,item\n" + "".join(rows))
    items(tmp_path)
    return tmp_path


def items(folder, of=3):
    rows = (f"i{item},k{item % of}\n" for item in range(36))
    (folder / "items.csv").write_text("item,kind\n" + "".join(rows))


def planned(folder, backbone, **more):
    """The cell with and without a file of features."""
    cells = []
    for name in ("items.csv", None):
        columns = Columns(item_features=name and str(folder / name))
        spec = CellSpec(str(folder / "my.csv"), backbone, "random", columns=columns, **more)
        cells.append((spec, spec.scenario_key.prepare()))
    return cells


def test_features_are_part_of_a_cell_only_where_they_are_read(files):
    for backbone in ("mf", "two_tower"):
        with_, without = (PlannedCell.of(*each) for each in planned(files, backbone))
        assert with_.digest == without.digest and "features" not in with_.resolved
    (spec, scenario), (bare, nothing) = planned(files, READS)
    resolved = spec.resolve(scenario)
    assert resolved["features"] == {"item_features": scenario.interactions.item_features.digest}
    assert unfit(spec, scenario) is None
    assert unfit(bare, nothing).endswith(
        "needs item_features, which my does not provide; --item-features FILE gives those of a "
        "file of yours"
    )
    items(files, of=4)
    again = spec.scenario_key.prepare()
    assert spec.resolve(again)["features"] != resolved["features"]
    assert (
        scenario.train_context(seed=0, device="cpu").item_features()
        is scenario.train_context(seed=1, device="cpu").item_features()
    )


def go(*words):
    shape = ["--epochs", "25", "--seeds", "1", "--split", "cold_items(0.25)", "--bands", "count:1"]
    return CliRunner().invoke(
        main, ["run", "-d", "my.csv", "--item-features", "items.csv", "-o", "out", *shape, *words]
    )


@pytest.mark.parametrize(("backbone", "unread"), [("mf", True), (f"mf,{READS}", False)])
def test_a_table_that_no_row_reads_is_noted(files, backbone, unread):
    text = " ".join(go("-m", "random", "-b", backbone, "--dry-run").output.split())
    note = "--item-features is read by no row of this run; two_tower(features=items) reads it"
    assert (note in text) == unread


def test_cold_items_are_ranked_by_their_columns(files):
    done = go("-m", "in_batch", "-b", f"two_tower(dim=16),{READS}")
    assert done.exit_code == 0, done.output
    text = " ".join(done.output.split())
    assert "item features of items.csv: kind categorical (3 values)" in text.lower()
    assert "but where a backbone reads their features (two_tower)" in text
    tail = {}
    for cell in cell_store.read_cells(files / "out")[0]:
        assert cell.record["bands"]["items"][1] == 9
        wanted = {"split": "test", "metric": "ndcg", "k": 10, "band": "tail"}
        (value,) = (m["value"] for m in cell.record["metrics"] if wanted.items() <= m.items())
        tail["features" in cell.spec] = value
    assert tail[True] > tail[False] + 0.1
    items(files, of=4)
    changed = go("-m", "in_batch", "-b", READS)
    assert changed.exit_code == 2
    assert "the features of users or items of " in " ".join(changed.output.split())


def test_data_check_shows_the_columns(files):
    words = ["data", "check", "my.csv", "--item-features", "items.csv"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert "items: kind categorical (3 values)" in done.output
    plain = CliRunner().invoke(main, words[:3])
    assert any(line.split() == ["features", "none"] for line in plain.output.splitlines())


def test_a_file_of_features_is_for_a_file_of_pairs(files):
    done = CliRunner().invoke(main, ["run", "-d", "kuairec", "--item-features", "items.csv"])
    assert done.exit_code == 2 and "--item-features: columns are given for a file" in done.output
