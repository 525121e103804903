"""`negbench.run` with data in Python, and arguments of wrong types: one sentence each."""

import inspect
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import negbench
from negbench.cli import main
from negbench.data import in_memory
from negbench.data.interactions import Interactions
from negbench.data.load import load
from negbench.errors import DataError, UserError, shown

USERS, EACH = 12, 8
QUICK = {"methods": "random", "backbones": "mf(dim=4)", "seeds": 1, "epochs": 1, "progress": False}


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def frame(**more):
    rows = [
        (f"u{u}", (3 * u + s) % 20, 1_600_000_000 + s) for u in range(USERS) for s in range(EACH)
    ]
    return pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"]).assign(**more)


def interactions(name="mine", **more):
    users = np.repeat(np.arange(USERS), EACH)
    items = (3 * users + np.tile(np.arange(EACH), USERS)) % 20
    return Interactions(name, users, items, USERS, 20, order="rows", **more)


def records(run):
    return [json.loads(path.read_text()) for path in sorted(run.folder.glob("cells/*/cell.json"))]


def same_data(first, second):
    keys = ("checksum", "n_users", "n_items", "n_interactions")
    return all(first["data"][key] == second["data"][key] for key in keys)


def test_a_path_a_text_and_a_frame_are_the_same_data(tmp_path):
    frame().to_csv("plain.csv", index=False)
    runs = [
        negbench.run(datasets=data, out=tmp_path / str(at), **QUICK)
        for at, data in enumerate(["plain.csv", Path("plain.csv"), tmp_path / "plain.csv", frame()])
    ]
    first, *others = (records(run)[0] for run in runs)
    assert all(same_data(first, other) for other in others)
    assert {len(run.frame) for run in runs} == {len(runs[0].frame)}
    assert first["metrics"][:4] == others[-1]["metrics"][:4]
    assert runs[-1].frame["dataset"].unique().tolist() == ["frame"]
    guessed = "columns user=user_id item=item_id time=timestamp (user, item, time guessed"
    for record in (first, others[-1]):
        assert any(note.startswith(guessed) for note in record["data"]["notes"])


def test_an_index_is_a_column_only_by_its_name(tmp_path):
    plain = negbench.run(datasets=frame(), out="plain", **QUICK)
    shuffled = frame().set_axis(np.arange(1000, 1000 + USERS * EACH))
    for at, other in enumerate(
        [shuffled, frame().set_index("user_id"), frame().set_index(["item_id", "user_id"])]
    ):
        run = negbench.run(datasets=other, out=f"other{at}", **QUICK)
        assert same_data(records(plain)[0], records(run)[0])


def test_columns_ratings_and_notes_as_for_files(caplog):
    renamed = frame(stars=[1, 5] * (USERS * EACH // 2)).rename(columns={"user_id": "who"})
    run = negbench.run(
        datasets=renamed, columns={"user": "who", "rating": "stars"}, out="a", **QUICK
    )
    assert any(note.startswith("RATINGS: ") for note in records(run)[0]["notes"])
    columns = {"user": "who", "rating": "stars", "min_rating": 4}
    run = negbench.run(datasets=renamed, columns=columns, out="b", **QUICK)
    assert records(run)[0]["data"]["n_interactions"] == USERS * EACH // 2
    with pytest.raises(UserError, match="DataFrame frame: no column for the user among who"):
        negbench.run(datasets=renamed, out="c", **QUICK)
    missing = frame()
    missing.loc[5, "timestamp"] = np.nan
    with pytest.raises(DataError, match="DataFrame frame, row 6: the time is missing"):
        negbench.run(datasets=missing, out="c", **QUICK)
    assert not Path("c").exists()


def test_interactions_are_taken_as_they_are():
    given = interactions(user_ids=np.array([f"id {u}" for u in range(USERS)], object))
    run = negbench.run(datasets=given, out="a", **QUICK)
    (record,) = records(run)
    assert record["spec"]["dataset"] == "mine" and record["data"]["checksum"] == given.checksum
    with pytest.raises(UserError, match="columns are for files and DataFrames; mine are"):
        negbench.run(datasets=given, columns={"user": "u"}, out="b", **QUICK)
    twice = Interactions("twice", given.users.repeat(2), given.items.repeat(2), USERS, 20)
    run = negbench.run(datasets=twice, split="random", out="c", **QUICK)
    (record,) = records(run)
    assert record["data"]["n_interactions"] == len(given)
    assert any("repeated (user, item) pairs dropped" in note for note in record["notes"])
    kept = {"repeats": "keep", "average": "events"}
    run = negbench.run(datasets=twice, split="random", out="d", **kept, **QUICK)
    assert any("train pairs are also test pairs" in note for note in records(run)[0]["notes"])


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"n_users": 3}, "users of Interactions must be from 0 to below n_users; mine has 0 to 11"),
        ({"users": np.zeros(3, int)}, "must be whole numbers, one a pair"),
        ({"items": np.zeros(USERS * EACH)}, "items of Interactions must be whole numbers"),
        ({"times": np.zeros(3)}, "times of Interactions must be one a pair"),
        ({"part": np.zeros(3, np.int8)}, "part of Interactions must be one a pair"),
    ],
)
def test_interactions_out_of_order_are_refused(wrong, sentence):
    with pytest.raises(DataError, match=sentence):
        negbench.run(datasets=Interactions(**{**interactions().__dict__, **wrong}), **QUICK)


