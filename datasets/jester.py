"""Jester: people who rated all of 100 jokes, so that every preference is known.

Official layout: `jester-data-1` .. `-3`, a row per person: how many were rated, then 100 ratings in
-10 .. 10, 99 for not rated; as `.xls` (needs xlrd) or exported to `.csv`. Only people who rated
every joke are kept. A positive is a rating of at least `min_rating`; all positives are the `truth`,
and a share `observed` of them, drawn evenly, is what a model may learn from: a SIMULATED exposure.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.download.file_cache import DatasetFiles, FileCache, LocalFiles
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Csr, Interactions
from negbench.data.readers.typed_tables import Kind, read_columns
from negbench.errors import DataError, UserError
from negbench.ops.rng import numpy_stream
from negbench.plugins.card import Card

CARD = Card(
    title="Jester (people who rated all jokes; simulated exposure)",
    family="judged",
    authors="Ken Goldberg, Theresa Roeder, Dhruv Gupta and Chris Perkins",
    year=2001,
    venue="Information Retrieval",
    link="https://eigentaste.berkeley.edu/dataset/",
    paper="Eigentaste: A Constant Time Collaborative Filtering Algorithm",
    provides=("truth",),
    terms="research use; cite Goldberg et al. 2001",
    size="100 jokes; 7,200 people of jester-data-1 rated them all",
)

JOKES = 100
TABLE = "jester-data.csv"
SHEET = "jester-data-1.xls"
AT_HAND = DatasetFiles(folders=("jester", "jester5k"), files=(TABLE,), terms=CARD.terms)
FILES = DatasetFiles(
    folders=("jester",),
    files=(SHEET,),
    downloads=(
        Download(
            "jester_dataset_1_1.zip",
            (
                "https://eigentaste.berkeley.edu/dataset/jester_dataset_1_1.zip",
                "https://web.archive.org/web/20250409222630id_/"
                "https://eigentaste.berkeley.edu/dataset/jester_dataset_1_1.zip",
            ),
            # As several projects pin it; the authors publish none.
            "sha256:cb7841756ded125b15f3d95c9f8241224065e96354c132a46ae4214deeab7615",
            4_171_628,
        ),
    ),
    terms=CARD.terms,
)


@dataclass(frozen=True)
class Config:
    """What counts as a positive, and how much of it is observed."""

    min_rating: float = 5.0
    """Least rating, of -10 to 10."""
    observed: float = 0.5
    """Share of the positives that a model may see, above 0 and below 1."""
    seed: int = 0
    """Which of them."""

    def __post_init__(self) -> None:
        """Check the range; raises ValueError for a share that leaves no train or no test pairs."""
        if not 0 < self.observed < 1:
            raise ValueError(f"observed must be above 0 and below 1; got {self.observed}")


def load(config: Config, cache: FileCache) -> Interactions:
    """A random share of each user's positives as interactions, and all of them as truth.

    Raises DataError if no positive is left.
    """
    local = _files(cache)
    ratings = _ratings(next(iter(local.paths.values())))
    complete = (ratings != 99).all(axis=1)
    liked = ratings[complete] >= config.min_rating
    liked = liked[liked.any(axis=1)]
    users, items = np.nonzero(liked)
    shown = numpy_stream(config.seed, "jester", "exposure").random(len(users)) < config.observed
    if not shown.any():
        raise DataError("jester: nobody rated all jokes and liked one; is the file complete?")
    return Interactions(
        name="jester",
        users=users[shown],
        items=items[shown],
        n_users=len(liked),
        n_items=liked.shape[1],
        truth=Csr.of(users, items, n_rows=len(liked), n_columns=liked.shape[1]),
        source=CARD.link,
        notes=(
            *local.notes,
            f"{config.observed:.0%} of the positives, drawn evenly, are observed: a SIMULATED"
            " exposure over real preferences, not a log",
            f"{int(complete.sum()):,} of {len(ratings):,} people rated all jokes; "
            f"{int(complete.sum()) - len(liked):,} of them like none at {config.min_rating:g}",
        ),
    )


def _files(cache: FileCache) -> LocalFiles:
    """The exported table if it is a local file, else the official sheet."""
    try:
        return cache.find(AT_HAND)
    except DataError:
        return cache.find(FILES)


def _ratings(path: Path) -> NDArray[np.float64]:
    ratings: NDArray[np.float64]
    if ".xls" in path.suffixes:
        try:
            frame = pd.read_excel(path, header=None)
        except ImportError:
            raise UserError(
                f"{path} needs xlrd to be read; `pip install xlrd`, or export it as {TABLE} into a"
                " folder and name that with --data-dir"
            ) from None
        except Exception as error:  # a damaged sheet makes xlrd raise anything
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{path} is no readable sheet ({reason})") from None
        if frame.shape[1] != JOKES + 1:
            raise DataError(
                f"{path}: a row must be a count and {JOKES} ratings; got {frame.shape[1]} columns"
            )
        ratings = frame.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)[:, 1:]
    else:
        kinds: dict[str, Kind] = {str(column): "number" for column in range(JOKES + 1)}
        ratings = read_columns(path, kinds, separator=",").to_numpy(np.float64)[:, 1:]
    if not ((np.abs(ratings) <= 10) | (ratings == 99)).all():
        raise DataError(f"{path}: every rating must be from -10 to 10, or 99 for none")
    return ratings
