"""Tables of items: titles and columns by id."""

import pytest

from negbench.data.readers.item_table import read_item_table
from negbench.errors import DataError, UserError


def table(tmp_path, text, name="items.csv"):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return read_item_table(path)


def test_titles_and_columns_stand_in_the_order_of_the_data(tmp_path):
    items = table(tmp_path, 'Title,item_id,Genre\n"Eat, Pray",7,war|art\nÜber,8,\n')
    assert items.titles(["8", 7]) == ["Über", "Eat, Pray"]
    assert items.column("genre", ["8", "7", "9"]) == ["", "war|art", ""]


def test_without_a_usual_name_the_first_column_is_the_id(tmp_path):
    items = table(tmp_path, "key\tkind\n1\ta\n2\tb\n", "items.tsv")
    assert items.column("kind", [2, 1]) == ["b", "a"] and items.titles([1]) == []


def test_mistakes(tmp_path):
    items = table(tmp_path, "item,genre\n1,a\n2,b\n")
    with pytest.raises(UserError, match=r"--group .* got 'genr'; did you mean genre"):
        items.column("genr", [1])
    with pytest.raises(UserError, match="it knows 1 of 3"):
        items.column("genre", [1, 8, 9])
    with pytest.raises(DataError, match="item 1 has several"):
        table(tmp_path, "item,genre\n1,a\n1,b\n")
    with pytest.raises(DataError, match="not there"):
        read_item_table(tmp_path / "no.csv")


def test_between_tabs_a_quote_is_a_letter_but_for_those_around_a_field(tmp_path):
    """A title that begins with a quote took the rows up to the next one."""
    rows = ['1\t"7 inch\trock', "2\tB\tpop", '3\tD 12"\tfolk', '"4"\t"The ""E"""\tjazz']
    items = table(tmp_path, "\n".join(["item_id\ttitle\tgenre", *rows, ""]), "items.tsv")
    assert items.titles([1, 2, 3, 4]) == ['"7 inch', "B", 'D 12"', 'The "E"']
    assert items.column("genre", [1, 2, 3, 4]) == ["rock", "pop", "folk", "jazz"]
