"""Yambda: likes, dislikes and listens of a music service over ten months, 50 million events.

Official layout: the folder `flat/50m` with `likes.parquet`, `dislikes.parquet` and, for
`event=listens`, `listens.parquet`, columns uid, item_id and timestamp (seconds, in steps of five),
and played_ratio_pct of listens. pyarrow reads them: `pip install 'negbench[parquet]'`.

A positive is a like, or a listen to at least `played` per cent of a track, at its first time. The
dislikes are known negatives: explicit, though of tracks that people came across by choice or by
recommendation. A pair that was liked too, at whatever time, is positive.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from negbench.data.download.file_cache import DatasetFiles, FileCache
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Interactions
from negbench.data.raw_rows import RawRows
from negbench.data.reindex import reindex
from negbench.errors import DataError, UserError
from negbench.plugins.card import Card

CARD = Card(
    title="Yambda-50M (music: likes, dislikes, listens)",
    family="ratings",
    authors="A. Ploshkin, V. Tytskiy, A. Pismenny, V. Baikalov, E. Taychinov, A. Permiakov, D."
    " Burlakov, E. Krofto and N. Savushkin",
    year=2025,
    venue="RecSys",
    link="https://huggingface.co/datasets/yandex/yambda",
    paper="Yambda-5B -- A Large-Scale Multi-modal Dataset for Ranking and Retrieval",
    provides=("order", "exposures"),
    licence="Apache-2.0",
    terms="Apache-2.0",
    size="10,000 users; 46 million listens, 0.9 million likes",
)

SITE = f"{CARD.link}/resolve/main/flat/50m"
FOLDERS = ("yambda", "flat/50m", "yambda/flat/50m", "50m")


@dataclass(frozen=True)
class Config:
    """What counts as a positive."""

    event: Literal["likes", "listens"] = "likes"
    """Likes, or listens."""
    played: float = 50.0
    """Of listens: least percentage of the track, 0 to 100; 50 as in the publisher's benchmark."""

    def __post_init__(self) -> None:
        """Check the range; raises ValueError for a percentage outside 0 to 100."""
        if not 0 <= self.played <= 100:
            raise ValueError(f"`played` must be from 0 to 100; got {self.played:g}")


def load(config: Config, cache: FileCache) -> Interactions:
    """Positives in time order, and the dislikes of their users and items.

    Raises DataError if a file is not in the official layout, and UserError without pyarrow.
    """
    chosen = f"{config.event}.parquet"
    names = (chosen, "dislikes.parquet")
    downloads = tuple(Download(name, (f"{SITE}/{name}",)) for name in names)
    local = cache.find(
        DatasetFiles(folders=FOLDERS, files=names, downloads=downloads, terms=CARD.terms)
    )
    ratio = ("played_ratio_pct",) if config.event == "listens" else ()
    liked, low = _events(local[chosen], ratio), _events(local["dislikes.parquet"])
    note = "a positive is a like; dislikes are known negatives"
    if ratio:
        liked = liked[liked["played_ratio_pct"] >= config.played]
        note = f"a positive is a listen to at least {config.played:g} % of a track"
    if not len(liked):
        raise DataError(f"yambda: {local[chosen]} holds no positive")
    both = pd.concat([liked, low], ignore_index=True)
    rows = RawRows(
        pd.Index(both["uid"].to_numpy()),
        pd.Index(both["item_id"].to_numpy()),
        both["timestamp"].to_numpy(np.float64),
        np.repeat([1.0, 0.0], [len(liked), len(low)]),
        local.notes,
    )
    return reindex(
        rows,
        name="yambda",
        min_rating=1,
        rated=False,
        source=CARD.link,
        licence=CARD.licence,
        notes=(note, f"{len(low):,} dislikes; times count from the start of the record"),
    )


def _events(path: Path, more: tuple[str, ...] = ()) -> pd.DataFrame:
    """The columns uid, item_id and timestamp of a file, and these others, all numbers."""
    columns = ["uid", "item_id", "timestamp", *more]
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UserError(
            f"{path}: parquet needs pyarrow; install it with `pip install 'negbench[parquet]'`"
        ) from None
    try:
        frame: pd.DataFrame = pyarrow.parquet.read_table(path, columns=columns).to_pandas()
    except (pyarrow.ArrowException, ValueError, KeyError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path} is no readable parquet file ({reason}); fetch it again") from None
    for name in columns:
        if name not in frame or frame[name].dtype.kind not in "iuf" or frame[name].isna().any():
            raise DataError(
                f"{path}: column {name} must hold numbers; it is not in the official layout"
            )
    return frame
