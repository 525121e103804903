"""Features: codes by hand, rows taken by id against a naive twin, and what their hash sees."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from negbench.data.features import Categorical, Features, Numeric
from negbench.data.in_memory import hold, holding, load
from negbench.data.interactions import Interactions
from negbench.data.k_core import k_core
from negbench.errors import DataError

CELLS = [["b", "a"], [], ["c", "b", "b"]]
COLUMNS = Features((Categorical.of("tags", CELLS),), (Numeric("size", np.array([1.0, 2.0, 3.0])),))


def values(features: Features) -> list[tuple[list[str], float]]:
    """The words of the first column and the number of the first, id by id."""
    tags, size = features.categorical[0], features.numeric[0]
    words = [[tags.vocabulary[c] for c in tags.codes.row(r)] for r in range(len(features))]
    return list(zip(words, size.values.tolist(), strict=True))


def test_codes_count_the_sorted_values_and_a_value_counts_once_an_id() -> None:
    column = Categorical.of("tags", CELLS)
    assert column.vocabulary == ("a", "b", "c")
    assert [column.codes.row(r).tolist() for r in range(3)] == [[1, 0], [], [2, 1]]
    assert str(COLUMNS) == "tags categorical (3 values, up to 2 each), size numeric"


WORDS = st.lists(st.lists(st.sampled_from("abcd"), max_size=4), min_size=1, max_size=8)


@given(WORDS, st.data())
def test_rows_are_taken_by_id(cells: list[list[str]], data: st.DataObject) -> None:
    n = len(cells)
    numbers = np.arange(n, dtype=float)
    features = Features((Categorical.of("x", cells),), (Numeric("y", numbers),))
    wanted = data.draw(st.lists(st.integers(0, n + 2), max_size=12))
    taken = features.of_ids(range(n), wanted)
    for at, (words, number) in zip(wanted, values(taken), strict=True):
        assert words == (list(dict.fromkeys(cells[at])) if at < n else [])
        assert number == at if at < n else np.isnan(number)


def test_one_and_its_text_are_one_id_and_the_last_row_of_an_id_counts() -> None:
    taken = COLUMNS.of_ids([7, "8", 7], ["7", 8])
    assert values(taken) == [(["c", "b"], 3.0), ([], 2.0)]


def test_the_hash_sees_values_names_and_rows() -> None:
    other = [
        COLUMNS.take(np.array([0, 2, 1])),
        Features((Categorical.of("tag", CELLS),), COLUMNS.numeric),
        Features((Categorical.of("tags", [["d", "a"], *CELLS[1:]]),), COLUMNS.numeric),
        Features(COLUMNS.categorical, (Numeric("size", np.array([1.0, 2.0, 4.0])),)),
        Features(COLUMNS.categorical),
    ]
    assert len({each.digest for each in [COLUMNS, *other]}) == 6
    assert COLUMNS.take(np.arange(3)).digest == COLUMNS.digest


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        (((), ()), "columns of different names"),
        (((Categorical.of("x", [[]]),), (Numeric("x", np.zeros(1)),)), "different names"),
        (((Categorical.of("x", [[]]),), (Numeric("y", np.zeros(2)),)), "equally long"),
        (((), (Numeric("y", np.array([np.inf])),)), "y is not"),
    ],
)
def test_columns_that_do_not_fit_are_refused(columns, why) -> None:
    with pytest.raises(DataError, match=why):
        Features(*columns)


def test_a_k_core_keeps_the_features_of_who_is_left() -> None:
    users, items = np.array([0, 0, 1, 2, 2]), np.array([0, 2, 1, 0, 2])
    data = Interactions("toy", users, items, 3, 3, user_features=COLUMNS, item_features=COLUMNS)
    core = k_core(data, 2)  # user 1 and item 1 go
    for features in (core.user_features, core.item_features):
        assert features is not None
        assert values(features) == [(["b", "a"], 1.0), (["c", "b"], 3.0)]


def test_interactions_in_python_need_a_row_for_each_id() -> None:
    data = Interactions("toy", np.arange(4), np.arange(4), 4, 4, item_features=COLUMNS)
    with holding(), pytest.raises(DataError, match="3 rows for 4"):
        load(hold(data))
