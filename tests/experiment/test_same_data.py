"""The data of a run folder: changed ones are refused before training, changed ids are exported."""

import csv
import io
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.small_runs import go, names, stamps

from negbench.cli import main
from negbench.data.interactions import Interactions
from negbench.errors import UserError
from negbench.experiment.export.export import Export

FILM = "{}|Film {} (1995)|01-Jan-1995||x|" + "|".join("0" * 19) + "\n"
QUICK = {"methods": "random", "seeds": 1, "epochs": 1, "dim": 4}


def written(path, prefix="old-", shift=0, users=12):
    rows = (
        f"u{u},{prefix}{(u * 2 + i + shift * (i // 3)) % 14},{u + 20 * i},{1 + (u + i) % 5}\n"
        for u in range(users)
        for i in range(7)
    )
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("user,item,time,rating\n" + "".join(rows))
    return path


def run(out, path, **raw):
    return go(out, **{**QUICK, "datasets": [str(path)], **raw})


def exported(out):
    rows = list(Export(out).lines())
    return {name: {r["item"] for r in rows if r["dataset"] == name} for name in names_of(rows)}


def names_of(rows):
    return sorted({row["dataset"] for row in rows})


def keys(out):
    """The keys of results.csv, one a row."""
    rows = list(csv.reader(io.StringIO((out / "results.csv").read_text())))
    at = rows[0].index("value")
    return [tuple(row[:at] + row[at + 1 :]) for row in rows[1:]]


def test_corrected_ids_are_those_of_the_export(tmp_path, caplog):
    out, path = tmp_path / "out", written(tmp_path / "shop.csv")
    run(out, path)
    before = stamps(out)
    written(path, "new-")
    run(out, path)
    assert stamps(out) == before  # the numbers are what they were
    assert all(item.startswith("new-") for item in exported(out)["shop"])
    assert any("ids, names or texts of shop have changed" in line for line in caplog.messages)
    caplog.clear()
    run(out, path)
    assert not any("changed" in line for line in caplog.messages)


def test_two_files_of_the_same_pairs_keep_their_own_ids(tmp_path):
    paths = [written(tmp_path / "wrong.csv", "old-"), written(tmp_path / "right.csv", "new-")]
    go(tmp_path / "out", **QUICK, datasets=list(map(str, paths)))
    seen = exported(tmp_path / "out")
    assert all(item.startswith("old-") for item in seen["wrong"])
    assert all(item.startswith("new-") for item in seen["right"])
    assert len(keys(tmp_path / "out")) == len(set(keys(tmp_path / "out")))


def test_titles_that_arrive_later_are_exported(tmp_path):
    home, out = tmp_path / "ml-100k", tmp_path / "out"
    home.mkdir()
    rows = (f"{u}\t{1 + (u + i) % 14}\t5\t{u + 20 * i}\n" for u in range(12) for i in range(7))
    (home / "u.data").write_text("".join(rows))
    for title, film in (("", None), ("Film 7 (1995)", 0), ("Film 9 (1995)", 2)):
        if film is not None:
            lines = (FILM.format(i, i + film) for i in range(1, 15))
            (home / "u.item").write_text("".join(lines), "latin-1")
        go(out, **QUICK, datasets="ml_100k", data_dir=str(tmp_path))
        by_item = {row["item"]: row["name"] for row in Export(out).lines()}
        assert by_item[7] == title


def test_a_changed_file_is_refused_before_training(tmp_path):
    out, path = tmp_path / "out", written(tmp_path / "data.csv")
    run(out, path)
    kept, results = stamps(out), (out / "results.csv").read_bytes()
    written(path, shift=1, users=20)
    with pytest.raises(UserError, match="has changed since then") as caught:
        run(out, path, methods="random,dns")
    sentence = str(caught.value)
    assert str(path) in sentence and "84 interactions then, 140 now" in sentence
    assert "-o" in sentence and "--overwrite all" in sentence
    assert stamps(out) == kept and (out / "results.csv").read_bytes() == results
    assert json.loads((out / "run.json").read_text())["options"]["methods"] == ["random"]
    for command in (["table", str(out)], ["export", str(out)]):
        assert CliRunner().invoke(main, command).exit_code == 0


