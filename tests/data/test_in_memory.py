"""Frames and `Interactions` in Python: what is odd about them is read right, or refused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from negbench.data import in_memory, repeats
from negbench.data.interactions import Csr, Interactions
from negbench.data.load import load
from negbench.data.readers.column_roles import Columns
from negbench.errors import DataError, UserError
from negbench.plugins import registry

FRAME = pd.DataFrame({"user": list("abacb"), "item": [1, 2, 3, 1, 3]})
GIVEN = Interactions("mine", np.array([0, 0, 1]), np.array([0, 1, 2]), 2, 3)


def read(data, **columns):
    with in_memory.holding():
        return in_memory.load(in_memory.hold(data), Columns(**columns))


@pytest.mark.parametrize("kind", ["float16", "float32", "Float32", "category"])
def test_a_rating_of_few_digits_reaches_the_threshold_that_it_is_written_as(kind):
    """0.7 as a float32 is a little less than 0.7."""
    stars = np.array([0.1, 0.7, 0.8, 0.9, 1.0])
    rating = pd.Series(stars.astype(np.float32)).astype("category" if kind == "category" else kind)
    data = read(FRAME.assign(rating=rating), min_rating=0.7)
    assert len(data) == 4
    assert any(note == "1 of 5 rows rated below 0.7 dropped" for note in data.notes)


@pytest.mark.parametrize(
    ("kind", "limit"), [("float16", 11), ("float32", 24), ("Float32", 24), ("float64", 53)]
)
def test_floats_that_do_not_tell_ids_apart_are_refused(kind, limit):
    ids = pd.Series([1.0, 2.0, 3.0, 4.0, float(2**limit)]).astype(kind)
    with pytest.raises(
        DataError, match=rf"row 5: the user {2**limit} is a float beyond 2\^{limit}"
    ):
        read(FRAME.assign(user=ids))
    assert len(read(FRAME.assign(user=pd.Series([1.0, 2, 3, 4, 2**limit - 1]).astype(kind)))) == 5


def test_periods_are_read_as_their_start():
    months = pd.period_range("2020-01", periods=5, freq="M")
    data, dates = read(FRAME.assign(time=months)), read(FRAME.assign(time=months.start_time))
    assert data.times.tolist() == dates.times.tolist() and data.times[0] == 1577836800
    with pytest.raises(DataError, match="row 2: the time is missing"):
        read(FRAME.assign(time=pd.PeriodIndex(["2020-01", None, *months[:3]], freq="M")))


def test_an_index_called_as_a_column_is_that_column_or_refused():
    expected = read(FRAME)
    for frame in (
        FRAME.set_index("user", drop=False),
        FRAME.assign(extra=1).set_index(["user", "extra"]).assign(user=list("abacb")),
        FRAME.set_index(["user", "item"], drop=False),
    ):
        assert read(frame).checksum == expected.checksum
    other = FRAME.set_index("user", drop=False).assign(user=list("xyzxy"))
    with pytest.raises(UserError, match="both are called user; rename one"):
        read(other)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": 3}, "name of Interactions must be a text; got 3"),
        ({"name": "caf\udce9"}, r"name of Interactions must be a text; got 'caf\\udce9'"),
        ({"n_users": "2"}, "n_users of Interactions must be a whole number; mine has '2'"),
        ({"times": [1.0, np.nan, 3.0]}, "times of Interactions must be finite numbers.* has nan"),
        ({"times": np.array(["2020-01-01"] * 3, "datetime64[s]")}, "times of .* has datetime64"),
        ({"order": "time"}, "must be time .where there are times.*'time' and no times"),
        ({"order": "random"}, "order of Interactions must be time .* mine has 'random'"),
        ({"part": np.array([0, 1, 7])}, "part of Interactions must be .* has int64, 7 among them"),
        ({"part": np.zeros(3)}, "part of Interactions must be whole numbers.* mine has float64"),
        ({"item_ids": ["a"]}, "item_ids of Interactions must be one for each id; mine has 1 for 3"),
        ({"user_ids": np.arange(3)}, "user_ids of Interactions must be one for each id"),
        ({"item_names": ("a", "b")}, "item_names of Interactions must be one for each id"),
        ({"item_texts": ("a", None, "c")}, "item_texts .* must be texts; mine has None for item 1"),
        (
            {"disliked": Csr.of([0], [1], n_rows=2, n_columns=5)},
            "disliked of Interactions must be a Csr of its 2 users and 3 items; .* one of 2 and 5",
        ),
        ({"truth": np.eye(2)}, "truth of Interactions must be a Csr .* one of a ndarray"),
        (
            {"disliked": Csr.of([0], [1], n_rows=2, n_columns=3), "disliked_times": np.zeros(2)},
            "disliked_times of Interactions must be one a pair of disliked",
        ),
        ({"unchosen_times": np.zeros(2)}, "unchosen_times of Interactions must be one a pair"),
    ],
)
def test_interactions_that_contradict_themselves_are_refused(wrong, sentence):
    with pytest.raises(DataError, match=sentence):
        read(replace(GIVEN, **wrong))


def test_interactions_of_lists_are_as_those_of_arrays():
    listed = replace(GIVEN, item_ids=list("xyz"), item_names=list("abc"), n_users=np.int64(2))
    data = read(listed)
    assert data.item_ids.dtype == object and data.item_ids.tolist() == list("xyz")
    assert data.item_names == ("a", "b", "c") and data.checksum == GIVEN.checksum
    timed = read(replace(GIVEN, times=[3.0, 1.0, 2.0], order="time"))
    assert timed.times.tolist() == [3.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("gives", "sentence"),
    [
        ("pd.DataFrame({'user': [1]})", "must be Interactions; shop.load gave a DataFrame; make"),
        ("None", "a data set must be Interactions; shop.load gave None"),
        ("Interactions('shop', np.array([0, 5]), np.array([0, 1]), 2, 2)", "below n_users; shop"),
        (
            "Interactions('shop', np.array([0, 1]), np.array([0, 1]), 2, 2, item_texts=('a',))",
            "item_texts of Interactions must be one for each id",
        ),
    ],
)
def test_what_a_plugin_loads_is_checked_too(gives, sentence, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_plugins", {})
    (tmp_path / "shop.py").write_text(
        '"""A shop."""\nfrom dataclasses import dataclass\n'
        "import numpy as np\nimport pandas as pd\n"
        "from negbench.protocol import Card, Interactions\n"
        'CARD = Card(title="Shop", family="clicks", provenance="ours")\n'
        "@dataclass(frozen=True)\nclass Config:\n    pass\n"
        f"def load(config, cache):\n    return {gives}\n"
    )
    registry.add_plugin(tmp_path / "shop.py")
    with pytest.raises(DataError, match=sentence):
        load("shop")


def test_a_pair_that_comes_again_counts_once_unless_repeats_are_kept():
    """A pair that were twice in a test part would have an NDCG above 1."""
    twice = replace(
        GIVEN,
        users=np.array([0, 0, 1, 0]),
        items=np.array([0, 1, 2, 0]),
        times=np.array([5.0, 6.0, 7.0, 1.0]),
        part=np.array([0, 0, 2, 0], np.int8),
        order="time",
    )
    data = read(twice)
    assert data.items.tolist() == [1, 2, 0] and data.times.tolist() == [6.0, 7.0, 1.0]
    assert data.part.tolist() == [0, 2, 0]
    assert data.notes == ("1 repeated (user, item) pairs dropped, the earliest kept",)
    across = replace(twice, times=None, part=np.array([0, 0, 2, 2], np.int8), order="rows")
    assert read(across).notes == ("1 pair of test is in train too and kept in train alone",)
    with repeats.reading("keep"):
        assert len(read(twice)) == 4 and not read(twice).notes
    assert read(GIVEN).notes == ()
