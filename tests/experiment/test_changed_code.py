"""An edited plug-in is another method: its cells are done again, and never mixed with others."""

import json
import shutil

import pytest
from click.testing import CliRunner
from helpers.small_runs import DATA, go, names, stamps

from negbench.cli import main
from negbench.errors import UserError
from negbench.experiment.cell.spec import CellSpec, PlannedCell
from negbench.experiment.finished.run import open_run
from negbench.experiment.finished.status import status
from negbench.experiment.workers.local_pool import CHANGED, Task, work
from negbench.plugins import registry
from negbench.storage import cell_store
from negbench.training.config import TrainConfig

MINE = """
from negbench.parts import BPR, Uniform
from negbench.protocol import Card, Method
CARD = Card(title="Mine")
def build(config):
    return Method(sampler=Uniform(2), objective=BPR())
"""
EDITED = MINE.replace("Uniform(2)", "Uniform(3)")
SHOP = """
import numpy as np
from negbench.data.interactions import Interactions
from negbench.protocol import Card
CARD = Card(title="Shop")
def load(config, cache):
    pairs = np.array([(u, (3 * u + i) % 14) for u in range(12) for i in range(7)])
    return Interactions("shop", pairs[:, 0], pairs[:, 1], 12, 14)
"""
QUICK = {"methods": "random,mine", "seeds": 2, "epochs": 1, "dim": 4}


def run(out, path, **raw):
    return go(out, **{**QUICK, "plugins": path, **raw})


def of_method(out, name="mine"):
    cells = cell_store.read_cells(out)[0]
    return {each.folder.name for each in cells if each.spec["method"] == name}


def lines(caplog):
    texts = [each for each in caplog.messages if "the code of" in each or "came back" in each]
    caplog.clear()
    return texts


def test_cells_of_an_edited_plugin_are_done_again_and_the_line_says_so(tmp_path, plugin, caplog):
    out, path = tmp_path / "out", plugin("mine", MINE)
    run(out, path)
    first, kept = of_method(out), stamps(out)
    run(out, path)
    assert stamps(out) == kept and not lines(caplog)  # the same file: nothing to do
    plugin("mine", EDITED)
    assert run(out, path).done == 4
    assert of_method(out).isdisjoint(first) and len(names(out)) == 4
    assert {each.name for each in (out / "replaced").iterdir()} == first
    assert lines(caplog) == [
        "the code of method mine changed since 2 cells of this folder were trained: what is "
        "planned of them is trained again, and the earlier ones are kept in "
        f"{out / 'replaced'}"
    ]
    random = [each for each in kept if each.parent.name in of_method(out, "random")]
    assert len(random) == 2 and all(stamps(out)[each] == kept[each] for each in random)
    now = status(out)
    assert (now.done, now.other, now.pending) == (4, 0, ())
    negatives = {c.record["fit"]["negatives"] / c.record["fit"]["rows"] for c in cells(out)}
    assert negatives == {3.0}


def cells(out):
    return [each for each in cell_store.read_cells(out)[0] if each.spec["method"] == "mine"]


def test_an_edit_that_is_taken_back_trains_nothing(tmp_path, plugin, caplog):
    out, path = tmp_path / "out", plugin("mine", MINE)
    run(out, path)
    first = stamps(out)
    plugin("mine", EDITED)
    run(out, path)
    caplog.clear()
    plugin("mine", MINE)
    run(out, path)
    assert stamps(out) == first
    assert lines(caplog)[1] == f"2 cells of this code came back from {out / 'replaced'}"
    assert len(list((out / "replaced").iterdir())) == 2  # those of the edit
    assert status(out).pending == ()


