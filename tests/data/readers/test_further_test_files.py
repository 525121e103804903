"""Folders with several test files: one is ranked, and the choice is asked for or noted."""

from pathlib import Path

import pytest

from negbench.data.interactions import Interactions
from negbench.data.load import load
from negbench.data.readers.column_roles import Columns
from negbench.data.readers.user_files import read
from negbench.errors import UserError
from negbench.scenario.splits import split


def folder(path: Path, **texts: str) -> Path:
    """A folder of lists: `train` is train.txt."""
    path.mkdir()
    for name, text in {"train": "0 5 6\n1 5\n2 7\n", "valid": "0 7\n"}.items():
        (path / f"{name}.txt").write_text(text)
    for name, text in texts.items():
        (path / f"{name}.txt").write_text(text)
    return path


def ranked(data: Interactions) -> list[tuple[object, object]]:
    """The test pairs of a folder, as written in it."""
    assert data.part is not None and data.user_ids is not None and data.item_ids is not None
    test = data.part == 2
    users, items = data.user_ids[data.users[test]], data.item_ids[data.items[test]]
    return list(zip(users.tolist(), items.tolist(), strict=True))


def test_a_folder_whose_one_test_file_has_another_name_is_read(tmp_path: Path) -> None:
    """The layout of AdvInfoNCE's Coat and KuaiRec: train.txt, valid.txt and test_ood.txt."""
    data = read(folder(tmp_path / "x", test_ood="1 6\n2 5\n"))
    assert ranked(data) == [("1", "6"), ("2", "5")]
    assert any("already split: train.txt, valid.txt, test_ood.txt" in each for each in data.notes)
    parts = split(data)
    assert (len(parts.train), len(parts.valid), len(parts.test)) == (4, 1, 2)


@pytest.mark.parametrize("word", ["test_ood", "test_ood.txt"])
def test_beside_a_test_file_the_other_is_ranked_if_asked_for_and_noted_if_not(
    tmp_path: Path, word: str
) -> None:
    home = folder(tmp_path / "x", test="1 7\n", test_ood="1 6\n2 5\n")
    plain, other = read(home), read(home, Columns(test_file=word))
    assert ranked(plain) == [("1", "7")] and ranked(other) == [("1", "6"), ("2", "5")]
    left = "test is test.txt; not read: test_ood.txt (--test-file test_ood would rank test_ood.txt"
    assert any(left in note for note in plain.notes)
    assert any("test is test_ood.txt; not read: test.txt" in note for note in other.notes)
    assert plain.checksum != other.checksum  # cells of the one are none of the other


def test_of_several_other_names_one_must_be_chosen(tmp_path: Path) -> None:
    home = folder(tmp_path / "x", test_ood_1="1 6\n", test_ood_2="2 5\n")
    with pytest.raises(UserError) as caught:
        read(home)
    assert str(caught.value) == (
        f"{home}: test_ood_1.txt and test_ood_2.txt could each be the test part; say which with"
        " --test-file test_ood_1"
    )
    assert ranked(load(str(home), columns=Columns(test_file="test_ood_2"))) == [("2", "5")]


def test_a_word_that_is_no_test_file_is_refused(tmp_path: Path) -> None:
    home = folder(tmp_path / "x", test="1 7\n", test_ood="1 6\n")
    for word in ("ood", "train"):
        with pytest.raises(UserError, match=r"must name one of the test files there \(test\.txt, "):
            read(home, Columns(test_file=word))
    with pytest.raises(UserError, match="names a file of a folder of data and this is a file"):
        read(home / "train.txt", Columns(test_file="test_ood"))


def test_sequences_and_tables_of_recbole_have_the_same_choice(tmp_path: Path) -> None:
    home = tmp_path / "x"
    home.mkdir()
    for name, pair in {"train": "a\tx\nb\ty", "test": "a\ty", "test_ood": "b\tx"}.items():
        (home / f"c.{name}.inter").write_text(f"user_id:token\titem_id:token\n{pair}\n")
    assert ranked(read(home)) == [("a", "y")]
    assert ranked(read(home, Columns(test_file="test_ood"))) == [("b", "x")]
    lines = folder(tmp_path / "y", test="7 5 6\n", test_ood="6 5 7\n")
    chosen = read(lines, Columns(layout="sequences", test_file="test_ood"))
    assert [item for _, item in ranked(chosen)] == ["7"]
    assert any("test is test_ood.txt; not read: test.txt" in note for note in chosen.notes)


def test_a_list_of_items_that_are_not_ranked_is_not_followed_and_that_is_noted(
    tmp_path: Path,
) -> None:
    home = folder(tmp_path / "x", test_ood="1 6\n", not_candidate="5\n7\n")
    assert any("not_candidate.txt is not read: all items" in note for note in read(home).notes)
