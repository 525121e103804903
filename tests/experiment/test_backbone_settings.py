"""Parameters of the backbone behind a method's @: one block, rows that differ in them."""

import re

import pytest
from helpers.small_runs import DATA, SMALL, go

from negbench.errors import UserError
from negbench.experiment.estimate.finished_cells import FinishedCells, key_of
from negbench.experiment.estimate.grid import estimate
from negbench.experiment.finished.run import open_run
from negbench.experiment.options.options import build, flatten
from negbench.experiment.plan import plan
from negbench.experiment.run_again import to_resume
from negbench.storage import run_file

DIGESTS = {
    ("mf", "dns"): "bf4f3d2bb6da",
    ("mf(dim=8)", "dns@(l2=0,lr=0.1)"): "2d56249d85a0",
    ("lightgcn(layers=1,dim=8)", "popularity(negatives=2)+dns(candidates=8)"): "0304e6c2b306",
    ("lightgcn", "info_nce@(dim=16,lr=0.01)"): "19f474bc0d18",
}
"""Cells of goodbooks before backbones had settings behind an @."""


def planned(methods, backbone="lightgcn", **more):
    asked = {"datasets": [DATA], "seeds": 1, "methods": methods, "backbones": [backbone], **more}
    return list(plan(build(flatten(asked))).cells)


@pytest.mark.parametrize("words", DIGESTS)
def test_cells_of_before_keep_their_hash(words):
    (cell,) = planned(words[1], words[0], datasets=["goodbooks"])
    if words[1].startswith("info_nce"):  # the option and the word are one setting
        (option,) = planned("info_nce@dim=16", words[0], datasets=["goodbooks"], lr=0.01)
        assert option.digest == cell.digest
    assert cell.digest == DIGESTS[words]


def test_settings_of_the_training_are_checked_with_those_of_the_backbone():
    (cell,) = planned("random", "ngcf(layers=4)", dim=10)  # 64, the default, is no multiple of 5
    assert cell.resolved["backbone_config"]["dim"] == 10
    with pytest.raises(UserError, match="`dim` must be a multiple of `layers`"):
        planned("random", "ngcf", dim=10)


def test_a_setting_of_the_backbone_changes_the_cell_and_not_the_block():
    (plain,) = planned("dns")
    (cell,) = planned("dns@(layers=2,lr=0.1)")
    assert cell.resolved["backbone"] == "lightgcn" and cell.resolved["backbone_variant"] == ""
    assert cell.resolved["backbone_config"]["layers"] == 2
    assert cell.resolved["backbone_config"]["lr"] == cell.resolved["train"]["lr"] == 0.1
    assert "layers" not in cell.resolved["train"] and cell.digest != plain.digest
    assert cell.label.endswith("lightgcn dns@(layers=2,lr=0.1)/0")
    (default,) = planned("dns@layers=3")
    assert default.digest == plain.digest
    (typed,) = planned("dns@lr=0.1", "lightgcn(layers=2)")
    assert typed.resolved["backbone_config"] == cell.resolved["backbone_config"]
    assert typed.digest != cell.digest


def test_a_word_is_checked_against_each_backbone_of_the_plan():
    words = planned("random@similarity=cosine", "mf") + planned("random@similarity=cosine")
    assert {each.resolved["backbone_config"]["similarity"] for each in words} == {"cosine"}
    own = r"backbone mf \(weight_decay, similarity, temperature, init\); got 'layers'"
    with pytest.raises(UserError, match=own):
        planned("dns@layers=2", backbones=["lightgcn", "mf"])


@pytest.mark.parametrize(
    ("word", "backbone", "sentence"),
    [
        (
            "dns@layer=2",
            "lightgcn",
            "settings behind an @ must be of the training (lr, l2, dim, batch_size, epochs, "
            "patience, time_limit) or of backbone lightgcn (layers, weight_decay, similarity, "
            "temperature, init); got 'layer'; did you mean layers?",
        ),
        ("dns@layers=2", "lightgcn(layers=1)", "layers is typed in the backbone lightgcn(layers=1"),
        ("dns@lr=0.1", "lightgcn(lr=0.2)", "a setting may be given once; lr is typed in the back"),
        ("dns@layers=two", "lightgcn", "lightgcn(layers=...) must be a whole number; got 'two'"),
        ("dns@init=-1", "mf", "mf: "),
    ],
)
def test_a_wrong_setting_is_one_sentence(word, backbone, sentence):
    with pytest.raises(UserError, match=re.escape(sentence)):
        planned(word, backbone)


def test_rows_are_labelled_as_typed_and_typed_back(tmp_path):
    methods = ["random", "dns@layers=1", "dns@(layers=2,lr=0.1)", "dns@(init=0.2,layers=1)"]
    go(tmp_path / "run", methods=methods, backbones=["lightgcn"], seeds=1)
    run = open_run(tmp_path / "run")
    rows = {row: cell for cell, row in run.records.done}
    assert sorted(rows) == [
        "dns@(init=0.1,layers=1)",
        "dns@(init=0.1,layers=2,lr=0.1)",
        "dns@(init=0.2,layers=1)",
        "random",
    ]
    assert {cell.backbone for cell in rows.values()} == {"lightgcn"}
    assert "WARNING: rows differ in lr, layers and init;" in run.table().replace("\n  ", " ")
    for row, cell in rows.items():
        (again,) = planned(row, **SMALL)
        assert again.digest == cell.folder.name


def test_run_json_keeps_the_words_and_a_run_goes_on_with_them(tmp_path):
    out = tmp_path / "run"
    methods = ["dns@layers=1", "dns@layers=2"]
    go(out, methods=methods, backbones=["lightgcn"], seeds=1)
    info = run_file.read(out)
    entries = run_file.planned(info)
    assert [each["settings"] for each in entries] == ["@layers=1", "@layers=2"]
    (asked,) = to_resume(out, None)
    assert list(asked.methods) == methods
    assert [each.digest for each in plan(asked).cells] == [each["cell"] for each in entries]


def test_settings_that_cost_time_are_pairings_of_their_own(tmp_path):
    methods = ["dns@layers=1", "dns@layers=4", "dns@(layers=4,lr=0.1)"]
    small = {**SMALL, "backbones": ["lightgcn"], "seeds": 1}
    options = build(flatten({**small, "methods": methods, "out": str(tmp_path / "run")}))
    grid = plan(options)
    known = estimate(grid.cells, grid.scenarios, tmp_path / "run", device="cpu")
    assert [each.method for each in known.known.values()] == ["dns@layers=1", "dns@layers=4"]
    assert known.pairings == 2
    go(tmp_path / "run", methods=["dns@layers=4"], backbones=["lightgcn"], seeds=1)
    finished = FinishedCells.of(tmp_path / "run", "cpu", 1)
    known_best = [finished.best_epoch(key_of(each.resolved)) is None for each in grid.cells]
    assert known_best == [True, False, False]