def test_a_list_of_all_kinds_with_workers():
    frame().to_csv("plain.csv", index=False)
    given = [
        frame(),
        Path("plain.csv"),
        interactions(),
        frame()[:60],
        "synthetic(users=60,interactions=900)",
    ]
    run = negbench.run(datasets=given, jobs=2, out="all", **QUICK)
    names = ["frame", "frame_2", "mine", "plain", "synthetic(interactions=900,users=60)"]
    assert sorted(run.frame["dataset"].unique()) == names and run.failed == {}
    with pytest.raises(UserError, match="both called 'mine'"):
        negbench.run(datasets=[interactions(), interactions()], **QUICK)


def test_another_frame_is_another_run_and_nothing_is_kept_afterwards():
    first = negbench.run(datasets=frame(), **QUICK)
    other = frame()
    other["item_id"] = other["item_id"] + 1
    second = negbench.run(datasets=other, **QUICK)
    assert first.folder != second.folder and first.folder.name.startswith("frame-")
    assert negbench.run(datasets=frame(), **QUICK).folder == first.folder
    assert in_memory._held == {}
    (word,) = json.loads((first.folder / "run.json").read_text())["options"]["datasets"]
    with pytest.raises(DataError, match="handed over in Python .* negbench.run"):
        load(word)


BIG = pd.DataFrame({"secret": np.arange(100_000)})
WRONG = {
    "datasets": [
        (
            SimpleNamespace(to_pandas=1),
            "datasets must be names, files or folders, pandas DataFrames",
        ),
        (3, "datasets must be names"),
        ([BIG, 3], "datasets must be names"),
        ({"frame": BIG}, "a table in datasets must have path"),
        (np.arange(9), "datasets must be names"),
        ([], "must name at least one"),
        (b"goodbooks", "datasets must be names"),
    ],
    "methods": [(3, "--methods must be words"), (BIG, "got a DataFrame"), ([BIG], "must be words")],
    "backbones": [(BIG, "got a DataFrame"), (Path("mf"), "--backbones must be words")],
    "references": [(1.5, "--references must be words")],
    "seeds": [(BIG, "--seeds must be"), ([1.5], "--seeds must be"), (2.5, "--seeds must be")],
    "objective": [(BIG, "--objective must be text; got a DataFrame")],
    "tuned": [(3, "--tuned must be a path; got 3"), ("nowhere", "nowhere is not there")],
    "split": [(["ratio(0.8", 0.1, BIG], "--split must be text; got 0.1"), (BIG, "got a DataFrame")],
    "exclude": [(True, "--exclude must be text")],
    "bands": [([BIG], "--bands must be text; got a DataFrame")],
    "k_core": [(BIG, "--k-core must be a whole number"), (2.5, "--k-core"), (True, "--k-core")],
    "metrics": [(BIG, "--metrics must be words"), (20, "--metrics must be words")],
    "probe": [(1, "--probe must be text")],
    "log_negatives": [("many", "--log-negatives must be")],
    "watch_test": [("maybe", "--watch-test must be true or false; got 'maybe'"), (1, "got 1")],
    "plant": [(BIG, "--plant must be a share"), ([0.1], "--plant must be a share")],
    "noise": [(BIG, "--noise must be a share")],
    "mask": [(True, "--mask must be text"), (BIG, "got a DataFrame")],
    "ranking": [(True, "--ranking must be text"), (BIG, "got a DataFrame")],
    "average": [(True, "--average must be text"), (BIG, "got a DataFrame")],
    "users": [(True, "--users must be text"), (BIG, "got a DataFrame")],
    "repeats": [(True, "--repeats must be text"), (BIG, "got a DataFrame")],
    "select": [(3, "unknown metric `3`")],
    "train": [
        (BIG, "train must be a section"),
        ({"lr": BIG}, "must be a number or none; got a Da"),
    ],
    "encoder": [(BIG, "--encoder must be a path; got a DataFrame")],
    "eval_every": [(1.5, "train(eval_every=...) must be a whole number")],
    "lr": [(BIG, "train(lr=...) must be"), ("fast", "train(lr=...) must be")],
    "l2": [(BIG, "train(l2=...) must be")],
    "dim": [(BIG, "train(dim=...) must be"), (2.5, "train(dim=...) must be")],
    "batch_size": [(BIG, "train(batch_size=...) must be")],
    "optimiser": [(BIG, "train(optimiser=...) must be"), ("adamw", "must be one of adam, ")],
    "time_limit": [(BIG, "train(time_limit=...) must be")],
    "epochs": [(BIG, "must be a whole number; got a DataFrame"), ([3], "whole number")],
    "patience": [("none at all", "whole number")],
    "columns": [
        (BIG, "columns must be a mapping of options; got a DataFrame"),
        ("user", "columns must be a mapping"),
        ({"user": BIG}, "--user must be a column's name or number; got a DataFrame"),
        ({"usr": "u"}, "did you mean user"),
        ({"min_rating": float("nan")}, "--min-rating must be a number"),
    ],
    "plugins": [(BIG, "--plugins must be paths"), (3, "--plugins must be paths")],
    "data_dir": [(3, "--data-dir must be a path")],
    "out": [(BIG, "--out must be a path; got a DataFrame")],
    "name": [(BIG, "--name must be text; got a DataFrame")],
    "jobs": [(BIG, "--jobs must be")],
    "threads": [(1.5, "--threads must be")],
    "device": [(0, "--device must be text")],
    "overwrite": [(True, "--overwrite must be text")],
    "checkpoint_every": [(1.5, "--checkpoint-every must be a whole number")],
    "shard": [("3", "--shard must be"), (BIG, "--shard must be")],
    "engine": [("ray", "--engine must be")],
    "scheduler": [(BIG, "--scheduler must be text")],
    "workers": [("many", "--workers must be")],
    "track": [("tensorbord", "did you mean tensorboard"), (BIG, "--track must be words")],
    "progress": [("no", "progress must be True or False"), (BIG, "progress must be True or False")],
    "config": [(3, "config must be a mapping"), (BIG, "config must be a mapping")],
}


