"""The split as files: each pair once, in order, under its id, whatever the id holds."""

import csv
from pathlib import Path
from shutil import copytree

import pandas as pd
import pytest
from click.testing import CliRunner
from helpers.run_with_ids import PARTS, pairs_of, write_run_with_ids
from helpers.small_runs import DATA, go

from negbench.cli import main
from negbench.experiment.export import export as exports
from negbench.experiment.export.export import Export
from negbench.experiment.export.id_words import id_of
from negbench.scenario.scenario import prepare
from negbench.storage import split_store


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run_with_ids(tmp_path_factory.mktemp("split") / "run")


def export(*words):
    return CliRunner().invoke(main, ["export", *map(str, words)])


def test_csv_holds_each_pair_in_order_under_its_own_id(run, tmp_path):
    done = export(run, "--split", "-o", tmp_path / "hand")
    assert done.exit_code == 0, done.output
    for part in PARTS:
        with (tmp_path / "hand" / f"{part}.csv").open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        assert header == ["user", "item"] and [tuple(row) for row in rows] == pairs_of(part)
    readme = (tmp_path / "hand" / "README.txt").read_text("utf-8")
    assert "train 12, valid 1, test 5" in readme and "hash 5a6" in readme


def test_parquet_holds_the_same(run, tmp_path):
    pytest.importorskip("pyarrow")
    Export(run, "split", "parquet").write_folder(tmp_path / "hand")
    for part in PARTS:
        frame = pd.read_parquet(tmp_path / "hand" / f"{part}.parquet")
        assert list(frame.itertuples(index=False, name=None)) == pairs_of(part)


def test_recbole_files_keep_every_row_and_id_as_pandas_reads_them(run, tmp_path):
    """RecBole's own reader: python engine, every token text, rows without a value dropped."""
    done = export(run, "--split", "--format", "recbole", "-o", tmp_path / "hand.x")
    assert done.exit_code == 0, done.output
    header = {"user_id:token": str, "item_id:token": str}
    for part in PARTS:
        path = tmp_path / "hand.x" / f"hand.x.{part}.inter"
        assert path.read_text("utf-8").splitlines()[0].split("\t") == list(header)
        frame = pd.read_csv(path, delimiter="\t", dtype=header, engine="python", encoding="utf-8")
        assert not frame.isnull().any().any() and not frame.isin(["[PAD]"]).any().any()
        rows = [tuple(map(id_of, row)) for row in frame.itertuples(index=False, name=None)]
        assert rows == pairs_of(part)
    assert "benchmark_filename: [train, valid, test]" in (
        tmp_path / "hand.x" / "README.txt"
    ).read_text("utf-8")


def test_recbole_itself_loads_the_same_split(run, tmp_path):
    pytest.importorskip("recbole")
    from recbole.config import Config
    from recbole.data import create_dataset

    Export(run, "split", "recbole").write_folder(tmp_path / "hand")
    settings = {"data_path": str(tmp_path), "benchmark_filename": list(PARTS), "state": "ERROR"}
    settings |= {"load_col": {"inter": ["user_id", "item_id"]}, "use_gpu": False}
    data = create_dataset(Config(model="BPR", dataset="hand", config_dict=settings))
    for part, of_part in zip(PARTS, data.build(), strict=True):
        columns = [
            data.id2token(name, of_part.inter_feat[name].numpy()) for name in ("user_id", "item_id")
        ]
        rows = [tuple(map(id_of, row)) for row in zip(*columns, strict=True)]
        assert sorted(rows) == sorted(pairs_of(part))


def test_our_own_reader_gets_the_split_of_the_run_back(tmp_path):
    go(tmp_path / "run", methods=["random"], seeds="1", epochs=1)
    Export(tmp_path / "run", "split").write_folder(tmp_path / "again")
    (path,) = (tmp_path / "run" / "splits").iterdir()
    kept = split_store.read_split(tmp_path / "run", path.stem)
    again = prepare(str(tmp_path / "again"), rule="files")
    data = again.interactions
    users, items = data.user_ids.astype(int), data.item_ids.astype(int)
    for part, (lengths, of_part) in kept.items():
        rows = getattr(again.split, part)
        assert len(rows) == len(of_part) > 0
        ends = lengths.astype(int).cumsum()
        for u in range(rows.n_rows):
            wanted = of_part[ends[users[u]] - lengths[users[u]] : ends[users[u]]]
            assert items[rows.row(u)].tolist() == wanted.tolist()


def test_nothing_is_replaced_and_nothing_left_half_done(run, tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    (tmp_path / "file.csv").write_text("mine")
    cases = [
        (["--split", "-o", tmp_path / "there"], "replaces nothing"),
        (["--split", "-o", tmp_path / "no" / "place"], "in a folder that is there"),
        (["-o", tmp_path / "file.csv"], "replaces nothing"),
        (["--split"], "add -o FOLDER"),
        (["--split", "--format", "parquet"], "add -o FOLDER"),
        (["--split", "--format", "trec", "-o", tmp_path / "x"], "csv, parquet or recbole"),
        (["--qrels", "--format", "recbole"], "trec, csv or parquet"),
        (["--split", "--qrels"], "got --qrels and --split"),
        (["--qrels", "--k", "5"], "--qrels has none of"),
        (["--qrels", "-o", f"{tmp_path / 'x'}/"], "is one file"),
    ]
    for words, piece in cases:
        done = export(run, *words)
        assert done.exit_code == 2 and piece in done.stderr, done.output
        assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "file.csv").read_text() == "mine"

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exports.part_files, "write_csv", full)
    done = export(run, "--split", "-o", tmp_path / "new")
    assert done.exit_code == 2 and "No space left" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file.csv", "there"]


def test_a_run_without_its_split_says_how_to_get_it(run, tmp_path):
    copytree(run, tmp_path / "run")
    split_store.path_of(tmp_path / "run", "5a6").write_bytes(b"no zip")
    done = export(tmp_path / "run", "--qrels")
    assert done.exit_code == 2 and "must be whole" in done.stderr and not done.stdout
    split_store.path_of(tmp_path / "run", "5a6").unlink()
    done = export(tmp_path / "run", "--split", "-o", tmp_path / "x")
    assert done.exit_code == 2 and "negbench resume" in done.stderr
    assert not (tmp_path / "x").exists()


def test_a_split_is_of_one_data_set(tmp_path):
    words = [DATA, DATA.replace("items=100", "items=101")]
    go(tmp_path / "run", datasets=words, methods=["random"], seeds="1", epochs=1)
    done = export(tmp_path / "run", "--qrels")
    assert done.exit_code == 2 and "these cells have 2" in done.stderr and "-d" in done.stderr
    name = done.stderr.split("(", 1)[1].split("), ")[0] + ")"
    assert export(tmp_path / "run", "--qrels", "-d", name).exit_code == 0
