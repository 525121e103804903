"""Sweeps: a list where one value is asked for makes a row of each value."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.small_runs import DATA, SMALL, go, names

from negbench.cli import main
from negbench.errors import UserError
from negbench.experiment import api
from negbench.experiment.finished.run import open_run
from negbench.experiment.options.command_line import command_line
from negbench.experiment.options.experiment_file import divide, read_file
from negbench.experiment.options.options import Options, build, flatten, merge
from negbench.experiment.plan import plan
from negbench.experiment.run_again import to_resume
from negbench.storage import run_file

TAKES_A_LIST = """
from dataclasses import dataclass
from negbench.parts import BPR, Uniform
from negbench.protocol import Card, Method
CARD = Card(title="Takes a list")
@dataclass(frozen=True)
class Config:
    widths: tuple[int, ...] | None = None
    negatives: int = 1
def build(config):
    return Method(sampler=Uniform(config.negatives), objective=BPR())
"""


def read(**raw):
    return build(flatten(raw))


@pytest.mark.parametrize(
    ("asked", "methods"),
    [
        ({"methods": "dns(candidates=[2,4])"}, ["dns(candidates=2)", "dns(candidates=4)"]),
        ({"methods": "dns(candidates=[2,4,2])"}, ["dns(candidates=2)", "dns(candidates=4)"]),
        ({"methods": "dns(candidates=[4])"}, ["dns(candidates=4)"]),
        ({"methods": {"dns": {"candidates": [2, 4]}}}, ["dns(candidates=2)", "dns(candidates=4)"]),
        (
            {"methods": "popularity(negatives=[1,2])+dns(candidates=[4,8])"},
            [
                "popularity(negatives=1)+dns(candidates=4)",
                "popularity(negatives=1)+dns(candidates=8)",
                "popularity(negatives=2)+dns(candidates=4)",
                "popularity(negatives=2)+dns(candidates=8)",
            ],
        ),
        ({"methods": "dns(objective=[bpr,bce])"}, ["dns(objective=bpr)", "dns(objective=bce)"]),
        ({"methods": "dns@lr=[0.1,0.2]"}, ["dns@lr=0.1", "dns@lr=0.2"]),
        ({"methods": "dns@l2=[0,1e-3]"}, ["dns@l2=0", "dns@l2=0.001"]),
        (
            {"methods": "random@similarity=[dot,cosine]"},
            ["random@similarity=dot", "random@similarity=cosine"],
        ),
        (
            {"methods": "random,dns@lr=0.5", "lr": "0.001,0.01"},
            ["random@lr=0.001", "random@lr=0.01", "dns@lr=0.5"],
        ),
        (
            {"methods": "random", "lr": "0.1, 0.2", "l2": [0, 0.01]},
            [
                f"random@(l2={l2},lr={lr})"
                for lr, l2 in [(0.1, 0.0), (0.1, 0.01), (0.2, 0.0), (0.2, 0.01)]
            ],
        ),
        ({"methods": "random", "dim": "8,16"}, ["random@dim=8", "random@dim=16"]),
        (
            {"methods": "random", "batch-size": (64, 128)},
            ["random@batch_size=64", "random@batch_size=128"],
        ),
        ({"methods": "random", "lr": [0.1]}, ["random@lr=0.1"]),
    ],
)
def test_a_row_for_each_value(asked, methods):
    assert sorted(read(**asked).methods) == sorted(methods)


def test_lists_of_the_options_leave_the_others_and_reach_the_default_methods():
    options = read(lr=[0.1, 0.2], epochs=7, seeds=1)
    assert dict(options.train) == {"epochs": 7}
    assert options.methods == tuple(
        f"{method}@lr={lr}" for method in Options.methods for lr in (0.1, 0.2)
    )


def test_a_list_of_the_backbone_is_one_of_each_row_and_the_block_stays():
    options = read(methods="random,dns@layers=3", backbones="lightgcn(dim=8,layers=[1,2])")
    assert options.backbones == ("lightgcn(dim=8)",)
    assert options.methods == ("random@layers=1", "random@layers=2", "dns@layers=3")
    both = read(methods="random", backbones="mf(lr=[0.1,0.2]),lightgcn(lr=[0.1,0.2])")
    assert both.backbones == ("mf", "lightgcn")
    assert both.methods == ("random@lr=0.1", "random@lr=0.2")


def test_references_have_their_lists_too():
    assert read(references="most_popular,ease(l2=[10,100])").references == (
        "most_popular",
        "ease(l2=10)",
        "ease(l2=100)",
    )


def test_a_parameter_that_takes_a_list_keeps_it(plugin):
    path = plugin("lists", TAKES_A_LIST)
    words = read(methods="lists(negatives=[1,2],widths=[8,4])", plugins=path).methods
    assert words == ("lists(negatives=1,widths=[8,4])", "lists(negatives=2,widths=[8,4])")


def test_hundreds_of_rows_are_fine():
    every = read(methods=f"dns(candidates={list(range(1, 102))})", lr=[0.1, 0.2, 0.3])
    assert len(every.methods) == 303


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"methods": "dns(candidates=[])"}, "a list of values must not be empty; got candidates=["),
        ({"methods": "dns@lr=[]"}, "got lr=[] in dns@lr=[]; give one value or more"),
        ({"lr": []}, "got lr=[] in --lr; give one value or more"),
        ({"batch_size": "[]"}, "got batch_size=[] in --batch-size;"),
        ({"lr": "0.1,high"}, "train(lr=...) must be a number or none; got '0.1,high'"),
        ({"lr": [0.1, "high"]}, "train(lr=...) must be a number or none; got 'high'"),
        ({"lr": "0,1"}, "lr must be above 0; got 0.0"),
        ({"epochs": [1, 2]}, "train(epochs=...) must be a whole number; got [1, 2]"),
        (
            {"backbones": "mf(lr=[0.1,0.2]),lightgcn"},
            "all backbones of a run must have the same; got mf(lr=[0.1,0.2]), lightgcn; run one ",
        ),
        ({"backbones": "mf(lr=[0.1,0.2])", "lr": "0.1,0.3"}, "given once; lr has one among the "),
    ],
)
def test_a_wrong_list_is_one_sentence(asked, sentence):
    with pytest.raises(UserError, match=re.escape(sentence)):
        read(**asked)


def test_a_typed_setting_and_a_list_of_it_are_refused_by_the_plan():
    options = read(datasets=DATA, methods="random", backbones="mf(lr=0.1)", lr=[0.01, 0.02])
    with pytest.raises(UserError, match=r"lr is typed in the backbone mf\(lr=0.1\) and behind"):
        plan(options)


def test_files_and_overrides_say_the_same(tmp_path):
    toml = tmp_path / "e.toml"
    toml.write_text('methods = ["random"]\n[train]\nlr = [0.001, 0.01]\n')
    lists = tmp_path / "e.yaml"
    lists.write_text("methods: random\ntrain:\n  lr: [0.001, 0.01]\n")
    _, overrides = divide([str(toml), "train.lr=[0.001,0.01]"])
    rows = {
        build(merge(each)).methods
        for each in (
            read_file(toml),
            read_file(lists),
            {"methods": "random", **overrides},
            {"methods": "random", "train": {"lr": [0.001, 0.01]}},
        )
    }
    assert rows == {("random@lr=0.001", "random@lr=0.01")}


def test_a_run_keeps_the_words_goes_on_and_is_one_block(tmp_path):
    out = tmp_path / "run"
    asked = {"methods": "random,dns(candidates=[2,4])", "backbones": "mf(lr=[0.01,0.1])"}
    go(out, **asked, seeds=1)
    before = names(out)
    stored = run_file.read(out)["options"]
    assert stored["backbones"] == ["mf"] and "train.lr" not in stored
    (again,) = to_resume(out, None)
    assert list(again.methods) == stored["methods"]
    assert sorted(each.digest for each in plan(again).cells) == before
    assert ",dns(candidates=2)@lr=0.01," in command_line(again)
    run = open_run(out)
    assert {cell.backbone for cell, _ in run.records.done} == {"mf"}
    assert sorted({row for _, row in run.records.done}) == sorted(stored["methods"])


def test_help_and_docstring_tell_of_sweeps():
    shown = " ".join(CliRunner().invoke(main, ["run", "--help"]).output.split())
    assert "A list of values is a sweep, one row a value: -m 'dns(candidates=[2,4,8])'" in shown
    assert "A list of values is a sweep, one row a value" in (api.run.__doc__ or "")


def test_python_takes_lists(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = api.run(
        datasets=DATA,
        methods="random",
        seeds=1,
        train={"lr": [0.01, 0.1], "epochs": 1, "dim": SMALL["dim"]},
        progress=False,
    )
    rows = {row for _, row in run.records.done}
    assert rows == {"random@lr=0.01", "random@lr=0.1"} and Path("runs").is_dir()
