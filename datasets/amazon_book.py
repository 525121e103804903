"""Amazon-Book: 52,643 users, 91,599 books, 2,984,108 pairs, in the split of LightGCN.

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
    title="Amazon-Book (LightGCN split)",
    family="lists",
    authors="",
    year=2016,
    venue="",
    link="https://github.com/gusye1234/LightGCN-PyTorch",
    provides=("part",),
    licence="",
    terms="no licence is stated; research use",
    size="52,643 x 91,599; 2,984,108",
)

RAW = "https://raw.githubusercontent.com/gusye1234/LightGCN-PyTorch"
RECZOO = "https://huggingface.co/datasets/reczoo/AmazonBooks_m1/resolve/main"
FILES = DatasetFiles(
    folders=(
        "amazon-book",
        "amazon_book",
    ),
    files=("train.txt", "test.txt"),
    downloads=(
        Download(
            "train.txt",
            (
                f"{RAW}/ae21737f61af8bdb068549a1ffb9e7a4ba8d5413/data/amazon-book/train.txt",
                f"{RAW}/master/data/amazon-book/train.txt",
                f"{RECZOO}/train.txt",
            ),
            "md5:c916ecac04ca72300a016228258b41ed",
        ),
        Download(
            "test.txt",
            (
                f"{RAW}/ae21737f61af8bdb068549a1ffb9e7a4ba8d5413/data/amazon-book/test.txt",
                f"{RAW}/master/data/amazon-book/test.txt",
                f"{RECZOO}/test.txt",
            ),
            "md5:30f8ccfea18d25007ba9fb9aba4e174d",
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
    return read_split_lists(cache.find(FILES), name="amazon_book", source=CARD.link)
