"""Data sets on the command line: names, files and folders, whatever is in their names."""

import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from negbench.cli import main
from negbench.data.dataset_words import both_meanings, is_file, is_name, looks_like_path, words
from negbench.errors import UserError
from negbench.experiment.options.options import build, flatten
from negbench.plugins import registry

TRAIN = ["-m", "random", "-b", "mf(dim=4)", "--epochs", "1", "--seeds", "1", "--no-progress"]
ODD = ["ratings (1).csv", "goodbooks (1).csv", "a,b.csv", "it's.csv", "a[1].csv", "x (1", "-y.csv"]


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "_plugins", {})
    monkeypatch.delenv("NEGBENCH_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


def call(*given):
    return CliRunner().invoke(main, [str(each) for each in given])


def table(path, users=8, items=6, more=""):
    rows = [f"u{u},i{(u + i) % 10}{more}" for u in range(users) for i in range(items)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("user_id,item_id\n" + "\n".join(rows) + "\n")
    return path


def folder(path):
    table(path / "train.csv")
    (path / "test.csv").write_text("user_id,item_id\n" + "".join(f"u{u},i9\n" for u in range(3)))
    return path


def test_a_folder_is_found_by_its_plain_name():
    folder(Path("mydata"))
    assert call("data", "check", "mydata").stdout.startswith("name            mydata")
    for word in ("mydata", "./mydata", "mydata/"):
        done = call("run", "-d", word, *TRAIN, "-q", "-o", f"out-{len(word)}")
        assert done.exit_code == 0 and done.stdout.startswith("mydata"), done.output


@pytest.mark.parametrize("name", ODD)
def test_a_file_that_is_there_is_read_whatever_its_name(name):
    path = f"{name}/" if "." not in name else name
    folder(Path(name)) if path.endswith("/") else table(Path(name))
    done = call("run", f"--datasets={name}", *TRAIN, "-q", "-o", "out")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(Path(name).name.split(".")[0])
    assert call("data", "check", "--", name).exit_code == 0
    stored = json.loads(Path("out/run.json").read_text())["options"]["datasets"]
    assert stored == [str(Path(name).resolve())]
    assert call("resume", "out").exit_code == 0


def test_a_list_of_odd_names():
    for name in ODD:
        if "." in name:
            table(Path(name))
    given = "ratings (1).csv,a,b.csv,synthetic(users=60,items=90),goodbooks (1).csv,goodbooks"
    assert words([given]) == [
        "ratings (1).csv",
        "a,b.csv",
        "synthetic(users=60,items=90)",
        "goodbooks (1).csv",
        "goodbooks",
    ]
    options = build(flatten({"datasets": f"{given},it's.csv,-y.csv"}))
    assert options.datasets[-2:] == ("it's.csv", "-y.csv")
    assert build(flatten({"datasets": ["a,b.csv", "goodbooks"]})).datasets == (
        "a,b.csv",
        "goodbooks",
    )
    own = [{"path": "a,b.csv", "user": "user_id"}, "goodbooks"]
    options = build(flatten({"datasets": own}))
    assert options.datasets == ("a,b.csv", "goodbooks")
    assert options.columns_of("a,b.csv").user == "user_id"


def test_a_list_is_no_file_and_open_brackets_are_refused():
    assert words(["a.csv, b.csv", "all,-goodbooks"]) == ["a.csv", "b.csv", "all", "-goodbooks"]
    assert words(["ratings (1.csv,goodbooks"]) == ["ratings (1.csv", "goodbooks"]
    with pytest.raises(UserError, match="closed"):
        words(["synthetic(users=60"])


def test_names_win_and_the_other_meaning_is_named():
    folder(Path("goodbooks"))
    for word in ("goodbooks", "synthetic(users=60)"):
        assert is_name(word) and not is_file(word)
    assert is_file("./goodbooks") and looks_like_path("./goodbooks")
    sentence = "the file or folder goodbooks here is not read: write ./goodbooks for it"
    assert sentence in call("data", "check", "goodbooks").stdout
    assert sentence in call("run", "-d", "goodbooks", *TRAIN, "--dry-run").stdout
    assert not both_meanings(["goodbooks"], data_dir=".")  # the official files are looked for here
    shown = call("data", "check", "./goodbooks").stdout
    assert "name            goodbooks\nusers           8\n" in shown


def test_a_file_wins_over_a_family_and_a_loose_spelling():
    for name in ("ratings", "ML-1M"):
        folder(Path(name))
        assert build(flatten({"datasets": name})).datasets == (name,)
    assert both_meanings(["ratings", "ML-1M"]) == [
        "ratings is the file or folder here, not the data sets of the family ratings",
        "ML-1M is the file or folder here, not the data set ml_1m",
    ]
    Path("ML-1M/train.csv").unlink()
    Path("ML-1M/test.csv").unlink()
    Path("ML-1M").rmdir()
    assert build(flatten({"datasets": "ML-1M"})).datasets == ("ml_1m",)


def test_what_is_not_there_names_what_is():
    table(Path("ratings (1).csv"))
    done = call("run", "-d", "ratings (2).csv", *TRAIN)
    assert done.exit_code == 3 and "did you mean 'ratings (1).csv'?" in done.stderr
    folder(Path("mydata"))
    done = call("run", "-d", "mydta", *TRAIN)
    assert done.exit_code == 2 and "did you mean mydata?" in done.stderr
    assert "did you mean mydata?" in call("data", "check", "mydta").stderr


def test_columns_of_a_known_data_set_are_refused_everywhere():
    for given in (["data", "check", "goodbooks"], ["run", "-d", "goodbooks"]):
        done = call(*given, "--min-rating", "4")
        assert done.exit_code == 2 and "--min-rating: columns are given for a file" in done.stderr
    for least in ("nan", "good", "inf"):
        done = call("data", "check", "goodbooks", "--min-rating", least)
        assert done.exit_code == 2 and "--min-rating must be a number" in done.stderr


def test_every_printed_command_can_be_pasted(monkeypatch):
    table(Path("my ratings (1).csv"))
    given = ["run", "-d", "my ratings (1).csv", *TRAIN, "-o", "out (1)"]
    monkeypatch.setattr("sys.argv", ["negbench", *given])
    done = call(*given)
    assert done.exit_code == 0, done.output
    commands = [
        line[7:].partition("   ")[0] for line in done.stdout.splitlines() if "negbench " in line
    ]
    pasted = [shlex.split(each) for each in commands if each.startswith("negbench report")]
    assert pasted == [["negbench", "report", "out (1)"]]
    assert call(*pasted[0][1:]).exit_code == 0
    command = json.loads(Path("out (1)/run.json").read_text())["command"]
    assert shlex.split(command) == ["negbench", *given]
