"""Ratings without a least rating: one loud line, with the shares that thresholds would keep."""

import numpy as np
import pytest

from negbench.data.number_words import counted, percent
from negbench.data.rating_scale import every_rating_counts

NAN = float("nan")


@pytest.mark.parametrize(
    ("ratings", "proposed"),
    [
        (
            [0.5] * 9 + [3] * 36 + [4] * 33 + [5] * 22,
            "4 would keep 55 % of the rows, 3 91 %, 5 22 %",
        ),
        ([1, 2, 3, 4, 5], "4 would keep 40 % of the rows, 3 60 %, 5 20 %"),
        (list(range(1, 11)), "8 would keep 30 % of the rows, 6 50 %, 10 10 %"),
        ([0, 1, 1, 1], "1 would keep 75 % of the rows"),
        ([-10, -2, 0, 3, 5, 10], "5 would keep 33 % of the rows, 0 67 %, 10 17 %"),
        ([1, 2, 3, 4, 5, NAN, NAN], "4 would keep 40 % of the 5 rated rows, 3 60 %, 5 20 %"),
        ([1] * 40 + [2] * 30 + [9] * 29 + [5000], "2 would keep 60 % of the rows, 9 30 %"),
        ([1] * 99 + [5000], "5000 would keep 1 % of the rows"),
    ],
)
def test_thresholds_of_the_scale_that_is_seen(ratings: list[float], proposed: str) -> None:
    (note,) = every_rating_counts(np.array(ratings, float))
    assert note.startswith("RATINGS: no --min-rating, so every row counts as liked, one rated ")
    assert note.endswith(f"; --min-rating {proposed}"), note


def test_ratings_that_tell_nothing() -> None:
    assert every_rating_counts(np.array([NAN, NAN])) == ()
    (note,) = every_rating_counts(np.array([1.0, 1.0, NAN]))
    assert note == "every rating is 1, so every row counts as liked"


def test_numbers_in_sentences() -> None:
    assert [percent(n, 1000) for n in (0, 1, 10, 545, 994, 999, 1000)] == [
        "0 %",
        "under 1 %",
        "1 %",
        "54 %",
        "over 99 %",
        "over 99 %",
        "100 %",
    ]
    assert (counted(1, "pair"), counted(2000, "pair")) == ("1 pair", "2,000 pairs")
