"""Coat: 290 people rated 24 coats they chose and 16 drawn for them at random, of 300.

Official layout: `train.ascii` (chosen) and `test.ascii` (random), matrices 290 x 300 of 0 .. 5, 0
for not rated. A positive is a rating of at least `min_rating`. Only the random cells are `judged`:
they are an unbiased sample of all cells, and `truth` is what is relevant among them. So the test is
an unbiased one, of random exposure: nobody chose what was shown in it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from negbench.data.download.file_cache import DatasetFiles, FileCache
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Csr, Interactions
from negbench.data.readers.adjacency_lists import read_matrix
from negbench.errors import DataError
from negbench.plugins.card import Card

CARD = Card(
    title="Coat Shopping (unbiased test: random exposure)",
    family="judged",
    authors="Tobias Schnabel, Adith Swaminathan, Ashudeep Singh, Navin Chandak and Thorsten"
    " Joachims",
    year=2016,
    venue="ICML",
    link="https://www.cs.cornell.edu/~schnabts/mnar/",
    paper="Recommendations as Treatments: Debiasing Learning and Evaluation",
    provides=("part", "truth"),
    terms="no licence is stated; published for research, cite Schnabel et al. 2016",
    size="290 x 300; 6,960 chosen and 4,640 random ratings",
)

FILES = DatasetFiles(
    folders=("coat",),
    files=("train.ascii", "test.ascii"),
    downloads=(Download("coat.zip", ("https://www.cs.cornell.edu/~schnabts/mnar/coat.zip",)),),
    terms=CARD.terms,
)


@dataclass(frozen=True)
class Config:
    """What counts as a positive."""

    min_rating: float = 4.0
    """Least rating, of 1 to 5."""


def load(config: Config, cache: FileCache) -> Interactions:
    """Chosen positives as train, random ones as test; a cell in both counts in train only.

    Raises DataError if the two matrices are no ratings of one shape, or one has no positive.
    """
    local = cache.find(FILES)
    chosen = read_matrix(local["train.ascii"])
    random = read_matrix(local["test.ascii"])
    if chosen.shape != random.shape:
        raise DataError(
            f"coat: both matrices must have one shape; got {chosen.shape} and {random.shape}"
        )
    for name, matrix in (("train", chosen), ("test", random)):
        if matrix.max() > 5:
            raise DataError(f"coat: ratings must be 0 to 5; {name}.ascii holds {matrix.max()}")
    liked = chosen >= config.min_rating
    tested = (random >= config.min_rating) & ~liked
    if not (liked.any() and tested.any()):
        raise DataError(f"coat: a file has no rating of {config.min_rating:g} or more of its own")
    both = int(((random >= config.min_rating) & liked).sum())
    users, items = np.concatenate([np.argwhere(liked), np.argwhere(tested)]).T
    return Interactions(
        name="coat",
        users=users,
        items=items,
        n_users=chosen.shape[0],
        n_items=chosen.shape[1],
        part=np.repeat(np.array([0, 2], np.int8), [liked.sum(), tested.sum()]),
        truth=_cells(random >= config.min_rating),
        judged=_cells(random > 0),
        judged_at_random=True,
        source=CARD.link,
        notes=(
            *local.notes,
            f"a positive is a rating of at least {config.min_rating:g}",
            "train: chosen by the people; test: of coats shown at random",
            f"{both} positives in both files are kept in train only",
        ),
    )


def _cells(matrix: NDArray[np.bool_]) -> Csr:
    rows, columns = np.nonzero(matrix)
    return Csr.of(rows, columns, n_rows=matrix.shape[0], n_columns=matrix.shape[1])
