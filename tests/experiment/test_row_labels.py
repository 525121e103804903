"""A row's label and a block's backbone can be typed back, and give the same cells."""

import re
from dataclasses import fields
from itertools import combinations

import numpy as np
import pytest
from helpers.small_runs import DATA, SMALL, go
from hypothesis import given, settings
from hypothesis import strategies as st

from negbench.analysis.runs.frames import open_run
from negbench.errors import UserError
from negbench.experiment.finished.run import open_run as opened
from negbench.experiment.options.options import build, flatten
from negbench.experiment.plan import plan
from negbench.plugins import registry
from negbench.plugins.row_terms import backbone_term, method_term

QUICK = {"datasets": [DATA], "seeds": 1, "epochs": 200}
TYPED = [
    "dns",
    "dns(candidates=32)",
    "popularity(negatives=32)+dns",
    "popularity(negatives=32)+dns",
    "popularity(exponent=0.5,negatives=4)+dns_mn(keep=all,top=2)",
    "popularity(negatives=2)+dns+bsl(weight=0.5)",
    "popularity(negatives=64)+bc_loss",
    "popularity+bc_loss(negatives=64)",
    "dns(objective=bce)",
    "popularity(negatives=32)+dns(candidates=8,objective=softmax(correct=false))",
    "psl(surrogate=tanh)",
]
BACKBONES = ["mf", "mf(dim=8)", "lightgcn(layers=1,dim=8)"]


def cells(method, backbone="mf", **more):
    """The trained cells of one pairing, planned and not run."""
    options = build(flatten({**QUICK, "methods": [method], "backbones": [backbone], **more}))
    return [each for each in plan(options).cells if not each.spec.is_reference]


def typed_back(cell, **more):
    """The cells of what a finished run would call this cell's row and block."""
    own = cell.resolved
    again = cells(method_term(own), backbone_term(own), **more)
    assert [method_term(each.resolved) for each in again] == [method_term(own)]
    return [each.digest for each in again]


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("method", TYPED)
def test_a_label_typed_back_is_the_same_cell(method, backbone):
    (cell,) = cells(method, backbone)
    assert typed_back(cell) == [cell.digest]


def test_a_composition_keeps_its_form():
    (first,) = cells("popularity(negatives=32)+bc_loss")
    assert method_term(first.resolved) == "popularity(negatives=32)+bc_loss"
    (other,) = cells("popularity+bc_loss(negatives=32)")
    assert method_term(other.resolved) == "popularity+bc_loss(negatives=32)"
    assert first.digest != other.digest


def values(default):
    """Settings of one kind, near the default; those that a method refuses are left out below."""
    if isinstance(default, bool):
        return st.booleans()
    if isinstance(default, int):
        return st.sampled_from([default, default + 1, 2 * default + 2])
    if isinstance(default, float):
        return st.sampled_from([default, default / 2, 0.1, 1e-05])
    return st.just(default)


@st.composite
def terms(draw):
    """One method, or two that compose, with some of their parameters and perhaps an objective."""
    names = draw(st.lists(st.sampled_from(registry.names("methods")), min_size=1, max_size=2))
    texts = []
    for name in names:
        config = getattr(registry.load("methods", name), "Config", None)
        own = fields(config) if config else ()
        chosen = draw(st.lists(st.sampled_from(own), max_size=2, unique=True)) if own else []
        inside = [f"{f.name}={draw(values(f.default))}" for f in chosen]
        texts.append(f"{name}({','.join(inside)})" if inside else name)
    forced = draw(st.sampled_from([None, None, "bpr", "softmax(correct=false)"]))
    return "+".join(texts), forced


@settings(max_examples=80, deadline=None)
@given(terms(), st.sampled_from(BACKBONES))
def test_any_label_typed_back_is_the_same_cell(typed, backbone):
    method, objective = typed
    try:
        planned = cells(method, backbone, **({"objective": objective} if objective else {}))
    except UserError:
        return  # two methods that set one choice, a value out of range, texts that are not there
    for cell in planned:
        assert typed_back(cell) == [cell.digest]


@pytest.mark.parametrize(
    "typed",
    [
        "random(shared=row)+adar",
        "popularity+dns_mn(preset=released)",
        "popularity(preset=apple)+dns_mn(preset=released,top=2)",
    ],
)
def test_a_preset_and_a_later_setting_go_back_to_their_own_method(typed):
    (cell,) = cells(typed)
    assert method_term(cell.resolved) == typed
    assert typed_back(cell) == [cell.digest]


def test_an_objective_in_the_term_is_the_option():
    (option,), (term,) = cells("dns", objective="bce"), cells("dns(objective=bce)")
    assert option.digest == term.digest
    assert cells("dns(objective=none)", objective="bce")[0].digest == cells("dns")[0].digest
    with pytest.raises(UserError, match="trained with one objective; got 'bce' and 'bpr'"):
        cells("popularity(objective=bce)+dns(objective=bpr)")