@pytest.mark.parametrize("key", WRONG)
def test_a_wrong_type_is_one_short_sentence(key):
    for value, words in WRONG[key]:
        with pytest.raises(UserError) as caught:
            negbench.run(**{"datasets": frame(), **QUICK, key: value})
        sentence = str(caught.value)
        assert words in sentence, sentence
        assert (
            "\n" not in sentence
            and len(sentence) < 300
            and "secret" not in sentence
            or "path" in words
        )
    assert not list(Path().iterdir())


def test_every_argument_is_tried():
    assert set(WRONG) == set(inspect.signature(negbench.run).parameters)


def test_every_option_of_the_command_is_a_keyword():
    """But for those that print, and those of a file's columns, which `columns` takes."""
    options = {each.name for each in main.commands["run"].params}
    of_files = {"user", "item", "time", "rating", "min_rating", "layout", "order"}
    of_files |= {"item_features", "user_features", "test_file"}
    printing = {"words", "dry_run", "quiet", "no_progress"}
    assert options - of_files - printing <= set(inspect.signature(negbench.run).parameters)


def test_the_namespace_holds_what_is_public_alone():
    public = {"attach", "mine", "open_run", "run", "Run", "sampler", "tune", "UserError"}
    assert set(dir(negbench)) == {*public, "__version__"}
    names = {}
    exec("from negbench import *", names)
    assert {name for name in names if name[0] != "_"} == public


def test_numbers_of_numpy_mean_what_those_of_python_mean():
    from negbench.experiment.options.options import build, merge

    several = {"lr": np.array([0.01, 0.1]), "seeds": np.arange(3), "watch_test": np.True_}
    several |= {"epochs": np.int64(2), "dim": [np.int32(8), np.int64(16)], "l2": np.float32(0.5)}
    several |= {"methods": np.array(["random", "dns"])}
    options = build(merge(several))
    assert options.train == {"epochs": 2, "l2": 0.5} and options.watch_test is True
    assert options.seeds == (0, 1, 2) and len(options.methods) == 8
    assert all(type(value) in (int, float) for value in options.train.values())
    assert build({"seeds": np.int64(2)}).seeds == build({"seeds": range(2)}).seeds == (0, 1)
    assert build({"seeds": [np.int64(4)], "k_core": np.int32(2)}).seeds == (4,)


def test_values_are_shown_short():
    assert shown("x" * 200) == "'" + "x" * 76 + "..."
    assert shown([1, "a", BIG, 4]) == "[1, 'a', a DataFrame, ...]"
    assert (shown(None), shown(int), shown(interactions())) == (
        "None",
        "the class int",
        "an Interactions",
    )
