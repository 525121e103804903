"""Gowalla check-ins: 29,858 users, 40,981 places, 1,027,370 pairs, in the split of LightGCN.

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
    title="Gowalla (LightGCN split)",
    family="lists",
    authors="Eunjoon Cho, Seth A. Myers and Jure Leskovec",
    year=2011,
    venue="KDD",
    link="https://snap.stanford.edu/data/loc-gowalla.html",
    paper="Friendship and Mobility: User Movement in Location-Based Social Networks",
    provides=("part",),
    licence="",
    terms="no licence is stated; research use, cite Cho et al. 2011",
    size="29,858 x 40,981; 1,027,370",
)

RAW = "https://raw.githubusercontent.com/gusye1234/LightGCN-PyTorch"
RECZOO = "https://huggingface.co/datasets/reczoo/Gowalla_m1/resolve/main"
FILES = DatasetFiles(
    folders=("gowalla",),
    files=("train.txt", "test.txt"),
    downloads=(
        Download(
            "train.txt",
            (f"{RAW}/master/data/gowalla/train.txt", f"{RECZOO}/train.txt"),
            "md5:5eec1eb2edb8dd648377d348b8e136cf",
        ),
        Download(
            "test.txt",
            (f"{RAW}/master/data/gowalla/test.txt", f"{RECZOO}/test.txt"),
            "md5:c04e2c4bcd2389f53ed8281816166149",
        ),
    ),
    checksums={
        "train.txt": "md5:5eec1eb2edb8dd648377d348b8e136cf",
        "test.txt": "md5:c04e2c4bcd2389f53ed8281816166149",
    },
    terms=CARD.terms,
)


@dataclass(frozen=True)
class Config:
    """No parameters."""


def load(config: Config, cache: FileCache) -> Interactions:
    """All pairs of both files, with their part."""
    del config
    return read_split_lists(cache.find(FILES), name="gowalla", source=CARD.link)
