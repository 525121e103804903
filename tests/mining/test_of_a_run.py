"""Mining with the model of a finished run, through the command line."""

import json
import math
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner

import negbench
from negbench.cli import main
from negbench.errors import UserError
from negbench.mining.run_model import Which, finished_cell


def call(*words):
    return CliRunner().invoke(main, ["mine", *map(str, words)])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two methods and a reference on a file with ids that are words, and two seeds."""
    folder = tmp_path_factory.mktemp("mine")
    draw = np.random.default_rng(2)
    pairs = {(int(u), int(i)) for u in range(40) for i in 60 * draw.random(14) ** 1.5}
    lines = ["user,item"] + [f"é{u},item {i}" for u, i in sorted(pairs)]
    (folder / "own.csv").write_text("\n".join(lines), "utf-8")
    words = ["run", "-d", str(folder / "own.csv"), "-m", "random,dns,dns(candidates=3)"]
    words += [
        "--references",
        "item_knn",
        "--seeds",
        "2",
        "--epochs",
        "2",
        "--dim",
        "8",
        "--split",
        "random",
    ]
    result = CliRunner().invoke(main, [*words, "--threads", "1", "-q", "-o", str(folder / "run")])
    assert result.exit_code == 0, result.output
    return folder / "run"


@pytest.fixture(scope="module")
def cell(run):
    return finished_cell(run, Which(row="dns", seed=1))


@pytest.fixture(scope="module")
def trained(cell):
    return cell.train()


def pairs_of(part, data):
    users, items = data.user_ids[part.rows], data.item_ids[part.indices]
    return set(zip(users.tolist(), items.tolist(), strict=True))


def test_the_model_is_the_runs_bit_for_bit(trained):
    assert trained[1] == 1


def test_the_negatives_are_the_first_unseen_items_of_the_models_ranking(run, cell, trained):
    result = call(run, "--row", "dns", "--seed", 1, "-k", 3, "-o", run.parent / "a.jsonl")
    assert result.exit_code == 0, result.output
    records = [json.loads(line) for line in (run.parent / "a.jsonl").read_text().splitlines()]
    frame = pd.DataFrame(records)
    data, split = cell.scenario.interactions, cell.scenario.split
    scores = trained[0].scores(torch.arange(split.n_users))
    number = {name: at for at, name in enumerate(data.user_ids.tolist())}
    pairs = set()
    for (user, positive), group in frame.groupby(["user", "positive"]):
        own = scores[number[user]].tolist()
        unseen = set(range(split.n_items)) - set(split.train.row(number[user]).tolist())
        best = sorted(unseen, key=lambda i: -own[i])[:3]
        assert group["negative"].tolist() == data.item_ids[best].tolist()
        np.testing.assert_allclose(group["s_negative"], [own[i] for i in best], rtol=1e-6)
        pairs.add((user, positive))
    assert pairs == pairs_of(split.train, data)
    held_out = pairs_of(split.valid, data) | pairs_of(split.test, data)
    taken = list(zip(frame["user"], frame["negative"], strict=True))
    count = sum(pair in held_out for pair in taken)
    assert count > 0
    assert f"{count:,} negatives ({count / len(taken):.2%}) are held-out positives" in result.output
    assert "train positives are excluded, held-out ones are not" in result.output


@pytest.mark.parametrize("rule", ["train+valid", "all"])
def test_held_out_positives_are_left_out_only_when_asked(run, cell, rule):
    negatives = negbench.mine(run, 3, row="dns", seed=1, exclude=rule)
    frame = negatives.frame()
    data, split = cell.scenario.interactions, cell.scenario.split
    taken = set(zip(frame["user"], frame["negative"], strict=True))
    parts = [split.valid] if rule == "train+valid" else [split.valid, split.test]
    assert not taken & set.union(*(pairs_of(part, data) for part in parts))
    assert "ORACLE" in negatives.summary()
    assert (negatives.counts.held_out > 0) == (rule == "train+valid")


def test_parquet_and_json_lines_hold_the_same_rows(run):
    pytest.importorskip("pyarrow")
    words = ["--row", "random", "--method", "dns(candidates=5)", "-k", 2, "--draw-seed", 3, "-o"]
    for ending in ("parquet", "jsonl"):
        result = call(run, *words, run.parent / f"b.{ending}")
        assert result.exit_code == 0 and "drawn by dns(candidates=5)" in result.output
    table = pd.read_parquet(run.parent / "b.parquet")
    lines = pd.read_json(run.parent / "b.jsonl", lines=True)
    assert list(table.columns) == list(lines.columns)
    assert (
        table[["user", "positive", "negative", "rank"]]
        .astype(object)
        .equals(lines[["user", "positive", "negative", "rank"]].astype(object))
    )
    np.testing.assert_allclose(table["s_negative"], lines["s_negative"], rtol=1e-6)
    assert table["user"].str.startswith("é").all()


def test_a_reference_mines_too(run):
    frame = negbench.mine(run, 2, row="item_knn").frame()
    assert math.isfinite(frame["s_negative"].sum()) and len(frame)


def test_texts_and_names_of_the_data(tmp_path):
    words = ["run", "-d", "goodbooks", "-m", "random", "--seeds", "1", "--epochs", "1"]
    words += ["--dim", "4", "-q", "-o", str(tmp_path / "run")]
    assert CliRunner().invoke(main, words).exit_code == 0
    block = next(iter(negbench.mine(tmp_path / "run", 1, texts=True)))
    assert block["negative_name"].str.len().min() > 0
    starts = [
        t.startswith(n) for t, n in zip(block.negative_text, block.negative_name, strict=True)
    ]
    assert all(starts)
    assert not (block["positive_name"] == block["negative_name"]).any()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "mine takes one model; got own mf dns; own mf dns(candidates=3); own mf random; own"),
        (["--row", "warp"], "must name a finished cell; none is such; this run has own mf dns;"),
        (["--row", "dns", "--exclude", "tests"], "exclude must be train, train+valid, all; got"),
        (["--row", "dns", "--method", "directau"], "must draw negatives"),
        (["--row", "dns", "--texts"], "texts need items with texts; own has none"),
        (["--row", "dns", "--device", "gpu"], "--device must be auto, cpu, cuda or cuda:N; got"),
        (["--row", "dns", "-k", "0"], "`k` must be a whole number from 1 on; got 0"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_trained(run, words, sentence, tmp_path):
    result = call(run, *words, "-o", tmp_path / "x.jsonl")
    assert result.exit_code == 2 and sentence in result.stderr
    assert "training" not in result.stderr and not list(tmp_path.iterdir())
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_row_is_named_by_its_label_or_by_its_method(run):
    assert finished_cell(run, Which(row="dns(candidates=3)")).planned.spec.variant == "candidates=3"
    assert finished_cell(run, Which(row="dns")).planned.spec.variant == ""
    assert finished_cell(run, Which(row="dns", seed=1)).planned.spec.seed == 1
    assert finished_cell(run, Which(backbone="reference")).device.type == "cpu"


def test_a_run_that_is_not_there(tmp_path):
    result = call(tmp_path / "nowhere", "-o", tmp_path / "x.jsonl")
    assert result.exit_code == 4 and not list(tmp_path.iterdir())


def test_the_file_is_looked_at_first(run, tmp_path):
    assert "ends in .parquet or .jsonl; got" in call(run, "-o", tmp_path / "x.csv").stderr
    assert "a file in a folder that is there" in call(run, "-o", tmp_path / "no" / "x.jsonl").stderr


def test_a_cell_of_other_data_is_not_trained_again(run, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    info = json.loads((copy / "run.json").read_text("utf-8"))
    info["experiment"]["train.dim"] = 16
    (copy / "run.json").write_text(json.dumps(info), "utf-8")
    with pytest.raises(UserError, match="plans no such cell any more"):
        negbench.mine(copy, row="dns", seed=1)