def test_an_encoder_in_the_term_is_the_option_and_a_file_goes_by_its_identity_too(tmp_path):
    np.save(tmp_path / "t.npy", np.eye(100, 4, dtype=np.float32))
    table = str(tmp_path / "t.npy")
    (option,) = cells("hnlmrec", encoder=table)
    (term,) = cells(f"hnlmrec(encoder='{table}')")
    label = method_term(option.resolved)
    assert option.digest == term.digest and label.startswith("hnlmrec(encoder=npy-")
    assert cells(label, encoder=table)[0].digest == option.digest
    with pytest.raises(UserError, match="dns reads no texts, so it takes no encoder"):
        cells("dns(encoder=minilm)")


def test_one_run_compares_objectives_and_backbones_each_in_its_block(tmp_path):
    methods = ["dns", "dns(objective=bce)", "popularity(negatives=2)+dns"]
    go(tmp_path / "run", methods=methods, backbones=["mf(dim=4)", "mf(dim=8)"], seeds=1, dim=None)
    run = open_run(tmp_path / "run")
    places = {(cell.backbone, row) for cell, row in run.done}
    assert places == {
        (b, m) for b, m in [(x, y) for x in ("mf(dim=4)", "mf(dim=8)") for y in methods]
    }
    for row in methods:
        assert f"against {row}" in opened(tmp_path / "run").compare(vs=row)


def test_settings_behind_the_method_are_those_of_the_options(tmp_path):
    (option,) = cells("dns", lr=0.05, l2=0.0)
    (word,) = cells("dns@(lr=0.05,l2=0)")
    assert option.digest == word.digest and word.label.endswith("dns@(l2=0.0,lr=0.05)/0")
    assert [each.digest for each in cells("dns@epochs=7", epochs=9)] == [
        each.digest for each in cells("dns", epochs=7)
    ]
    every = build(flatten({"methods": "static@lr=0.1"})).methods
    assert {"popularity@lr=0.1", "random@lr=0.1"} <= set(every)


def test_a_row_with_its_settings_can_be_typed_back(tmp_path):
    methods = ["random", "dns", "dns@lr=0.1", "dns@(batch_size=64,lr=0.1)"]
    go(tmp_path / "run", methods=methods, seeds=2)
    run = opened(tmp_path / "run")
    assert run.records.pending == 0 and run.records.planned == 8
    assert sorted({row for _, row in run.records.done}) == sorted(methods)
    assert "against dns@lr=0.1" in run.compare(vs="dns@lr=0.1")
    assert "WARNING: rows differ in lr and batch_size;" in run.table().replace("\n  ", " ")
    for cell, row in run.records.done:
        same = cells(row, **{**SMALL, "seeds": 2, "methods": [row]})
        (again,) = (each for each in same if each.spec.seed == cell.spec["seed"])
        assert again.digest == cell.folder.name


def test_two_commands_with_other_settings_are_rows_of_their_own(tmp_path):
    for lr in (0.1, 0.01):
        go(tmp_path / "run", methods=["dns", "random"], seeds=1, lr=lr)
    rows = {row for _, row in opened(tmp_path / "run").records.done}
    assert rows == {"dns@lr=0.01", "dns@lr=0.1", "random@lr=0.01", "random@lr=0.1"}
    (cell,) = cells("dns@lr=0.1", **{**SMALL, "methods": ["dns@lr=0.1"], "seeds": 1})
    assert cell.digest in {each.name for each in (tmp_path / "run" / "cells").iterdir()}


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("dns@", "settings must read like dns@lr=0.1"),
        ("dns@lr", "parameters must be name=value"),
        ("dns@lr=0.1@l2=0", "settings must read like dns@lr=0.1"),
        ("dns@candidates=4", "settings behind an @ must be of the training (lr, l2, "),
        ("dns@lr=-1", "lr must be above 0; got -1"),
        ("dns@epochs=0", "epochs"),
        ("dns [probe=full]", r"give them as options: -m dns --probe full"),
    ],
)
def test_wrong_settings_are_one_sentence(word, sentence):
    with pytest.raises(UserError, match=re.escape(sentence)):
        cells(word)


def test_references_take_no_settings():
    with pytest.raises(UserError, match="got 'ease@lr=1'"):
        build(flatten({**QUICK, "references": "ease@lr=1"}))


def test_records_of_older_versions_keep_their_words():
    old = {"method": "a+b", "variant": "x=1", "backbone": "mf", "method_config": {}}
    assert method_term(old) == "a+b(x=1)"
    assert method_term({**old, "method": "a"}) == "a(x=1)"
    assert method_term({**old, "variant": "x=1;y=2"}) == "a(x=1)+b(y=2)"
    assert backbone_term(old) == "mf"


def test_every_assignment_of_parameters_is_told_by_the_settings_in_full():
    for places in combinations(range(3), 2):
        configs = {name: {"x": 0} for name in "abc"}
        typed = []
        for at in places:
            configs["abc"[at]]["x"] = at + 5
            typed.append(f"x={at + 5}")
        spec = {"method": "a+b+c", "variant": ";".join(typed), "method_config": configs}
        own = [f"{n}(x={i + 5})" if i in places else n for i, n in enumerate("abc")]
        assert method_term(spec) == "+".join(own)
