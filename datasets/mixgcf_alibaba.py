"""Alibaba in the split of MixGCF: 106,042 users, 53,591 items, 907,407 pairs.

Official layout: `train.txt`, `valid.txt` and `test.txt` in the folder `data/ali` of the authors'
repository, a line per pair: `user item`; users count from 0 and items from the number of users on,
as their code reads them. The split is theirs.
No checksum of the files is known here, and of the commit of their logs the first digits alone: what
is downloaded first is kept and compared from there on.
"""

from negbench.data.readers.pair_parts import parts_loader
from negbench.data.readers.pinned_files import github, pinned_files
from negbench.data.readers.repository_lists import Nothing
from negbench.plugins.card import Card

CARD = Card(
    title="Alibaba (MixGCF split)",
    family="lists",
    authors="Tinglin Huang, Yuxiao Dong, Ming Ding, Zhen Yang, Wenzheng Feng, Xinyu Wang and Jie"
    " Tang",
    year=2021,
    venue="KDD",
    link="https://github.com/huangtinglin/MixGCF",
    paper="MixGCF: An Improved Training Method for Graph Neural Network-based Recommender Systems",
    provides=("part",),
    licence="",
    terms="no licence is stated; research use",
    size="106,042 x 53,591; 907,407",
)

REPOSITORY = "huangtinglin/MixGCF"
FILES = pinned_files(
    tuple(github(REPOSITORY, each, "data/ali") for each in ("e659f4a", "main")),
    ("train.txt", "valid.txt", "test.txt"),
    places=("mixgcf/ali", "MixGCF/data/ali", "data/ali", "mixgcf_alibaba"),
    terms=CARD.terms,
)

Config = Nothing
load = parts_loader(FILES, name="mixgcf_alibaba", link=CARD.link, after_users=True)
