"""Bands: hand-made counts, a naive twin, and sizes that add up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from negbench.data.interactions import Csr
from negbench.errors import UserError
from negbench.scenario.popularity_bands import Bands


def test_thirds_of_the_mass_by_hand() -> None:
    # F = 30, in falling order: 9 (9), 6 (15), 5 (20), 4 (24), 3 (27), 3 (30)
    bands = Bands.of([3, 9, 5, 6, 3, 4])
    assert bands.rule == "mass:1/3,2/3" and bands.names == ("head", "mid", "tail")
    assert bands.labels.tolist() == [2, 0, 2, 1, 2, 2]  # 20 is not below 2 F / 3
    assert bands.sizes == {"head": 1, "mid": 1, "tail": 4}
    assert bands.labels.dtype == np.int8 and not bands.labels.flags.writeable


def naive_mass(counts: list[int], thirds: tuple[int, int], parts: int) -> list[int]:
    labels, running = [0] * len(counts), 0
    for item in sorted(range(len(counts)), key=lambda i: (-counts[i], i)):
        running += counts[item]
        labels[item] = sum(running * parts >= sum(counts) * cut for cut in thirds)
    return labels


@given(st.lists(st.integers(0, 20), min_size=1, max_size=40))
def test_mass_against_its_naive_twin(counts: list[int]) -> None:
    assert Bands.of(counts).labels.tolist() == naive_mass(counts, (1, 2), 3)
    assert Bands.of(counts, "mass:0.2,0.5").labels.tolist() == naive_mass(counts, (2, 5), 10)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=40))
def test_a_more_met_item_is_never_in_a_lower_band(counts: list[int]) -> None:
    for rule in ("mass", "items", "count", "mass:0.8", "count:7"):
        labels = Bands.of(counts, rule).labels
        ordered = labels[np.argsort(-np.array(counts), kind="stable")]
        assert (np.diff(ordered) >= 0).all()


def test_other_rules_by_hand() -> None:
    counts = [50, 49, 5, 4, 0]
    assert Bands.of(counts, "count:5,50").labels.tolist() == [0, 1, 1, 2, 2]
    assert Bands.of(counts, "items:0.2,0.8").labels.tolist() == [0, 1, 1, 1, 2]
    assert Bands.of([1, 2, 3, 4, 5], "items:0.2,0.8").labels.tolist() == [2, 1, 1, 1, 0]
    two = Bands.of(counts, "mass:0.8")
    assert two.names == ("head", "tail") and two.labels.tolist() == [0, 1, 1, 1, 1]


def test_rows_of_a_part() -> None:
    test = Csr.of([0, 0, 1], [0, 1, 1], n_rows=2, n_columns=3)
    bands = Bands.of([9, 2, 1], "count:2,5")
    assert bands.rows(test) == {"head": 1, "mid": 2, "tail": 0}


def test_long_decimals_do_not_overflow() -> None:
    counts = np.full(1000, 10_000_000)
    bands = Bands.of(counts, "mass:0.33333333333333331,0.66666666666666663")
    assert bands.sizes == {"head": 333, "mid": 333, "tail": 334}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("mas:1/3", "did you mean mass"),
        ("mass:2/3,1/3", "rising cuts"),
        ("mass:0.5,0.5", "rising cuts"),
        ("count:0", "above 0"),
        ("count:-1,5", "above 0"),
        ("mass:0.1,0.2,0.3", "one or two"),
        ("items:0,1", "between 0 and 1"),
        ("mass:5,50", "between 0 and 1"),
        ("mass:x", "takes numbers"),
    ],
)
def test_mistakes_are_one_sentence(rule: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        Bands.of([1, 2, 3], rule)


def test_weak_bands_are_named_with_their_numbers() -> None:
    counts = np.r_[np.full(30, 1000), np.full(970, 1)]
    assert Bands.of(counts, "count:5,50").notes == (
        "weak bands: tail holds 97 % of the items (970 of 1,000), so its figures are nearly those "
        "of all items; --bands divides them otherwise.",
        "weak bands: fewer than 20 items in mid 0 (of 1,000 items): figures of so few items are no "
        "finding.",
    )
    assert Bands.of(np.arange(100), "items:0.2,0.8").notes == ()
    (few,) = Bands.of(np.arange(99), "items:0.2,0.8").notes
    assert "fewer than 20 items in head 19 (of 99 items)" in few
    assert not any("nearly" in note for note in Bands.of(np.arange(100), "items:0.9").notes)
    assert any("nearly" in note for note in Bands.of(np.arange(100), "items:0.91").notes)