@pytest.mark.parametrize("words", [["resume"], ["run", "--dry-run"], ["run"]])
def test_every_command_that_trains_refuses(tmp_path, words):
    out, path = tmp_path / "out", written(tmp_path / "data.csv")
    run(out, path)
    written(path, shift=1)  # as many interactions, other ones
    asked = ["-d", str(path), "-m", "random", "-o", str(out), *words[1:]]
    asked = ["run", *asked] if words[0] == "run" else ["resume", str(out)]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 2 and "has changed since then" in done.output
    assert "grid" not in done.output and done.output.count("\n") == 1


def test_overwrite_all_replaces_the_cells_of_the_old_data(tmp_path, caplog):
    out, path = tmp_path / "out", written(tmp_path / "data.csv")
    run(out, path, methods="random,dns")
    old = names(out)
    written(path, "new-", shift=1)
    assert run(out, path, overwrite="all").done == 1
    assert len(names(out)) == 1 and not set(names(out)) & set(old)
    assert sorted(each.name for each in (out / "replaced").iterdir()) == old
    assert any("2 cells of earlier data or tuning were moved" in line for line in caplog.messages)
    assert len(keys(out)) == len(set(keys(out))) and "cell" not in keys(out)[0]
    assert all(item.startswith("new-") for item in exported(out)["data"])
    written(path, "old-")
    run(out, path, overwrite="all")  # and back again
    assert len(list((out / "replaced").iterdir())) == 3


def test_failed_cells_of_other_data_refuse_nothing(tmp_path, plugin):
    from helpers.small_runs import BREAKS

    asked = {"plugins": plugin("broken", BREAKS), "methods": "broken"}
    out, path = tmp_path / "out", written(tmp_path / "data.csv")
    assert run(out, path, **asked).failed
    written(path, shift=1)
    assert run(out, path).done == 1
    assert len(names(out)) == 1 and len(list((out / "replaced").iterdir())) == 1


@pytest.mark.parametrize(
    ("changed", "clause"),
    [
        ({"k_core": 2}, "--k-core was 0 and is 2"),
        ({"min_rating": 3}, "--min-rating was not given and is 3"),
        ({"time": "rating"}, "--time was not given and is rating"),
        ({"split": "leave_one_out"}, "--split was auto and is leave_one_out"),
        ({"exclude": "none"}, "--exclude was train and is none"),
        ({"bands": "items:0.2,0.8"}, "--bands was mass and is items:0.2,0.8"),
        ({"plant": 0.1}, "--plant was 0.0 and is 0.1"),
        ({"noise": 0.2}, "--noise was 0.0 and is 0.2"),
    ],
)
def test_other_options_of_reading_are_named(tmp_path, changed, clause):
    out, path = tmp_path / "out", written(tmp_path / "data.csv")
    path.write_text(path.read_text() + "u0,rare,999,3\n")
    run(out, path)
    with pytest.raises(UserError) as caught:
        run(out, path, **changed)
    assert clause in str(caught.value)


def test_changed_files_of_an_official_name_are_named_by_their_folder(tmp_path):
    for shift in (0, 1):
        rows = (
            f"{u}\t{1 + (u + i + shift * (i // 3)) % 14}\t5\t{u + 20 * i}\n"
            for u in range(12)
            for i in range(7)
        )
        (tmp_path / "u.data").write_text("".join(rows))
        if not shift:
            go(tmp_path / "out", **QUICK, datasets="ml_100k", data_dir=str(tmp_path))
    with pytest.raises(UserError) as caught:
        go(tmp_path / "out", **QUICK, datasets="ml_100k", data_dir=str(tmp_path))
    assert f"on: {tmp_path}, or how it is read, has changed since then" in str(caught.value)


