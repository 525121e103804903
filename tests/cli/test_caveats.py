"""Caveats of data and split: in `data check`, on the screen of a run, in its records and report."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from negbench.cli import main
from negbench.plugins import registry

TRAIN = ["-m", "random", "-b", "mf(dim=4)", "--epochs", "1", "--seeds", "1", "--no-progress"]


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "_plugins", {})
    monkeypatch.chdir(tmp_path)


def call(*given):
    return CliRunner().invoke(main, [str(each) for each in given])


def write(path, header, rows):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(f"{header}\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))


def said_everywhere(data, *sentences, more=(), report=False):
    """Check each sentence in every output, and give the notes that `data check` has."""
    notes = json.loads(call("data", "check", data, *more, "--json").stdout)["notes"]
    done = call("run", "-d", data, *TRAIN, *more, "-o", "out")
    assert done.exit_code == 0, done.output
    (cell,) = Path("out/cells").glob("*/cell.json")
    recorded = json.loads(cell.read_text())["notes"]
    later = [" ".join(call("table", "out").stdout.split())]
    if report:
        assert call("report", "out").exit_code == 0
        later.append(" ".join(Path("out/report.html").read_text().split()))
    for sentence in sentences:
        assert any(sentence in note for note in notes), notes
        assert sentence in done.stdout, done.stdout
        assert any(sentence in note for note in recorded), recorded
        for shown in later:  # there it begins with a capital
            assert sentence[1:].replace("`", "") in shown.replace("`", ""), sentence
    return notes


def split_folder(name, train, test, times=(True, True)):
    for part, rows, timed in (("train", train, times[0]), ("test", test, times[1])):
        header = "user_id,item_id" + ",timestamp" * timed
        stamped = [(*row, 2_000_000_000 + at) if timed else row for at, row in enumerate(rows)]
        write(f"{name}/{part}.csv", header, stamped)


WARM = [(f"u{u}", f"i{(3 * u + s) % 20}") for u in range(10) for s in range(8)]


def test_test_users_without_a_train_pair():
    test = [(f"u{u}", f"i{(3 * u + 9) % 20}") for u in range(5)]
    split_folder(
        "cold", WARM, test + [(f"new{u}", f"i{u + s}") for u in range(5) for s in range(2)]
    )
    said_everywhere(
        "cold",
        "5 of 10 test users have no train pair (10 of 15 test pairs): ranked by an untrained",
    )


def test_test_items_without_a_train_pair():
    split_folder("cold", WARM, [("u1", "new"), ("u2", "newer"), ("u2", "i0")])
    said_everywhere(
        "cold",
        "2 of 3 test items have no train pair (2 of 3 test pairs): scored by untrained vectors.",
    )


def test_train_pairs_that_are_also_test_pairs():
    split_folder("both", WARM, [WARM[0], WARM[9], ("u0", "i19")], times=(False, False))
    said_everywhere("both", "2 pairs of test are in train too and kept in train alone")


def test_a_ratio_sees_the_future_and_temporal_does_not():
    rows = [
        (u, 10 * u + i, 1_300_000_000 + u * 30_000_000 + i) for u in range(16) for i in range(10)
    ]
    write("eras.csv", "user_id,item_id,timestamp", rows)
    notes = said_everywhere(
        "eras.csv",
        "nder ratio(0.8,0.1,0.1) 120 of 128 train pairs (94 %) are later than the earliest test "
        "pair of another user (2011-03-13 is the first), so train sees the future; "
        "`temporal(0.8,0.9)`",
        report=True,
    )
    assert sum("the future" in note for note in notes) == 1
    facts = json.loads(call("data", "check", "eras.csv", "--split", "temporal", "--json").stdout)
    assert not any("the future" in note for note in facts["notes"])
    facts = json.loads(call("data", "check", "eras.csv", "--split", "loo", "--json").stdout)
    assert any("under leave_one_out 120 of 128 train pairs" in note for note in facts["notes"])


def test_half_a_clock():
    split_folder("half", WARM, [(f"u{u}", "i19") for u in range(3)], times=(True, False))
    said_everywhere("half", "all times are dropped, as test.csv has none: no order is known")


RATED = [(u, i, 0.5 if i < 2 else 4.5 if i < 7 else 3) for u in range(8) for i in range(10)]
LOUD = (
    "RATINGS: no --min-rating, so every row counts as liked, one rated 0.5 like one rated 4.5; "
    "--min-rating 4.5 would keep 50 % of the rows, 3 80 %"
)


def test_ratings_that_nobody_asked_for_are_loud():
    write("rated.csv", "user_id,item_id,rating", RATED)
    said_everywhere("rated.csv", LOUD, report=True)


@pytest.mark.parametrize("more", [("--min-rating", "4"), ("--min-rating", "0.5")])
def test_a_least_rating_silences_the_line(more):
    write("rated.csv", "user_id,item_id,rating", RATED)
    notes = json.loads(call("data", "check", "rated.csv", *more, "--json").stdout)["notes"]
    assert not any("RATINGS" in note for note in notes)


def test_without_ratings_there_is_no_line():
    write("plain.csv", "user_id,item_id", [row[:2] for row in RATED])
    assert "RATINGS" not in call("data", "check", "plain.csv").stdout


def test_ratings_in_one_file_of_two_are_loud_too():
    split_folder("some", WARM, [("u0", "i19"), ("u1", "i0")])
    write(
        "some/train.csv",
        "user_id,item_id,rating",
        [(*row, 1 + n % 5) for n, row in enumerate(WARM)],
    )
    assert (
        "--min-rating 4 would keep 40 % of the 80 rated rows"
        in call("data", "check", "some").stdout
    )


def test_empty_ratings_that_are_not_used_change_nothing():
    rows = [(u, i, "" if i % 2 else 4) for u in range(8) for i in range(6)]
    write("clicks.csv", "user_id,item_id,rating", rows)
    facts = json.loads(call("data", "check", "clicks.csv", "--json").stdout)
    assert (facts["users"], facts["items"], facts["interactions"]) == (8, 6, 48)
    done = call("data", "check", "clicks.csv", "--min-rating", "4")
    assert done.exit_code == 3 and "rating" in done.stderr


def test_weak_bands():
    rows = [(u, i) for u in range(40) for i in range(40)]
    rows += [(u, f"rare{u}-{s}") for u in range(40) for s in range(10)]
    write("tail.csv", "user_id,item_id", rows)
    more = ["--split", "random", "--bands", "count:5,50"]
    notes = json.loads(call("data", "check", "tail.csv", *more, "--json").stdout)["notes"]
    assert any("tail holds 91 % of the items (400 of 440)" in note for note in notes)
    said_everywhere("tail.csv", "weak bands: fewer than 20 items in ", more=more)


def test_without_a_split_that_works_the_check_says_why():
    write("one.csv", "user_id,item_id,timestamp", [(u, u, u) for u in range(5)])
    done = call("data", "check", "one.csv")
    assert done.exit_code == 0 and "leaves the test part of one empty" in done.stdout
    assert call("data", "check", "one.csv", "--split", "ratio").exit_code == 2


@pytest.mark.parametrize(
    ("header", "more"),
    [
        ("user_id,item_id", ["--user", "user_id", "--item", "user_id"]),
        ("user_id,item_id", ["--user", "1", "--item", "1"]),
        ("user_id,item_id", ["--item", "user_id", "--time", "user_id", "--user", "item_id"]),
        ("a,item_id,rating", ["--user", "rating", "--rating", "rating"]),
        ("3,4,5", ["--user", "1", "--item", "2", "--rating", "2"]),
    ],
)
def test_one_column_has_one_role(header, more):
    write("a.csv", header, [(u, i, 5)[: header.count(",") + 1] for u in range(4) for i in range(3)])
    for given in (["data", "check", "a.csv"], ["run", "-d", "a.csv", *TRAIN]):
        done = call(*given, *more)
        assert done.exit_code == 2, done.output
        (sentence,) = done.stderr.splitlines()
        assert "cannot be both" in sentence and "a.csv" in sentence
