"""kuairec: 1,411 users whose preference for all 3,327 videos is known; exposure is simulated.

Embedded. `truth` is the fully observed matrix of KuaiRec, binarised by the authors of AdvInfoNCE:
217,175 relevant cells. The 70,355 observed pairs are NOT a log: they are a simulated exposure of
these real preferences, drawn from the real view counts of the log. No order is known. NOTICE.md
says more.

The test is an unbiased one, fully observed: nearly every cell was shown, so what is relevant does
not hang on what a system chose to show. It holds the relevant cells that were not observed.
"""

from dataclasses import dataclass

import numpy as np

from negbench.data.download.file_cache import FileCache
from negbench.data.interactions import Csr, Interactions
from negbench.data.readers.adjacency_lists import as_pairs, split_words
from negbench.data.readers.packaged_files import packaged_bytes, packaged_table
from negbench.plugins.card import Card

CARD = Card(
    title="KuaiRec, fully observed (simulated exposure)",
    family="embedded",
    authors="Chongming Gao, Shijun Li, Wenqiang Lei, Jiawei Chen, Biao Li, Peng Jiang, Xiangnan"
    " He, Jiaxin Mao and Tat-Seng Chua",
    year=2022,
    venue="CIKM",
    link="https://kuairec.com",
    paper="KuaiRec: A Fully-Observed Dataset and Insights for Evaluating Recommender Systems",
    provides=("truth",),
    licence="CC BY-SA 4.0",
    terms="CC BY-SA 4.0; changed from the original as datasets/NOTICE.md says",
    size="1,411 x 3,327; 70,355 observed, 217,175 relevant",
)


@dataclass(frozen=True)
class Config:
    """No parameters."""


def load(config: Config, cache: FileCache) -> Interactions:
    """The observed pairs, and the truth of every cell."""
    del config, cache
    people, videos = packaged_table("kuairec.users.csv.gz"), packaged_table("kuairec.items.csv.gz")
    size = {"n_rows": len(people), "n_columns": len(videos)}
    users, items = _pairs("kuairec.observed.txt.gz")
    return Interactions(
        name="kuairec",
        users=users,
        items=items,
        n_users=len(people),
        n_items=len(videos),
        user_ids=people["user_id"].to_numpy(np.int64).astype(object),
        item_ids=videos["video_id"].to_numpy(np.int64).astype(object),
        truth=Csr.of(*_pairs("kuairec.truth.txt.gz"), **size),
        source=CARD.link,
        licence=CARD.licence,
        notes=(
            "the observed pairs are a SIMULATED exposure over real preferences, not a log",
            "truth is exact for 99.6 % of the cells; the others were never shown and count as"
            " not relevant",
        ),
    )


def _pairs(name: str) -> tuple[np.ndarray, np.ndarray]:
    words, lines = split_words(packaged_bytes(name))
    return as_pairs(words.astype(np.int64), lines)