def test_two_files_of_one_name_do_not_share_a_folder(tmp_path):
    paths = [written(tmp_path / "a" / "data.csv"), written(tmp_path / "b" / "data.csv", shift=1)]
    run(tmp_path / "out", paths[0])
    with pytest.raises(UserError) as caught:
        run(tmp_path / "out", paths[1])
    assert f"read from {paths[0]} then and is read from {paths[1]} now" in str(caught.value)
    with pytest.raises(UserError, match="must have different names"):
        go(tmp_path / "both", **QUICK, datasets=list(map(str, paths)))


def test_a_moved_file_and_other_data_sets_may_share_a_folder(tmp_path):
    out, path = tmp_path / "out", written(tmp_path / "a" / "data.csv")
    run(out, path)
    shutil.move(path, tmp_path / "data.csv")
    assert run(out, tmp_path / "data.csv", methods="random,dns").done == 2
    assert run(out, written(tmp_path / "other.csv", shift=1)).done == 1
    assert sorted(exported(out)) == ["data", "other"]


def test_settings_in_one_folder_are_told_apart_in_results_csv(tmp_path):
    out, path = tmp_path / "out", written(tmp_path / "data.csv")
    run(out, path)
    plain = (out / "results.csv").read_text().splitlines()
    run(out, path, lr=0.5)
    both = (out / "results.csv").read_text().splitlines()
    assert both[0] == plain[0] + ",cell" and len(both) == 2 * len(plain) - 1
    assert len(keys(out)) == len(set(keys(out)))
    assert {key[-1] for key in keys(out)} == set(names(out))


def test_a_folder_of_an_older_version_is_read_and_gone_on_with(tmp_path, caplog):
    out, path = tmp_path / "out", written(tmp_path / "data.csv")
    run(out, path)
    (table,) = (out / "ids").iterdir()
    ids = json.loads(table.read_text())
    for name in ("dataset", "content"):
        del ids[name]
    table.unlink()
    (out / "ids" / f"{table.name[:12]}.json").write_text(json.dumps(ids))
    (record,) = (out / "cells").glob("*/cell.json")
    content = json.loads(record.read_text())
    del content["data"]["content"]
    record.write_text(json.dumps(content))
    text = io.StringIO()
    assert Export(out).write(text) and "old-" in text.getvalue()
    before = stamps(out)
    assert run(out, path).done == 1
    assert stamps(out) == before and not caplog.messages


def test_an_older_table_that_two_data_sets_share_is_warned_of(tmp_path, caplog):
    paths = [written(tmp_path / "wrong.csv", "old-"), written(tmp_path / "right.csv", "new-")]
    out = tmp_path / "out"
    go(out, **QUICK, datasets=list(map(str, paths)))
    first, second = (out / "ids").iterdir()
    first.rename(out / "ids" / f"{first.name[:12]}.json")
    second.unlink()
    assert list(Export(out).lines())
    assert any("right and wrong share one table of ids" in line for line in caplog.messages)


def test_content_covers_what_reaches_an_output_and_the_checksum_the_pairs():
    pairs = np.arange(3)
    ids = np.array(["a", "b", "c"], object)
    data = Interactions("x", pairs, pairs, 3, 3, item_ids=ids)
    others = [
        replace(data, item_ids=np.array(["a", "b", "d"], object)),
        replace(data, user_ids=ids),
        replace(data, item_names=("a", "b", "c")),
        replace(data, item_texts=("a", "b", "c")),
        replace(data, item_names=("a, b", "c", "")),
        replace(data, item_names=("a", "b, c", "")),
        replace(data, item_ids=np.array([1, 2, 3], object)),
        replace(data, item_ids=np.array(["1", "2", "3"], object)),
    ]
    assert {each.checksum for each in others} == {data.checksum}
    assert len({each.content for each in (data, *others)}) == 9
