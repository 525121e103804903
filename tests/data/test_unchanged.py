"""What a process keeps of files is read again when they change, also where size and time agree."""

import os
from pathlib import Path

import pytest

from negbench.ops.file_stamp import SMALL, stamp
from negbench.plugins import registry
from negbench.scenario.scenario import prepare

FILM = "{}|Film {} (1995)|01-Jan-1995||x|" + "|".join("0" * 19) + "\n"
PLUGIN = """
from dataclasses import dataclass
import pandas as pd
from negbench.data.raw_rows import RawRows, raw_ids
from negbench.data.reindex import reindex
from negbench.protocol import Card
CARD = Card(title="Mine")
@dataclass(frozen=True)
class Config:
    pass
def load(config, cache):
    table = pd.read_csv({path!r}, dtype=str)
    return reindex(RawRows(raw_ids(table["user"]), raw_ids(table["item"])), name={name!r})
"""


def written(path: Path, prefix: str = "old-") -> Path:
    rows = (f"u{u},{prefix}{(u + i) % 9},{u + 20 * i}\n" for u in range(9) for i in range(6))
    path.write_text("user,item,time\n" + "".join(rows))
    return path


def first_item(dataset: str, **given: str) -> str:
    ids = prepare(dataset, **given).interactions.item_ids  # type: ignore[arg-type]
    assert ids is not None
    return str(ids[0])


def test_an_edited_file_is_read_again_though_size_and_times_agree(tmp_path: Path) -> None:
    path = written(tmp_path / "shop.csv")
    assert first_item(str(path)).startswith("old-")
    assert prepare(str(path)) is prepare(str(path))
    before = path.stat()
    written(path, "new-")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert first_item(str(path)).startswith("new-")


def test_a_relative_path_means_another_file_in_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        written(tmp_path / name / "shop.csv", f"{name}-")
        monkeypatch.chdir(tmp_path / name)
        assert first_item("shop.csv").startswith(name)
    assert first_item("./shop.csv").startswith("two")


@pytest.mark.parametrize("changed", ["train.csv", "valid.csv", "test.csv"])
def test_a_folder_is_read_again_when_one_file_changes(tmp_path: Path, changed: str) -> None:
    for part in ("train", "test"):
        written(tmp_path / f"{part}.csv", f"{part}-")
    before = prepare(str(tmp_path))
    assert prepare(str(tmp_path)) is before
    written(tmp_path / changed, "later-")
    ids = prepare(str(tmp_path)).interactions.item_ids
    assert ids is not None and any(each.startswith("later-") for each in ids)


def test_a_parquet_file_is_read_again(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    import pandas as pd

    for prefix in ("old-", "new-"):
        table = pd.read_csv(written(tmp_path / "shop.csv", prefix))
        table.to_parquet(tmp_path / "shop.parquet")
        assert first_item(str(tmp_path / "shop.parquet")).startswith(prefix)


def official(folder: Path, films: range) -> None:
    rows = (f"{u}\t{i}\t5\t{u + 50 * i}\n" for u in range(1, 9) for i in range(1, 9))
    (folder / "u.data").write_text("".join(rows))
    if films:
        (folder / "u.item").write_text("".join(FILM.format(i, i + films.start) for i in films))


def test_titles_that_arrive_or_change_are_read(tmp_path: Path) -> None:
    def title() -> str | None:
        names = prepare("ml_100k", data_dir=str(tmp_path)).interactions.item_names
        return None if names is None else names[0]

    official(tmp_path, range(0))
    assert title() is None
    official(tmp_path, range(1, 9))
    assert title() == "Film 2 (1995)"
    written(tmp_path / "unrelated.csv")
    (tmp_path / "u.item").write_text(FILM.format(1, 7))
    assert title() == "Film 7 (1995)"
    (tmp_path / "ml-100k").mkdir()  # is looked into first
    official(tmp_path / "ml-100k", range(0))
    assert title() is None


def test_the_folder_of_the_environment_may_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, films in (("one", range(1, 9)), ("two", range(3, 9))):
        (tmp_path / name).mkdir()
        official(tmp_path / name, films)
    seen = []
    for name in ("one", "two", "one"):
        monkeypatch.setenv("NEGBENCH_DATA", str(tmp_path / name))
        seen.append(prepare("ml_100k").interactions.item_names)
    assert seen[0] == seen[2] != seen[1]


def test_what_a_plugin_reads_is_read_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_plugins", {})
    path = written(tmp_path / "rows.csv")
    plugin = tmp_path / "mine_here.py"
    plugin.write_text(PLUGIN.format(path=str(path), name="aaa"))
    registry.add_plugin(plugin)
    assert first_item("mine_here").startswith("old-")
    written(path, "new-")
    assert first_item("mine_here").startswith("new-")
    plugin.write_text(PLUGIN.format(path=str(path), name="bbb"))
    registry.refresh()
    assert prepare("mine_here").interactions.name == "bbb"


def test_a_stamp_holds_path_size_times_and_of_small_files_the_content(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert stamp(path) == (str(path),)
    path.write_bytes(b"1")
    one = stamp(path)
    path.write_bytes(b"2")
    assert stamp(path) != one and len(one) == 6 and one[5]
    path.write_bytes(bytes(SMALL + 1))
    assert not stamp(path)[5:][0]
