"""PreferDiff's three sets: made files in both layouts, a run of one, and the real ones."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from negbench.cli import main
from negbench.data.load import load
from negbench.errors import DataError
from negbench.scenario.scenario import prepare

FOLDERS = {
    "preferdiff_beauty": "Beauty",
    "preferdiff_toys": "Toys_and_Games",
    "preferdiff_sports": "Sports_and_Outdoors",
}
COUNTS = {
    "preferdiff_beauty": (22_363, 12_101, 162_150, 2_236, 2_237),
    "preferdiff_toys": (19_412, 11_921, 138_444, 1_941, 1_942),
    "preferdiff_sports": (35_598, 18_357, 256_598, 3_559, 3_561),
}


def files(folder: Path, form: str, **texts: str) -> Path:
    """Files whose names are `form` with the part; gzipped where the form ends so."""
    for part, text in texts.items():
        path = folder / form.format(part)
        path.parent.mkdir(parents=True, exist_ok=True)
        blob = text.encode()
        path.write_bytes(gzip.compress(blob) if form.endswith(".gz") else blob)
    return folder


def walks(n: int, seed: int) -> str:
    """Lines of five to nine items, each the next of 30 on a circle."""
    rng = np.random.default_rng(seed)
    starts, lengths = rng.integers(30, size=n), rng.integers(5, 10, size=n)
    rows = [(start + np.arange(k)) % 30 + 1 for start, k in zip(starts, lengths, strict=True)]
    return "".join(" ".join(map(str, row)) + "\n" for row in rows)


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize(
    "form",
    [
        "amazon-preferdiff/{0}.{{}}_data.txt.gz",
        "{0}.{{}}_data.txt",
        "{0}/{{}}_data.txt",
        "data/{0}/{{}}_data.txt",
        "PreferDiff/data/{0}/{{}}_data.txt.gz",
    ],
)
def test_both_layouts_plain_and_gzipped(tmp_path: Path, name: str, form: str) -> None:
    at = form.format(FOLDERS[name])
    files(tmp_path, at, train="5 3 9\n3 5\n", valid="9 3\n", test="3 9 5\n")
    data = load(name, data_dir=tmp_path)
    assert data.item_ids is not None and data.part is not None
    assert data.item_ids[data.items].tolist() == [5, 3, 9, 3, 5, 9, 3, 3, 9, 5]
    assert data.part.tolist() == [0] * 5 + [3, 1, 3, 3, 2] and data.order == "rows"
    assert sum("differs from the official file" in note for note in data.notes) == 3


def test_files_of_another_set_are_not_taken(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("negbench.data.download.file_cache.fetch", refuse)
    files(tmp_path, "Beauty/{}_data.txt", train="1 2\n", valid="2 1\n", test="1 2\n")
    with pytest.raises(DataError, match="Toys_and_Games"):
        load("preferdiff_toys", data_dir=tmp_path)


def refuse(download, folder, **_):
    raise DataError(f"no network for {download.name}")


def test_other_files_are_refused_with_the_line(tmp_path: Path) -> None:
    files(tmp_path, "Beauty/{}_data.txt", train="1 2\n", valid="2 x\n", test="1 2\n")
    with pytest.raises(DataError, match="valid_data.txt, line 1: 'x' must be a number"):
        load("preferdiff_beauty", data_dir=tmp_path)


def test_a_run_ranks_the_test_users_last_items(tmp_path: Path) -> None:
    at = "Beauty.{}_data.txt"
    files(tmp_path, at, train=walks(160, 0), valid=walks(20, 1), test=walks(20, 2))
    asked = ["run", "-d", "preferdiff_beauty", "--data-dir", str(tmp_path), "-b", "sasrec,mf"]
    asked += ["-m", "random", "--references", "most_popular,item_knn,ease", "--seeds", "1"]
    asked += ["--epochs", "1", "--dim", "8", "-o", str(tmp_path / "run")]
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == 0, result.output
    assert "20 valid users and 20 test users are not" in " ".join(result.output.split())
    assert "backbone mf knows only the users it is trained on" in " ".join(result.output.split())
    cells = sorted((tmp_path / "run" / "cells").iterdir())
    assert len(cells) == 4
    for cell in cells:
        record = json.loads((cell / "cell.json").read_text())
        assert record["split"]["test"] == record["split"]["valid"] == 20
        with np.load(cell / "users.npz") as arrays:
            assert len(arrays["users"]) == 20 and arrays["activity"].min() >= 4
        assert not any(m["metric"] in ("fnr", "fhnr") for m in record["metrics"])


def test_a_backbone_of_user_vectors_alone_is_refused(tmp_path: Path) -> None:
    at = "Beauty.{}_data.txt"
    files(tmp_path, at, train=walks(40, 0), valid=walks(5, 1), test=walks(5, 2))
    asked = ["run", "-d", "preferdiff_beauty", "--data-dir", str(tmp_path), "-b", "mf"]
    result = CliRunner().invoke(main, [*asked, "-m", "random", "-o", str(tmp_path / "run")])
    assert result.exit_code == 2 and not (tmp_path / "run").exists()
    assert "that reads histories (dreamrec, gru4rec, hstu, sasrec, tiny_lm)" in result.output


@pytest.mark.parametrize("name", COUNTS)
def test_the_real_files(shared: Path, name: str) -> None:
    scenario = prepare(name, data_dir=shared)
    data, parts = scenario.interactions, scenario.split
    users, items, pairs, valid, test = COUNTS[name]
    assert (data.n_users, data.n_items, len(data)) == (users, items, pairs)
    assert (len(parts.valid), len(parts.test)) == (valid, test) and parts.fold_in is not None
    assert int((parts.train.lengths > 0).sum()) == users - valid - test
    assert not any("differs" in note for note in data.notes)
    held = parts.fold_in.lengths[parts.test.lengths > 0]
    assert (held.min(), held.max()) == (4, 10)
    assert data.user_ids is not None and data.item_ids is not None
    if name == "preferdiff_beauty":  # the first line of the test file
        user = data.user_ids.tolist().index("test:1")
        history, target = parts.fold_in.row(user), parts.test.row(user)
        assert data.item_ids[history].tolist() == [5435, 5436, 1077, 2919]
        assert data.item_ids[target].tolist() == [4737]
