"""`negbench explain`: the triplets that helped and harmed, by the ids and titles of the data."""

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.triplet_files import FEW, keep

from negbench.cli import main
from negbench.experiment.finished.kept_ids import read_ids
from negbench.storage import cell_store


def call(*words):
    return CliRunner().invoke(main, ["explain", *map(str, words)])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two seeds of two methods on goodbooks, whose items have titles."""
    out = tmp_path_factory.mktemp("explain") / "run"
    words = ["run", "-d", "goodbooks", "-m", "random,popularity", "--seeds", "2", "--epochs", "1"]
    words += ["--dim", "4", "--threads", "1", "-q", "-o", str(out)]
    assert CliRunner().invoke(main, words).exit_code == 0
    return out


@pytest.fixture
def run(trained, tmp_path):
    """The run, in which the first seed of random has valued five triplets."""
    copy = tmp_path / "run"
    shutil.copytree(trained, copy)
    keep(cell(copy, "random", 0).folder)
    return copy


def cell(run: Path, method: str, seed: int):
    cells = cell_store.read_cells(run)[0]
    return next(c for c in cells if (c.spec["method"], c.spec["seed"]) == (method, seed))


def ids_of(run: Path):
    one = cell(run, "random", 0)
    return read_ids(run, one.spec["dataset"], one.record["data"]["checksum"])


def test_all_users_by_value_with_titles_and_averages(run):
    page, ids = json.loads(call(run, "--format", "json").stdout), ids_of(run)
    assert [line["value"] for line in page["helpful"]] == [4, 2, 1]
    assert [line["value"] for line in page["harmful"]] == [-2, -1]
    first = page["helpful"][0]
    assert (first["user"], first["positive"]) == (ids["users"][0], ids["items"][4])
    assert first["positive_name"] == ids["names"][4] and first["negative_name"] == ids["names"][1]
    assert (first["low"], first["high"]) == pytest.approx((3.02, 4.98))
    means = {(line["by"], line["group"]): line["mean"] for line in page["averages"]}
    assert means["all", "all"] == pytest.approx(0.8)
    assert (means["truth", "false"], means["truth", "other"]) == pytest.approx((0, 4 / 3))
    assert sum(line["n"] for line in page["averages"] if line["by"] == "band") == 5
    assert page["user"] is None and page["where"]["seed"] == 0


def test_one_user_by_the_id_of_the_data(run):
    ids = ids_of(run)
    page = json.loads(call(run, "--user", ids["users"][1], "--format", "json").stdout)
    assert page["user"] == ids["users"][1] and page["n"] == 2 and page["epochs"] == [2, 2]
    assert [line["value"] for line in page["helpful"] + page["harmful"]] == [2, -1]
    assert page["averages"] == []


def test_the_screen(run):
    ids = ids_of(run)
    shown = call(run, "--top", 1).stdout
    lines = shown.splitlines()
    assert lines[0].startswith("goodbooks · mf · random · seed 0   all users: 5 triplets valued")
    assert max(map(len, lines)) <= 100
    at = lines.index("most helpful, as they are")
    assert lines[at + 2].split()[:4] == ["+4.00", "+3.02", "to", "+4.98"]
    assert ids["names"][4][:20] in lines[at + 2]
    assert lines[at + 6].endswith("FALSE") and lines[at + 6].split()[0] == "-2.00"
    assert "negatives of the tail" in shown and "chance 0.667" in shown
    assert "on average" not in call(run, "--user", ids["users"][0]).stdout


def test_values_too_small_to_read_are_scaled_together(run):
    small = [(u, i, j, v / 3e6, e / 3e6, *rest) for u, i, j, v, e, *rest in FEW]
    keep(cell(run, "random", 0).folder, small)
    shown = call(run).stdout
    assert "most helpful, in units of 1e-6" in shown and "most harmful, in units of 1e-6" in shown
    assert "+1.33   +1.01 to +1.66" in shown


def test_csv_and_a_file(run, tmp_path):
    out = tmp_path / "x.csv"
    assert call(run, "--format", "csv", "-o", out).exit_code == 0
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    parts = [row["part"] for row in rows]
    assert parts[:5] == ["helpful"] * 3 + ["harmful"] * 2 and set(parts[5:]) == {
        "all",
        "band",
        "truth",
    }
    assert {row["method"] for row in rows} == {"random"} and rows[0]["value"] == "4.0"


def test_one_row_is_shown_and_the_first_seed(run):
    keep(cell(run, "random", 1).folder, FEW[:3])
    assert "seed 0" in call(run).stdout and "3 triplets" in call(run, "--seed", 1).stdout
    keep(cell(run, "popularity", 0).folder, FEW[:2])
    many = call(run)
    assert many.exit_code == 2
    assert "got goodbooks mf popularity; goodbooks mf random" in many.stderr
    assert "2 triplets" in call(run, "-m", "popularity").stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["-m", "dns"], "must name a cell that valued its triplets"),
        (["--user", "nobody"], "--user must be a user of the data; got 'nobody'"),
        (["--top", "0"], "--top must be 1 or more; got 0"),
        (["--format", "xml"], "must be one of text, csv, json; got 'xml'"),
        (["-o", "/no/such/folder/x"], "--out must be a file in a folder"),
    ],
)
def test_mistakes_are_one_sentence(run, words, sentence):
    done = call(run, *words)
    assert done.exit_code == 2 and sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_user_without_valued_triplets(run):
    done = call(run, "--user", ids_of(run)["users"][7])
    assert done.exit_code == 2 and "must have triplets that were valued" in done.stderr


def test_runs_without_values_and_broken_files_say_what_to_do(run, trained):
    done = call(trained)
    assert done.exit_code == 2 and "run it again with -m shapley" in done.stderr
    path = cell(run, "random", 0).folder / "triplets.npz"
    path.write_bytes(path.read_bytes()[:90])
    done = call(run)
    assert done.exit_code == 2 and "none that can be read" in done.stderr
