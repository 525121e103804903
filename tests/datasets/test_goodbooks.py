"""The embedded goodbooks, exactly."""

from negbench.data.load import load


def test_goodbooks_is_what_its_notice_says() -> None:
    data = load("goodbooks")
    assert (data.n_users, data.n_items, len(data)) == (5786, 3693, 83_197)
    assert data.order == "rows" and data.times is None and data.truth is None
    assert data.user_ids is not None and data.item_ids is not None
    assert (data.user_ids[0], data.item_ids[data.items[0]]) == (9, 8)  # the first row of the file
    assert data.licence == "CC BY-SA 4.0"


def test_books_have_names_and_texts() -> None:
    data = load("goodbooks")
    assert data.item_names is not None and data.item_texts is not None and data.item_ids is not None
    at = data.item_ids.tolist().index(1)
    assert data.item_names[at] == "The Hunger Games (The Hunger Games, #1)"
    assert data.item_texts[at].startswith(
        "The Hunger Games (The Hunger Games, #1) by Suzanne Collins (2008). contemporary, fantasy"
    )
    assert all(data.item_names) and len(data.item_names) == len(data.item_texts) == 3693


def test_it_is_a_5_core_without_repeats() -> None:
    data = load("goodbooks", k_core=5)
    assert len(data) == 83_197
    assert not any("repeated" in note for note in data.notes)