def test_rows_that_are_not_planned_again_are_set_aside_and_pending(tmp_path, plugin):
    out, path = tmp_path / "out", plugin("mine", MINE)
    run(out, path)
    plugin("mine", EDITED)
    run(out, path, seeds="5")
    assert {each.spec["seed"] for each in cells(out)} == {0, 1, 2, 3, 4}
    plugin("mine", MINE)
    run(out, path, methods="mine", seeds="0-0")
    assert {each.spec["seed"] for each in cells(out)} == {0}
    assert len(status(out).pending) == 4 and "pending" in open_run(out).table()
    again = CliRunner().invoke(main, ["resume", str(out), "-q"])
    assert again.exit_code == 0, again.output
    assert status(out).pending == () and len(cells(out)) == 5


def test_a_dry_run_says_it_and_moves_nothing(tmp_path, plugin):
    out, path = tmp_path / "out", plugin("mine", MINE)
    run(out, path, methods="mine")
    kept = stamps(out)
    plugin("mine", EDITED)
    asked = [
        "run",
        "-d",
        DATA,
        "-m",
        "mine",
        "--plugin",
        path,
        "--seeds",
        "2",
        "--epochs",
        "1",
        "--dim",
        "4",
    ]
    shown = CliRunner().invoke(main, [*asked, "-o", str(out), "--dry-run"])
    assert shown.exit_code == 0, shown.output
    assert "the code of method mine changed since 2 cells of this folder" in shown.output
    assert "2 to do" in shown.output and stamps(out) == kept


def test_cells_from_before_the_code_was_kept_are_done_again(tmp_path, plugin, caplog):
    out, path = tmp_path / "out", plugin("mine", MINE)
    run(out, path)
    for cell in cells(out):
        record = {**cell.record, "spec": {k: v for k, v in cell.spec.items() if k != "code"}}
        cell.folder.rename(cell.folder.with_name(cell_store.digest(record["spec"])))
        where = cell.folder.with_name(cell_store.digest(record["spec"])) / "cell.json"
        where.write_text(json.dumps(record))
    run(out, path)
    (line,) = lines(caplog)
    assert "may have changed since 2 cells of this folder, which do not record it" in line
    assert len(cells(out)) == 2 and all("code" in each.spec for each in cells(out))


