from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from negbench.analysis.measures import bands
from negbench.analysis.runs.frames import open_run
from negbench.ops.inequality import gini

threes = st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda x: sum(x) > 1e-6)


def test_gini_by_hand() -> None:
    # |.3-.2| + |.3-.1| + |.2-.1| = .4, twice over pairs, over 2 n sum = 3.6
    assert gini([0.3, 0.2, 0.1]) == pytest.approx(0.8 / 3.6)
    assert bands.balance([0.6, 0.0, 0.0]) == pytest.approx(1 / 3)
    assert np.isnan(bands.balance([0.0, 0.0, 0.0]))
    assert np.isnan(bands.balance([0.1, np.nan, 0.1]))


@given(threes)
def test_gini_equals_the_naive_double_loop(x: list[float]) -> None:
    naive = sum(abs(a - b) for a in x for b in x) / (2 * 9 * (sum(x) / 3))
    assert gini(x) == pytest.approx(naive)


@given(threes)
def test_balance_lies_between_a_third_and_one(x: list[float]) -> None:
    assert 1 / 3 - 1e-9 <= bands.balance(x) <= 1 + 1e-9


@given(threes)
def test_balance_knows_no_order_and_no_scale(x: list[float]) -> None:
    assert np.ptp([bands.balance(list(p)) for p in permutations(x)]) < 1e-9
    assert bands.balance([5 * v for v in x]) == pytest.approx(bands.balance(x))


@given(threes)
def test_balance_is_one_only_if_equal(x: list[float]) -> None:
    assert bands.balance([x[0] + 0.1] * 3) == pytest.approx(1)
    if max(x) - min(x) > 1e-3:
        assert bands.balance(x) < 1 - 1e-6


def test_balance_of_a_run_stands_beside_the_total(folder: Path) -> None:
    frame = bands.bands(open_run(folder))
    books = frame[frame["dataset"] == "books"].set_index(["row", "band"])["mean"]
    assert books["random", "balance"] == pytest.approx(1 - 0.8 / 3.6)
    assert books["popularity", "balance"] == pytest.approx(1 / 3)
    assert books["dns", "balance"] == pytest.approx(1)
    assert books["dns", "all"] == pytest.approx(0.4)
    assert set(frame["band"]) == {"all", "head", "mid", "tail", "balance"}
