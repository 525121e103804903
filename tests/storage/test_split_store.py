"""The split that a run keeps once: what comes back, in how small a file, and what is damaged."""

import numpy as np
import pytest

from negbench.storage.integrity import Damaged
from negbench.storage.split_store import path_of, read_split, write_split


def rows(lengths, items):
    return np.array(lengths, np.int64), np.array(items, np.int32)


def test_parts_come_back_in_the_smallest_types(tmp_path):
    parts = {"train": rows([2, 0, 1], [4, 300, 7]), "test": rows([0, 0, 0], [])}
    write_split(tmp_path, "abc", parts)
    kept = read_split(tmp_path, "abc")
    assert list(kept) == ["train", "test"]
    for part, (lengths, items) in kept.items():
        assert lengths.tolist() == parts[part][0].tolist()
        assert items.tolist() == parts[part][1].tolist()
    assert kept["train"][1].dtype == np.uint16 and kept["train"][0].dtype == np.uint8


def test_a_split_is_written_once(tmp_path):
    write_split(tmp_path, "abc", {"train": rows([1], [0])})
    before = path_of(tmp_path, "abc").stat().st_mtime_ns
    write_split(tmp_path, "abc", {"train": rows([1], [0])})
    assert path_of(tmp_path, "abc").stat().st_mtime_ns == before
    assert [path.name for path in (tmp_path / "splits").iterdir()] == ["abc.npz"]


def test_a_damaged_split_is_named(tmp_path):
    write_split(tmp_path, "abc", {"train": rows([1], [0])})
    path_of(tmp_path, "abc").write_bytes(b"PK cut short")
    with pytest.raises(Damaged, match=r"abc\.npz must be whole.*; run it again$"):
        read_split(tmp_path, "abc")
    write_split(tmp_path, "abc", {"train": rows([1], [0])})  # as a run does when it begins
    assert read_split(tmp_path, "abc")["train"][0].tolist() == [1]
