"""KuaiRec's own tables: a real log of short videos, and a matrix in which everything was shown.

Official layout: `big_matrix.csv` (the log: 7,176 users, 10,728 videos) and `small_matrix.csv`
(1,411 users x 3,327 videos, 99.6 % of the cells), columns user_id, video_id, timestamp and
watch_ratio among others. A positive is a view with watch_ratio at least `watch_ratio`. The log's
positives are the interactions; the cells of the small matrix are `judged`, its positives the
`truth`. So the test is an unbiased one, fully observed: no system chose what was shown in it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from negbench.data.download.file_cache import DatasetFiles, FileCache
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Csr, Interactions
from negbench.data.readers.typed_tables import Kind, read_columns
from negbench.data.reindex import first_of_each_pair
from negbench.errors import DataError
from negbench.plugins.card import Card

CARD = Card(
    title="KuaiRec (log and fully observed matrix)",
    family="judged",
    authors="Chongming Gao, Shijun Li, Wenqiang Lei, Jiawei Chen, Biao Li, Peng Jiang, Xiangnan"
    " He, Jiaxin Mao and Tat-Seng Chua",
    year=2022,
    venue="CIKM",
    link="https://kuairec.com",
    paper="KuaiRec: A Fully-Observed Dataset and Insights for Evaluating Recommender Systems",
    provides=("order", "truth"),
    licence="CC BY-SA 4.0",
    terms="CC BY-SA 4.0; cite Gao et al. 2022",
    size="7,176 x 10,728; 12,530,806 views; 1,411 x 3,327 fully observed",
)

FILES = DatasetFiles(
    folders=("KuaiRec", "KuaiRec 2.0/data", "KuaiRec/data", "KuaiRec 2.0"),
    files=("big_matrix.csv", "small_matrix.csv"),
    downloads=(
        Download(
            "KuaiRec.zip",
            ("https://zenodo.org/records/18164998/files/KuaiRec.zip",),
            "md5:261550d472c48eff4990fb13c0e5bcf7",
            431_964_858,
        ),
    ),
    terms=CARD.terms,
)

VIEWS: dict[str, Kind] = {
    "user_id": "whole",
    "video_id": "whole",
    "timestamp": "maybe",
    "watch_ratio": "number",
}


@dataclass(frozen=True)
class Config:
    """What counts as a positive."""

    watch_ratio: float = 2.0
    """Least share of the video's length that was watched; 2 is watching it twice."""


def load(config: Config, cache: FileCache) -> Interactions:
    """The log's positives in time order; judged cells and truth from the small matrix.

    Raises DataError if the log has no positive.
    """
    local = cache.find(FILES)
    log, matrix = _views(local["big_matrix.csv"]), _views(local["small_matrix.csv"])
    log = log[(log["watch_ratio"] >= config.watch_ratio) & log["timestamp"].notna()]
    if not len(log):
        raise DataError(f"kuairec_full: no view of {config.watch_ratio:g} times a video's length")
    users, user_ids = pd.factorize(pd.concat([log["user_id"], matrix["user_id"]]))
    items, item_ids = pd.factorize(pd.concat([log["video_id"], matrix["video_id"]]))
    times = log["timestamp"].to_numpy(np.float64)
    first = first_of_each_pair(users[: len(log)], items[: len(log)], len(item_ids), times)
    size = (len(user_ids), len(item_ids))
    judged = users[len(log) :], items[len(log) :]
    liked = matrix["watch_ratio"].to_numpy(np.float64) >= config.watch_ratio
    return Interactions(
        name="kuairec_full",
        users=users[: len(log)][first].astype(np.int64),
        items=items[: len(log)][first].astype(np.int64),
        n_users=size[0],
        n_items=size[1],
        times=times[first],
        order="time",
        user_ids=np.asarray(user_ids, object),
        item_ids=np.asarray(item_ids, object),
        truth=_cells(judged[0][liked], judged[1][liked], size),
        judged=_cells(*judged, size),
        source=CARD.link,
        licence=CARD.licence,
        notes=(
            *local.notes,
            f"a positive is a view of at least {config.watch_ratio:g} times the video's length",
            f"{len(log) - len(first):,} repeated views dropped, the earliest kept",
        ),
    )


def _views(path: Path) -> pd.DataFrame:
    return read_columns(path, VIEWS, separator=",", header=tuple(VIEWS))


def _cells(rows: NDArray[np.intp], columns: NDArray[np.intp], size: tuple[int, int]) -> Csr:
    """Cells without duplicates."""
    keys = np.unique(rows.astype(np.int64) * size[1] + columns)
    return Csr.of(*np.divmod(keys, size[1]), n_rows=size[0], n_columns=size[1])
