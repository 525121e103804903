"""Yelp 2018: 31,668 users, 38,048 businesses, 1,561,406 pairs, in the split of LightGCN.

Official layout: `train.txt` and `test.txt` of LightGCN, a line per user: `user item item ...`, ids
from 0. The split is the authors'; there are no times, and no validation part.
"""

from dataclasses import dataclass

from negbench.data.download.file_cache import DatasetFiles, FileCache
from negbench.data.download.mirrors import Download
from negbench.data.interactions import Interactions
from negbench.data.readers.adjacency_lists import read_split_lists
from negbench.plugins.card import Card

CARD = Card(
    title="Yelp 2018 (LightGCN split)",
    family="lists",
    authors="",
    year=2018,
    venue="",
    link="https://github.com/gusye1234/LightGCN-PyTorch",
    provides=("part",),
    licence="",
    terms="no licence is stated beside the lists; the Yelp dataset terms allow academic use only",
    size="31,668 x 38,048; 1,561,406",
)

RAW = "https://raw.githubusercontent.com/gusye1234/LightGCN-PyTorch"
RECZOO = "https://huggingface.co/datasets/reczoo/Yelp18_m1/resolve/main"
FILES = DatasetFiles(
    folders=("yelp2018",),
    files=("train.txt", "test.txt"),
    downloads=(
        Download(
            "train.txt",
            (
                f"{RAW}/ae21737f61af8bdb068549a1ffb9e7a4ba8d5413/data/yelp2018/train.txt",
                f"{RAW}/master/data/yelp2018/train.txt",
                f"{RECZOO}/train.txt",
            ),
            "md5:1b8b5d22a227e01d6de002c53d32b4c4",
        ),
        Download(
            "test.txt",
            (
                f"{RAW}/ae21737f61af8bdb068549a1ffb9e7a4ba8d5413/data/yelp2018/test.txt",
                f"{RAW}/master/data/yelp2018/test.txt",
                f"{RECZOO}/test.txt",
            ),
            "md5:0d57d7399862c32152b045ec5d2698e7",
        ),
    ),
    terms=CARD.terms,
)


@dataclass(frozen=True)
class Config:
    """No parameters."""


def load(config: Config, cache: FileCache) -> Interactions:
    """All pairs of both files, with their part."""
    del config
    return read_split_lists(cache.find(FILES), name="yelp2018", source=CARD.link)
