"""KuaiRand-Pure: a real log of short videos, and videos that were put into the feed at random.

Official layout: a folder `KuaiRand-Pure/data` with `log_standard_4_08_to_4_21_pure.csv`,
`log_standard_4_22_to_5_08_pure.csv` (what the recommender chose to show) and
`log_random_4_22_to_5_08_pure.csv` (what was drawn evenly from the videos and shown in its place),
columns user_id, video_id, time_ms, is_click, is_like and long_view among others.

A positive is a view with `signal`. The standard log's positives are the interactions, in time
order; what it showed without the signal is `unchosen`. Each pair of the random log is `judged`, and
with the signal it is `truth`. So the test is unbiased: nobody chose what was shown in it, and the
judged pairs are a random sample, over which rates of false negatives are right on average. Of a
rare signal, as is_like, a view without it says little.

`user_features_pure.csv` and `video_features_basic_pure.csv` give columns of users and videos, if
they are there. The statistics of the videos, counted over the period of the test, are not read.

The random views fall into the later period of the standard log; `log=before` trains on what was
over by then, on the first file alone.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.distinct_pairs import distinct_pairs
from negbench.data.download.file_cache import DatasetFiles, FileCache
from negbench.data.download.mirrors import Download
from negbench.data.features import Features
from negbench.data.interactions import Csr, Interactions
from negbench.data.readers.typed_tables import Kind, read_columns
from negbench.data.reindex import first_of_each_pair
from negbench.errors import DataError
from negbench.plugins.card import Card

CARD = Card(
    title="KuaiRand-Pure (unbiased test: random exposure)",
    family="judged",
    authors="Chongming Gao, Shijun Li, Yuan Zhang, Jiawei Chen, Biao Li, Wenqiang Lei, Peng Jiang"
    " and Xiangnan He",
    year=2022,
    venue="CIKM",
    link="https://kuairand.com",
    paper="KuaiRand: An Unbiased Sequential Recommendation Dataset with Randomly Exposed Videos",
    provides=("order", "truth", "exposures", "user_features", "item_features"),
    licence="CC BY-SA 4.0",
    terms="CC BY-SA 4.0; cite Gao et al. 2022",
    size="27,285 x 7,583; 1.44 million views of the standard log, 1.19 million random ones",
)

EARLY = "log_standard_4_08_to_4_21_pure.csv"
LATE = "log_standard_4_22_to_5_08_pure.csv"
RANDOM = "log_random_4_22_to_5_08_pure.csv"
PEOPLE, VIDEOS = "user_features_pure.csv", "video_features_basic_pure.csv"
OF_PEOPLE: dict[str, Kind] = {
    "user_id": "whole",
    "user_active_degree": "text",
    "is_live_streamer": "text",
    "is_video_author": "text",
    "follow_user_num_range": "text",
    "fans_user_num_range": "text",
    "friend_user_num_range": "text",
    "register_days_range": "text",
}
OF_VIDEOS: dict[str, Kind] = {
    "video_id": "whole",
    "author_id": "text",
    "video_type": "text",
    "upload_type": "text",
    "music_type": "text",
    "tag": "text",
    "video_duration": "maybe",
}
"""What is read of them; the rest are codes without a meaning, or what became of a video later."""
FILES = DatasetFiles(
    folders=("KuaiRand-Pure", "KuaiRand-Pure/data"),
    files=(EARLY, LATE, RANDOM),
    optional=(PEOPLE, VIDEOS),
    downloads=(
        Download(
            "KuaiRand-Pure.tar.gz",
            ("https://zenodo.org/records/10439422/files/KuaiRand-Pure.tar.gz",),
            "md5:0820331067a3784d9691136f772b35a7",
        ),
    ),
    terms=CARD.terms,
)


@dataclass(frozen=True)
class Config:
    """What counts as a positive, and which log is trained on."""

    signal: Literal["is_click", "long_view", "is_like"] = "is_click"
    """The column that must be 1."""
    log: Literal["all", "before"] = "all"
    """The whole standard log, or its part before the random views began."""


def load(config: Config, cache: FileCache) -> Interactions:
    """The standard log's positives in time order; judged pairs and truth from the random log.

    Raises DataError if one of the logs has no positive.
    """
    local = cache.find(FILES)
    names = (EARLY, LATE) if config.log == "all" else (EARLY,)
    logs = [_views(local[name], config.signal) for name in names]
    log, random = pd.concat(logs, ignore_index=True), _views(local[RANDOM], config.signal)
    chosen, clicked = log[log["signal"] == 1], random[random["signal"] == 1]
    for rows, which in ((chosen, "standard"), (clicked, "random")):
        if not len(rows):
            raise DataError(f"kuairand_pure: the {which} log has no view with {config.signal}")
    user_ids = pd.unique(pd.concat([chosen["user"], random["user"]]))
    item_ids = pd.unique(pd.concat([log["item"], random["item"]]))
    index, size = (pd.Index(user_ids), pd.Index(item_ids)), (len(user_ids), len(item_ids))
    users, items, times = _numbered(chosen, index)
    first = first_of_each_pair(users, items, size[1], times)
    passed = log[(log["signal"] == 0) & log["user"].isin(user_ids)]
    shown = _numbered(passed, index)
    unchosen, unchosen_times = distinct_pairs(*shown, n_users=size[0], n_items=size[1])
    return Interactions(
        name="kuairand_pure",
        users=users[first],
        items=items[first],
        n_users=size[0],
        n_items=size[1],
        times=times[first],
        order="time",
        user_ids=np.asarray(user_ids, object),
        item_ids=np.asarray(item_ids, object),
        truth=_cells(clicked, index),
        judged=_cells(random, index),
        judged_at_random=True,
        user_features=_features(local.get(PEOPLE), OF_PEOPLE, user_ids),
        item_features=_features(local.get(VIDEOS), OF_VIDEOS, item_ids),
        unchosen=unchosen,
        unchosen_times=unchosen_times,
        source=CARD.link,
        licence=CARD.licence,
        notes=(
            *local.notes,
            f"a positive is a view with {config.signal}; test: of videos shown at random",
            f"{len(chosen) - len(first):,} repeated positives dropped, the earliest kept",
            f"{len(unchosen):,} pairs were shown without {config.signal}, "
            f"{len(_cells(random, index)):,} were shown at random",
        ),
    )


def _views(path: Path, signal: str) -> pd.DataFrame:
    """The columns user, item, time in seconds and signal of a log.

    Raises DataError for a signal that is neither 0 nor 1.
    """
    kinds: dict[str, Kind] = {
        "user": "whole",
        "item": "whole",
        "time": "number",
        "signal": "whole",
    }
    header = ("user_id", "video_id", "time_ms", signal)
    views = read_columns(path, kinds, separator=",", header=header)
    if not views["signal"].isin((0, 1)).all():
        raise DataError(f"{path}: {signal} must be 0 or 1; the file is not in the official layout")
    return views.assign(time=views["time"] / 1000)


def _features(
    path: Path | None, kinds: dict[str, Kind], ids: NDArray[np.generic]
) -> Features | None:
    """The columns of a file in the order of these ids; tags are parted by commas."""
    if path is None:
        return None
    table = read_columns(path, kinds, separator=",", header=tuple(kinds))
    (key, *words), numbers = kinds, [name for name, kind in kinds.items() if kind == "maybe"]
    marks = {name: "," if name == "tag" else "\n" for name in words if name not in numbers}
    features = Features.of(
        {
            name: [[word for word in field.split(mark) if word] for field in table[name]]
            for name, mark in marks.items()
        },
        {name: table[name].to_numpy() for name in numbers},
    )
    return features.of_ids(table[key].tolist(), ids)


def _numbered(
    rows: pd.DataFrame, index: tuple["pd.Index[int]", "pd.Index[int]"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    users, items = (
        ids.get_indexer(pd.Index(rows[name])).astype(np.int64)
        for ids, name in zip(index, ("user", "item"), strict=True)
    )
    return users, items, rows["time"].to_numpy(np.float64)


def _cells(rows: pd.DataFrame, index: tuple["pd.Index[int]", "pd.Index[int]"]) -> Csr:
    """The pairs of rows, each once."""
    users, items, _ = _numbered(rows, index)
    shape = {"n_users": len(index[0]), "n_items": len(index[1])}
    return distinct_pairs(users, items, None, **shape)[0]
