"""Sequence files of a split by users: targets, histories, names of users, and what is refused."""

from pathlib import Path

import pytest

from negbench.data import repeats
from negbench.data.interactions import Interactions
from negbench.data.load import load
from negbench.data.readers.column_roles import Columns
from negbench.data.readers.split_sequences import read_number_lines, users_apart
from negbench.errors import DataError
from negbench.scenario.splits import split


def read(folder: Path, **texts: str) -> Interactions:
    """The files of these texts by their part."""
    files = {word: folder / f"{word}.txt" for word in texts}
    for word, path in files.items():
        path.write_text(texts[word])
    rows = {word: read_number_lines(path) for word, path in files.items()}
    return users_apart(rows, files, name="toy")


def lines(data: Interactions) -> list[tuple[str, int, int]]:
    assert data.user_ids is not None and data.item_ids is not None and data.part is not None
    users, items = data.user_ids[data.users], data.item_ids[data.items]
    return [(u, i, int(part)) for u, i, part in zip(users, items, data.part, strict=True)]


def test_the_last_item_of_a_held_out_line_is_the_target(tmp_path: Path) -> None:
    data = read(tmp_path, train="1 2 3\n2 1\n", valid="3 1\n", test="2 3 1\n\n3 2\n")
    assert lines(data) == [
        ("train:1", 1, 0),
        ("train:1", 2, 0),
        ("train:1", 3, 0),
        ("train:2", 2, 0),
        ("train:2", 1, 0),
        ("valid:1", 3, 3),
        ("valid:1", 1, 1),
        ("test:1", 2, 3),
        ("test:1", 3, 3),
        ("test:1", 1, 2),
        ("test:3", 3, 3),
        ("test:3", 2, 2),
    ]
    assert data.order == "rows" and data.n_users == 5
    (note,) = data.notes
    assert "train.txt, valid.txt, test.txt" in note and "users are named by file and line" in note


def test_valid_may_be_missing_and_items_are_numbers(tmp_path: Path) -> None:
    data = read(tmp_path, train="7 8\n", test="8 07\n")
    assert data.item_ids is not None and data.item_ids.tolist() == [7, 8]
    assert data.part is not None and data.part.tolist() == [0, 0, 3, 2]


def test_a_repeat_at_the_end_is_no_target_and_is_counted(tmp_path: Path) -> None:
    data = read(tmp_path, train="1 2 3\n", test="1 2 1\n2 3 3\n3 2 1\n")
    held = [line for line in lines(data) if line[0].startswith("test")]
    assert held[:4] == [
        ("test:1", 1, 3),
        ("test:1", 2, 2),
        ("test:2", 2, 3),
        ("test:2", 3, 2),
    ]
    assert any("2 repeated (user, item) rows dropped" in note for note in data.notes)
    assert any("2 held-out users end with an item met before" in note for note in data.notes)


def test_a_held_out_user_of_one_item_is_not_ranked_and_is_counted(tmp_path: Path) -> None:
    data = read(tmp_path, train="1 2\n", test="1\n1 2\n")
    assert [part for user, _, part in lines(data) if user == "test:1"] == [3]
    assert any("1 held-out user has a single item, so no history" in note for note in data.notes)


def test_a_folder_of_the_users_own(tmp_path: Path) -> None:
    for word, text in {"train": "a b c\nb a\n", "validation": "c a\n", "test": "c b a\n"}.items():
        (tmp_path / f"shop.{word}.txt").write_text(text)
    data = load(str(tmp_path), columns=Columns(layout="sequences"))
    assert data.part is not None and data.part.tolist() == [0] * 5 + [3, 1, 3, 3, 2]
    parts = split(data)
    assert (parts.rule, parts.order) == ("files", "rows") and parts.fold_in is not None
    assert parts.fold_in.lengths.tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"train": "1 2\n"}, "needs a test file"),
        ({"test": "1 2\n"}, "needs a train file"),
        ({"train": "\n", "test": "1 2\n"}, "train.txt holds no sequence"),
        ({"train": "1 2\n3 x\n", "test": "1 2\n"}, "train.txt, line 2: 'x' must be a number"),
    ],
)
def test_mistakes_are_one_sentence(tmp_path: Path, texts: dict[str, str], words: str) -> None:
    with pytest.raises(DataError) as error:
        read(tmp_path, **texts)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_a_kept_repeat_at_the_end_is_the_target_and_no_other_is_spoken_of(tmp_path: Path) -> None:
    with repeats.reading("keep"):
        data = read(tmp_path, train="1 2 3\n", test="1 2 1\n")
    assert lines(data)[3:] == [("test:1", 1, 3), ("test:1", 2, 3), ("test:1", 1, 2)]
    assert not any("met before" in note for note in data.notes)
