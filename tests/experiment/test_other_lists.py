"""Lists of others on the numbers of the data: what does not fit is counted and takes no place."""

import pytest

from negbench.data.readers.column_roles import Columns
from negbench.errors import DataError, UserError
from negbench.experiment.finished.audit import Audit, Lists
from negbench.experiment.finished.other_lists import longest, match, read_data

TRAIN = "user,item\n" + "".join(f"u{u},i{(u + j) % 8}\n" for u in range(6) for j in range(3))
TEST = "user,item\n" + "".join(f"u{u},i{(u + 3) % 8}\n" for u in range(6))


@pytest.fixture
def data(tmp_path):
    (tmp_path / "train.csv").write_text(TRAIN)
    (tmp_path / "test.csv").write_text(TEST)
    return read_data(tmp_path / "train.csv", tmp_path / "test.csv", Columns())


def matched(tmp_path, data, text, k=3, name="lists.csv"):
    path = tmp_path / name
    path.write_text(text)
    users = data.parts["profiles"].lengths.nonzero()[0]
    return match(path, data.ids, data.parts["seen"], users, k)


def titles(data, tops):
    return [[data.ids["items"][item] if item >= 0 else "" for item in top] for top in tops]


def test_train_and_test_are_read_as_one_data_set(data):
    assert len(data.parts["train"]) == 18 and len(data.parts["test"]) == 6
    assert data.ids["users"] == [f"u{u}" for u in range(6)] and len(data.ids["items"]) == 8


def test_what_does_not_fit_is_counted_and_moves_nothing_up(tmp_path, data):
    text = "user,item,rank\nu0,i5,1\nu0,new,2\nu0,i6,3\nu0,i7,4\nu1,i5,1\nu1,i5,2\nu1,i1,3\n"
    text += "u2,i7,1\nghost,i7,1\n"
    lists = matched(tmp_path, data, text)
    assert titles(data, lists.tops) == [["i5", "", "i6"], ["i5", "", "i1"], ["i7", "", ""]]
    notes = "\n".join(lists.notes)
    assert "1 user has a list and is not in train" in notes
    assert "1 place of 9 hold an item that train and test do not know" in notes
    assert "1 place repeat an item of the same list" in notes
    assert "3 lists of 3 hold fewer than 3 items" in notes
    assert "3 users have no list, of 6" in notes
    assert "1 place of 5 hold an item of the user's own history" in notes


def test_ids_of_a_trec_file_may_be_written_as_in_a_url(tmp_path):
    (tmp_path / "train.csv").write_text("user,item\nu 1,i%1\nu 1,b\nu 2,b\n")
    data = read_data(tmp_path / "train.csv", None, Columns())
    text = "u%202 Q0 i%251 1 1.0 x\n"
    lists = matched(tmp_path, data, text, name="lists.trec")
    assert titles(data, lists.tops) == [["i%1", "", ""]] and len(lists.users) == 1


def test_lists_of_other_ids_are_refused(tmp_path, data):
    with pytest.raises(UserError, match="must have the item ids of the train pairs"):
        matched(tmp_path, data, "user,item\nu0,x1\nu1,x2\nu2,i7\n")
    with pytest.raises(UserError, match="spelling|must have the user ids"):
        matched(tmp_path, data, "user,item\nU0,i5\nU1,i6\n")


def test_the_longest_list(tmp_path, data):
    (tmp_path / "l.csv").write_text("user,item\nu0,i5\nu0,i6\nu1,i7\n")
    assert longest(tmp_path / "l.csv") == 2


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"run": None}, "needs a run's folder"),
        ({"run": None, "lists": Lists(("l.csv",))}, "add --train FILE"),
        ({"run": "r", "lists": Lists(("l.csv",), "t.csv")}, "leave them out"),
        ({"run": "r", "group": "genre"}, "add --items FILE"),
    ],
)
def test_inputs_that_do_not_go_together(more, words):
    with pytest.raises(UserError, match=words):
        Audit(**more)


def test_a_train_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="--train"):
        read_data(tmp_path / "no.csv", None, Columns())
