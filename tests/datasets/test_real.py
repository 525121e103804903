"""Loaders of official layouts on the real files, where this machine has them."""

from pathlib import Path

import pytest

from negbench.data.load import load

COUNTS = {
    "ml_100k": (942, 1447, 55_375),
    "ml_100k(min_rating=1)": (943, 1682, 100_000),
    "ml_latest_small(min_rating=0)": (671, 9066, 100_004),
    "ml_1m_sasrec": (6040, 3416, 999_611),
    "video": (31_013, 23_715, 287_107),
    "gowalla": (29_858, 40_981, 1_027_370),
    "lastfm": (1892, 17_632, 92_834),
    "coat": (290, 300, 2674),
}


@pytest.mark.parametrize("text", COUNTS)
def test_counts_are_the_published_ones(shared: Path, text: str) -> None:
    data = load(text, data_dir=shared)
    assert (data.n_users, data.n_items, len(data)) == COUNTS[text]


@pytest.mark.parametrize("text", ["ml_100k", "ml_1m_sasrec", "video"])
def test_official_bytes_are_known_as_such(shared: Path, text: str) -> None:
    assert not any("differs" in note for note in load(text, data_dir=shared).notes)


def test_the_rebuilt_gowalla_is_known_as_another_file(shared: Path) -> None:
    data = load("gowalla", data_dir=shared)
    assert data.part is not None and (data.part == 0).sum() == 810_128
    differing = [note for note in data.notes if "differs from the official file" in note]
    assert len(differing) == 1 and differing[0].startswith("train.txt")


def test_coat_knows_its_random_cells(shared: Path) -> None:
    data = load("coat", data_dir=shared)
    assert data.truth is not None and data.judged is not None and data.part is not None
    assert (len(data.truth), len(data.judged), (data.part == 0).sum()) == (860, 4640, 1905)


def test_jester_knows_all_of_1422_people(shared: Path) -> None:
    data = load("jester", data_dir=shared)
    assert data.truth is not None and (data.n_users, len(data.truth)) == (1422, 40_591)


def test_ml_100k_titles(shared: Path) -> None:
    data = load("ml_100k", data_dir=shared)
    assert data.item_ids is not None and data.item_texts is not None
    text = data.item_texts[data.item_ids.tolist().index(1)]
    assert text == "Toy Story (1995). Animation, Children's, Comedy"