def test_an_edited_local_import_and_no_unrelated_file_counts(tmp_path, plugin, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    text = MINE.replace("\nCARD", "\nfrom helper_of_mine import N\nCARD").replace("(2)", "(N)")
    out, path = tmp_path / "out", plugin("mine", text)
    plugin("helper_of_mine", "N = 2\n")
    asked = {"methods": "mine", "seeds": 1}
    run(out, path, **asked)
    first = stamps(out)
    plugin("unrelated", "N = 9\n")
    run(out, path, **asked)
    assert stamps(out) == first
    plugin("helper_of_mine", "N = 3\n")
    run(out, path, **asked)
    (cell,) = cells(out)
    assert cell.folder.name not in {each.parent.name for each in first}
    assert cell.record["fit"]["negatives"] / cell.record["fit"]["rows"] == 3.0


def test_the_code_of_a_cell_is_of_its_plugins_and_the_record_of_its_built_ins(tmp_path, plugin):
    out, path = tmp_path / "out", plugin("mine", MINE)
    shop = plugin("shop", SHOP)
    run(out, [path, shop], datasets="shop", references="most_popular", seeds=1)
    by_method = {each.spec["method"]: each for each in cell_store.read_cells(out)[0]}
    data = {"datasets": {"shop": registry.code("datasets", "shop")}}
    own = {"methods": {"mine": registry.code("methods", "mine")}}
    assert by_method["mine"].spec["code"] == data | own
    assert by_method["random"].spec["code"] == by_method["most_popular"].spec["code"] == data
    mf = {"backbones": {"mf": registry.code("backbones", "mf")}}
    random = {"methods": {"random": registry.code("methods", "random")}}
    assert by_method["mine"].record["code"] == mf
    assert by_method["random"].record["code"] == mf | random
    assert set(by_method["most_popular"].record["code"]) == {"references"}


def test_a_reader_that_was_edited_makes_other_cells_of_the_same_pairs(tmp_path, plugin, caplog):
    out, shop = tmp_path / "out", plugin("shop", SHOP)
    asked = {"methods": "random", "datasets": "shop", "seeds": 1}
    run(out, shop, **asked)
    first = names(out)
    plugin("shop", SHOP + "# edited\n")
    run(out, shop, **asked)
    assert len(names(out)) == 1 and names(out) != first
    assert "the code of data set shop changed since 1 cell of this folder was" in lines(caplog)[0]


def test_a_worker_trains_no_code_but_the_planned(tmp_path, plugin):
    path = plugin("mine", MINE)
    registry.add_plugin(path)
    spec = CellSpec(DATA, "mf", "mine", train=TrainConfig(epochs=1, dim=4))
    planned = PlannedCell.of(spec, spec.scenario_key.prepare())
    task = Task(planned, tmp_path / "out", None, "cpu", 1, 0)
    plugin("mine", EDITED)
    registry.add_plugin(path)  # as a worker does that starts later
    assert work(task, {}).reason == CHANGED
    plugin("mine", MINE)
    registry.add_plugin(path)
    assert work(task, {}).reason == ""


@pytest.fixture
def two_versions(tmp_path, plugin):
    """Two folders that hold two versions of one plug-in."""
    out, path = [tmp_path / "A", tmp_path / "B"], plugin("mine", MINE)
    run(out[0], path, seeds=1)
    plugin("mine", EDITED)
    run(out[1], path, seeds="5-5")
    return out


@pytest.mark.parametrize("word", ["table", "compare", "audit", "report", "plot"])
def test_two_versions_of_a_method_are_not_shown_together(two_versions, word):
    shown = CliRunner().invoke(main, [word, *map(str, two_versions)])
    assert shown.exit_code == 2 and shown.output.count("\n") == 1
    assert "cells must share the code of method mine to be compared" in shown.output
    assert "open them apart, or run them again with one version" in shown.output


def test_nor_are_those_of_one_folder(two_versions):
    (cell,) = (each for each in (two_versions[1] / "cells").iterdir() if _is_mine(each))
    shutil.copytree(cell, two_versions[0] / "cells" / cell.name)
    with pytest.raises(UserError, match="share the code of method mine"):
        open_run(two_versions[0]).table()


def _is_mine(folder):
    return cell_store.read_cell(folder).spec["method"] == "mine"


def test_both_folders_and_their_versions_are_named(two_versions):
    with pytest.raises(UserError) as caught:
        open_run(two_versions).table()
    codes = [cells(out)[0].spec["code"]["methods"]["mine"] for out in two_versions]
    for out, code in zip(two_versions, codes, strict=True):
        assert f"{out} has version {code} (1 cell)" in str(caught.value)


def test_one_version_in_two_folders_is_one_table(tmp_path, plugin):
    path = plugin("mine", MINE)
    run(tmp_path / "A", path, seeds="0-0")
    run(tmp_path / "B", path, seeds="1-1")
    assert "2 seeds (0, 1)" in open_run([tmp_path / "A", tmp_path / "B"]).table()


def test_a_search_of_an_edited_plugin_is_tuned_again(tmp_path, plugin):
    path, out = plugin("mine", MINE), tmp_path / "tuned"
    own = ["--plugin", path, "-d", DATA, "-m", "mine", "--epochs", "1", "--dim", "4"]
    search = ["tune", *own, "--trials", "2", "--finalists", "1", "--final-seeds", "1"]
    search += ["--test-seeds", "1", "-o", str(out)]
    tuned = ["run", "--plugin", path, "-d", DATA, "-m", "mine", "--tuned", str(out), "--dry-run"]
    assert CliRunner().invoke(main, search).exit_code == 0
    assert CliRunner().invoke(main, tuned).exit_code == 0
    first = names(out)
    plugin("mine", EDITED)
    shown = CliRunner().invoke(main, tuned)
    assert shown.exit_code == 2 and "that of method mine changed since" in shown.output
    assert "tune again" in shown.output
    again = CliRunner().invoke(main, search)
    assert again.exit_code == 0, again.output
    assert len(names(out)) == 1 and names(out) != first
    assert CliRunner().invoke(main, tuned).exit_code == 0
